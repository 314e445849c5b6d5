"""Ledger, tables and object store compared on a real home: every loss is found, and mended by its advice."""

import json
import tarfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import urllib3
from click.testing import CliRunner, Result

from common.database import Database
from common.reconcile.reconcile_rows import ReconcileRows
from common.store.object_key import Location
from infra.cli import cli
from infra.reconcile.run import Run
from tests.support.flipped_byte import flip
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

_FILES = 14


@pytest.fixture(scope="module")
def site(start_home) -> RunningHome:
    """A home with a few files, whose rolling comparison takes a step at every sweep."""
    home = start_home(
        DCM2SET_SWEEP_SECONDS="0.5",
        DCM2SET_LEASE_SECONDS="5",
        DCM2SET_RETRY_SECONDS="1",
        DCM2SET_RECONCILE_SECONDS="0.05",
    )
    for number in range(_FILES):
        home.put(f"incoming/a/{number}.dcm", make_instance(number, patient=810 + number // 5))
    home.put("incoming/a/cut.dcm", make_instance(3, patient=1)[:-5000])
    home.put("team/a.csv", b"image,label,value\n1.2/1,mass,1\n", bucket="annotations")
    home.wait_until_idle()
    return home


def _run_cli(home: RunningHome, *words: str) -> Result:
    """Run `dcm2set` in this process, which saves the time of its start."""
    done = CliRunner().invoke(cli, [words[0], "--home", str(home.folder), *words[1:]])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def _reconcile(home: RunningHome, *options: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def is_decided() -> bool:
        done = _run_cli(home, "reconcile", "--json", "--second-look", "1", *options)
        found.update(json.loads(done.stdout))
        assert (1 if found["findings"] else 0) == done.exit_code, done.stderr
        return not found["undecided"]

    # Work that has only just ended may still explain a difference.
    assert wait_for(is_decided, seconds=120)
    return found


def _images(home: RunningHome) -> list[dict[str, Any]]:
    return home.rows(
        "select a.*, e.item_id, l.moved_to_key as original from image_allocation a "
        "join extraction e using (sop_instance_uid) join ledger_item l on l.id = e.item_id "
        "order by a.image_id"
    )


def _instance(image: dict[str, Any], suffix: str) -> str:
    return str(image["key"]).removesuffix("/1.png") + suffix


def _delete_row(home: RunningHome, table: str, condition: str, value: object) -> None:
    assert home.rows(f"delete from {table} where {condition} returning 1", value)


@pytest.mark.parametrize("options", [(), ("--deep",)])
def test_a_clean_home_has_no_finding(site: RunningHome, options: tuple[str, ...]) -> None:
    """Nothing differs, listed or read; a bucket of up to 1,000 objects costs one listing request."""
    found = _reconcile(site, *options)
    assert ([], 0) == (found["findings"], found["undecided"])
    assert found["objects"] >= 4 * _FILES + 2
    assert found["requests"] == 7 + len(site.rows("select from image_bucket"))


def test_every_loss_is_found_and_mended(site: RunningHome, tmp_path: Path) -> None:
    """Each deleted or changed object and each deleted row is found; after its advice nothing differs."""
    assert 0 == _run_cli(site, "backup", str(tmp_path / "backup")).exit_code
    images = _images(site)
    expected = _destroy(site, images)
    found = _reconcile(site, "--deep")
    assert expected == {(each["kind"], each["what"], each["mend"][0]["how"]) for each in found["findings"]}
    assert not [each for each in found["findings"] if "incoming/" in str(each) or "processed/" in str(each)]
    # What is surplus first: while items are replayed, what concerns them is no finding.
    for each in sorted(found["findings"], key=lambda each: each["mend"][0]["how"] != "forget"):
        mend = each["mend"][0]
        command = mend["command"].replace("dcm2set ", "").replace("BACKUP", str(tmp_path / "backup"))
        done = _run_cli(site, *command.replace("TEXT", "test").split())
        assert 0 == done.exit_code, (each, done.stderr)
    site.wait_until_idle()
    rest = _reconcile(site, "--deep")["findings"]
    # The image whose location was lost is drawn into another place; its old object is surplus now.
    for each in rest:
        assert "surplus" == each["kind"], each
        _run_cli(site, "reconcile", "--forget", str(each["number"]), "--why", "test")
    assert [] == _reconcile(site, "--deep")["findings"]
    assert "difference 0" in _run_cli(site, "status", "--recount").stdout


def _destroy(home: RunningHome, images: list[dict[str, Any]]) -> set[tuple[str, str, str]]:
    """Destroy one of each; returns how each kind of finding is to be mended."""
    remove = home.store.client.remove_object
    remove(images[0]["bucket"], images[0]["key"])
    remove("metadata", _instance(images[1], ".json"))
    remove("deidentified", _instance(images[2], ".dcm"))
    remove("raw", images[3]["original"])
    remove("annotations", "processed/team/a.csv")
    home.put(_instance(images[4], ".dcm"), b"changed", bucket="deidentified")
    home.put("x/y.dcm", b"surplus", bucket="deidentified")
    home.put("processed/b/found.dcm", make_instance(90, patient=890))
    for number, table in ((5, "verdict"), (6, "image"), (9, "verdict"), (9, "image_allocation")):
        _delete_row(home, table, "sop_instance_uid = %s", images[number]["sop_instance_uid"])
    for table in ("image", "instance"):
        _delete_row(home, table, "sop_instance_uid = %s", images[7]["sop_instance_uid"])
    _delete_row(
        home, "ledger_item", "function = 'store_metadata' and key = %s", _instance(images[8], ".json")
    )
    _delete_row(home, "ledger_item", "function = 'quality' and key = %s", images[10]["key"])
    _copied_without_item(home)
    return {
        ("missing", "image", "redraw"),
        ("missing", "metadata", "redraw"),
        ("missing", "deidentified", "redraw"),
        ("missing", "original", "restore"),
        ("missing", "label_file", "restore"),
        ("changed", "deidentified", "redraw"),
        ("surplus", "object", "redraw"),
        ("surplus", "object", "forget"),
        ("row", "verdict", "redraw"),
        ("row", "image", "redraw"),
        ("row", "instance", "redraw"),
        ("row", "allocation", "redraw"),
        ("row", "document item", "redraw"),
        ("row", "image item", "redraw"),
        ("row", "file item", "redraw"),
    }


def _copied_without_item(home: RunningHome) -> None:
    """A file of the NAS in raw, whose row is there and whose item is not."""
    notifications = home.store.client.get_bucket_notification("raw")
    home.store.client.delete_bucket_notification("raw")
    body = make_instance(91, patient=891)
    etag = home.put("nas/f/1.dcm", body)
    home.store.client.set_bucket_notification("raw", notifications)
    home.rows(
        "with f as (insert into source_folder (name) values ('f') returning id) insert into source_file "
        "(folder_id, path, size, modified_at, state, raw_key, etag, copied_at) "
        "select id, '1.dcm', %s, now(), 'copied', 'nas/f/1.dcm', %s, now() from f returning 1",
        len(body),
        etag,
    )


def test_the_rolling_comparison_finds_a_loss(site: RunningHome) -> None:
    """Sweeps find a lost image by themselves; status, doctor and the metrics show it until it is mended."""
    image = next(each for each in _images(site) if each["bucket"] != "suboptimal")
    site.store.client.remove_object(image["bucket"], image["key"])
    assert wait_for(lambda: 'dcm2set_reconcile_findings{kind="missing"} 1.0' in _metrics(site), seconds=60)
    assert "1 missing; dcm2set reconcile lists them" in _run_cli(site, "status").stdout
    assert "WRONG  rows and objects" in _run_cli(site, "doctor").stdout
    assert "dcm2set_reconcile_age_seconds" in _metrics(site)
    assert 0 == _run_cli(site, "replay", "--item", str(image["item_id"])).exit_code
    assert wait_for(lambda: 'dcm2set_reconcile_findings{kind="missing"} 0.0' in _metrics(site), seconds=60)
    site.wait_until_idle()


def _metrics(home: RunningHome) -> str:
    url = home.endpoints["functions"]["sweep"] + "/metrics"
    headers = {"Authorization": f"Bearer {home.endpoints['token']}"}
    return urllib3.request("GET", url, headers=headers, timeout=10).data.decode()


def _run(home: RunningHome, database: Database, say: Callable[[str], None] = lambda _: None) -> Run:
    return Run(home.store, ReconcileRows(database), is_deep=False, rate=1e6, say=say, pause=0.3)


def test_files_in_flight_are_no_findings(site: RunningHome) -> None:
    """While files arrive and are worked on, repeated comparisons find nothing."""
    with closing(Database(site.endpoints["database_url"])) as database:
        for number in range(200, 215):
            site.put(f"incoming/c/{number}.dcm", make_instance(number, patient=820))
        deadline = time.monotonic() + 60
        runs = 0
        while time.monotonic() < deadline and (runs < 3 or _is_working(site)):
            assert [] == _run(site, database)().findings
            runs += 1
    status = site.wait_until_idle()
    assert 0 == status["balance"]["files_difference"]


def _is_working(home: RunningHome) -> bool:
    return bool(home.rows("select from ledger_item where state in ('running', 'retry') limit 1"))


def test_a_loss_is_no_finding_while_its_item_is_claimed(site: RunningHome) -> None:
    """A missing object stays undecided while its item is in work, and is a finding afterwards."""
    image = next(each for each in _images(site) if each["bucket"] != "suboptimal")
    body = site.store.read_now(Location(image["bucket"], image["key"]))
    lease = "update ledger_item set state = %s, lease_until = now() + interval '1 minute' "
    lease += "where id = %s returning 1"
    said: list[str] = []
    with closing(Database(site.endpoints["database_url"])) as database:
        site.rows(lease, "running", image["item_id"])
        site.store.client.remove_object(image["bucket"], image["key"])
        database.run(
            "insert into reconcile_pass (mode, place) values ('listed', 'raw') on conflict do nothing"
        )
        found = _run(site, database, said.append)()
        # Its original counts too: it has no settled item now.
        assert ([], 2) == (found.findings, found.undecided)
        assert "Continuing a comparison that was interrupted." in said
        site.rows(lease, "done", image["item_id"])
        (finding,) = _run(site, database)().findings
        assert ("missing", image["key"]) == (finding.difference.kind, finding.difference.key)
        site.put(image["key"], body, bucket=image["bucket"])
        assert [] == _run(site, database)().findings


def test_a_backup_has_what_listings_hide_and_names_what_is_damaged(site: RunningHome, tmp_path: Path) -> None:
    """A hidden object is in the backup; a damaged one is named, and its redraw mends it."""
    for key, number in (("incoming/d/case", 95), ("incoming/d/case/1.dcm", 96)):
        site.put(key, make_instance(number, patient=895))
        site.settled("extract", key)
    site.wait_until_idle()
    image = next(each for each in _images(site) if each["bucket"] != "suboptimal")
    flip(site.folder / "minio" / image["bucket"] / image["key"] / "xl.meta", 60)
    done = _run_cli(site, "backup", str(tmp_path / "a"))
    assert (3, True) == (done.exit_code, f"damaged: image {image['bucket']}/{image['key']}" in done.stderr)
    assert 0 == _run_cli(site, "backup", "--without-missing", str(tmp_path / "b")).exit_code
    with tarfile.open(tmp_path / "b" / "objects.tar") as tar:
        assert {"raw/processed/d/case", "raw/processed/d/case/1.dcm"} <= set(tar.getnames())
    found = {each["kind"]: each for each in _reconcile(site)["findings"]}
    assert {"hidden", "damaged"} == set(found)
    assert 0 == _run_cli(site, "reconcile", "--redraw", str(found["damaged"]["number"])).exit_code
    site.wait_until_idle()
    assert ["hidden"] == [each["kind"] for each in _reconcile(site)["findings"]]
