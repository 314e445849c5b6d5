"""Traces of files and images, and what logs and metrics show of them."""

import io
import json
from pathlib import Path

import orjson
import pydicom
import pytest
import urllib3

from common.database import Database
from common.ledger.ledger import Claim, Settlement, State
from common.ledger.postgres_ledger import PostgresLedger
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance


@pytest.fixture(scope="module")
def item(home: RunningHome) -> dict:
    """The item of an extracted file, with a label on its image."""
    home.put("incoming/Tracemarker^Jane/1.dcm", make_instance(1, patient=701))
    item = home.settled("extract", "incoming/Tracemarker^Jane/1.dcm")
    home.wait_until_idle()
    image = home.rows(
        "select key from image_allocation where sop_instance_uid = %s", item["sop_instance_uid"]
    )
    home.put(
        "team/trace.csv", f"image,label,value\n{image[0]['key']},fracture,1\n".encode(), bucket="annotations"
    )
    home.settled("annotations", "team/trace.csv")
    return item


def trace(home: RunningHome, name: str) -> dict:
    """The output of `dcm2set trace --json`."""
    done = home.run_cli("trace", name, "--json")
    assert 0 == done.returncode, done.stderr
    return dict(orjson.loads(done.stdout))


def test_every_name_of_a_file_gives_the_same_trace(home: RunningHome, item: dict) -> None:
    """The item number, the source in the log, the UID and the locations of the image and of the file."""
    uid = item["sop_instance_uid"]
    image = home.rows("select bucket, key from image_allocation where sop_instance_uid = %s", uid)[0]
    names = (str(item["id"]), f"item-{item['id']}", uid, f"{uid}/1", f"s3://{image['bucket']}/{image['key']}")
    original = pydicom.dcmread(io.BytesIO(make_instance(1, patient=701))).SOPInstanceUID
    assert original != uid
    for name in (*names, str(original), f"{original}/1", "s3://raw/processed/Tracemarker^Jane/1.dcm"):
        found = trace(home, name)
        assert f"item-{item['id']}" == found["source"], name
        assert {"extract", "store_metadata", "quality"} == {each["function"] for each in found["items"]}, name
        assert {"done"} == {each["state"] for each in found["items"]}, name
        assert [1, 1, 1] == [len(each["each_attempt"]) for each in found["items"]], name
        (image_trace,) = found["images"]
        assert image_trace["verdict"] in {"good", "low_quality"}
        assert [("fracture", 1.0)] == [(label["label"], label["value"]) for label in image_trace["labels"]], (
            name
        )
    found = trace(home, str(home.item("quality", image["key"])["id"]))
    assert uid == found["instance"]["sop_instance_uid"]


def test_a_trace_as_text_is_in_order_and_contains_no_name(home: RunningHome, item: dict) -> None:
    """Each event is a line with its time; no line contains a name of the NAS or the patient."""
    done = home.run_cli("trace", str(item["id"]))
    assert 0 == done.returncode, done.stderr
    order = [
        done.stdout.index(word)
        for word in ("extract item", "allocated: 1 frame(s)", "image 1 judged", "fracture = 1")
    ]
    assert sorted(order) == order
    assert "marker" not in done.stdout.lower()
    unknown = home.run_cli("trace", "99999999")
    assert (2, True) == (unknown.returncode, "no item" in unknown.stderr)


def test_every_attempt_is_shown(home: RunningHome) -> None:
    """Attempts that failed or crashed are shown beside the last one, with cause, worker and times."""
    database = Database(home.endpoints["database_url"])
    version = ObjectVersion(Location("raw", "incoming/trace/attempts.dcm"), "e", 1)
    ledger = PostgresLedger(database, function="extract")
    try:
        first = ledger.claim(version, lease_seconds=60)
        assert isinstance(first, Claim)
        ledger.schedule_retry(first, "The store was away.", seconds=600, crashed=False)
        second = ledger.claim(version, lease_seconds=-1)
        third = ledger.claim(version, lease_seconds=60)
        assert isinstance(second, Claim)
        assert isinstance(third, Claim)
        ledger.settle(third, Settlement(State.DONE, outcome="skipped"))
    finally:
        database.close()
    (found,) = trace(home, str(first.id))["items"]
    ends = [(each["attempt"], each["state"], each["cause"]) for each in found["each_attempt"]]
    crashed = "The attempt crashed: its lease ran out."
    expected = [(1, "retry", "The store was away."), (2, "crashed", crashed), (3, "done", None)]
    assert expected == ends
    assert all(each["worker"] and each["started_at"] and each["ended_at"] for each in found["each_attempt"])
    # A replay keeps the earlier attempts.
    reopen = (
        "update ledger_item set state = 'retry', due_at = now() + interval '1 day' where id = %s returning id"
    )
    home.rows(reopen, first.id)
    assert 3 == len(home.rows("select from ledger_attempt where item_id = %s", first.id))
    home.rows("delete from ledger_item where id = %s returning id", first.id)


def test_one_source_runs_through_the_logs(home: RunningHome, item: dict) -> None:
    """Each function logs one line of JSON on the file, with item, attempt, time, outcome and the source."""
    seen = {}
    for function in ("extract", "store_metadata", "quality"):
        for line in (home.folder / "log" / f"{function}.log").read_text().splitlines():
            record = json.loads(line) if line.startswith("{") else {}
            if record.get("source") == f"item-{item['id']}" and record.get("attempt"):
                seen[function] = record
    assert {"extract", "store_metadata", "quality"} == set(seen)
    for function, record in seen.items():
        assert {"time", "level", "function", "item", "attempt", "milliseconds", "status"} <= set(record), (
            function
        )
        assert ("done", 1) == (record["status"], record["attempt"])


def test_metrics_of_every_function(home: RunningHome, item: dict) -> None:
    """With the token, each function returns its metrics in Prometheus' format; without it, an error."""
    for function in home.endpoints["functions"]:
        assert 401 == _metrics(home, function, token="wrong").status
        assert 200 == _metrics(home, function).status
    text = _metrics(home, "extract").data.decode()
    assert 'dcm2set_events_total{function="extract",outcome="extracted",status="done"}' in text
    assert 'dcm2set_event_seconds_bucket{function="extract",le="0.5"}' in text
    assert "marker" not in text.lower()
    swept = _metrics(home, "sweep").data.decode()
    assert 'dcm2set_balance{number="files_difference"} 0.0' in swept
    assert 'dcm2set_items{function="extract",state="done"}' in swept
    assert "dcm2set_ledger_up 1.0" in swept


def _metrics(home: RunningHome, function: str, *, token: str | None = None) -> urllib3.BaseHTTPResponse:
    url = home.endpoints["functions"][function]
    headers = {"Authorization": f"Bearer {token or home.endpoints['token']}"}
    return urllib3.request("GET", f"{url}metrics", headers=headers, retries=False, timeout=30)


def test_the_sweep_adds_settled_rows_to_the_totals(home: RunningHome, item: dict) -> None:
    """Soon after everything is settled, a count of all rows finds the same numbers as the totals."""
    home.wait_until_idle()
    left = "select from ledger_item where counted_as is null and state = 'done' and id = %s"
    assert wait_for(lambda: not home.rows(left, item["id"]), seconds=30)
    done = home.run_cli("status", "--recount")
    assert "the same numbers" in done.stdout, done.stdout


def test_a_file_of_the_nas_is_the_source(start_home, tmp_path: Path) -> None:
    """A file on the NAS is the source of all items that follow from it, in the ledger and in the trace."""
    (tmp_path / "nas" / "Folder").mkdir(parents=True)
    (tmp_path / "nas" / "Folder" / "1.dcm").write_bytes(make_instance(2, patient=702))
    home = start_home(
        DCM2SET_NAS_URL=(tmp_path / "nas").as_uri(),
        DCM2SET_NAS_POLL_SECONDS="1",
        DCM2SET_NAS_QUIET_SECONDS="0.5",
    )
    item = home.settled("extract", "nas/Folder/1.dcm")
    home.wait_until_idle()
    (file,) = home.rows("select id from source_file")
    assert f"file-{file['id']}" == item["source"]
    found = trace(home, f"file-{file['id']}")
    assert [file["id"]] == [each["id"] for each in found["files"]]
    assert {f"file-{file['id']}"} == {each["source"] for each in found["items"]}
    assert 3 == len(found["items"])
    log = (home.folder / "log" / "poll_nas.log").read_text()
    assert f'"source":"file-{file["id"]}"' in log
    assert wait_for((tmp_path / "nas" / "Folder_processed").exists, seconds=30)
    assert wait_for(lambda: home.rows("select from source_folder where mark is not null"), seconds=30)
    for path in ("Folder/1.dcm", "Folder_processed/1.dcm", str(tmp_path / "nas" / "Folder_processed/1.dcm")):
        assert found["items"] == trace(home, path)["items"], path
    # This shell has no NAS, and the home has one.
    assert f"ok     NAS: the running home polls {home.settings['DCM2SET_NAS_URL']};" in _doctor(home)
    home.end()
    assert f"The NAS {home.settings['DCM2SET_NAS_URL']} is polled." in _said_by_up(home)


def test_a_home_without_a_nas_says_so(home: RunningHome) -> None:
    """`up` says that none is polled, and for the doctor poll_nas is no fault."""
    assert "No NAS is polled" in _said_by_up(home)
    assert "ok     poll_nas: has nothing to do" in _doctor(home)


def _doctor(home: RunningHome) -> str:
    return home.run_cli("doctor").stdout


def _said_by_up(home: RunningHome) -> str:
    return (home.folder.parent / "up.log").read_text(encoding="utf-8")
