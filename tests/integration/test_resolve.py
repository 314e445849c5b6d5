"""Files that contradict one another: a person says which stands, and the other is withdrawn."""

import io
from typing import Any

import orjson
import psycopg
import pydicom
import pytest

from common.errors import DependencyAwayError
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from infra.items.resolve import Decision, resolve
from tests.support.factories import to_bytes
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

WHY = ("--why", "The corrected one.", "--who", "tester")


def put(home: RunningHome, name: str, number: int, patient: int, **elements: Any) -> dict[str, Any]:
    """Put an image, with some elements changed; returns its settled item."""
    ds = pydicom.dcmread(io.BytesIO(make_instance(number, patient=patient)))
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    home.put(f"incoming/resolve/{name}", to_bytes(ds))
    return home.settled("extract", f"incoming/resolve/{name}")


def decide(home: RunningHome, item: int, keep: str) -> dict[str, Any]:
    """The answer of `dcm2set resolve`, once everything is settled and the balance closes."""
    done = home.run_cli("resolve", "--item", str(item), "--keep", keep, "--json", *WHY)
    assert 0 == done.returncode, done.stderr
    check(home)
    return dict(orjson.loads(done.stdout))


def check(home: RunningHome) -> None:
    """The balance closes, by totals and recounted; every image has its rows and its object."""
    home.wait_until_idle()
    done = home.run_cli("status", "--recount")
    assert "the same numbers" in done.stdout, done.stdout
    balance = home.rows("select files_difference, images_difference from balance")[0]
    assert {0} == set(balance.values())
    missing = """select a.key from image_allocation a join extraction e using (sop_instance_uid)
        left join image i using (sop_instance_uid, frame)
        where e.completed_at is not null and i.frame is null"""
    assert [] == home.rows(missing)
    for row in home.rows("select bucket, key from image_allocation"):
        home.store.stat(Location(row["bucket"], row["key"]))
    assert [] == home.rows("select from withdrawn_object")


def outcome(home: RunningHome, item: dict[str, Any]) -> tuple[str, str]:
    """The state and outcome of an item now."""
    (row,) = home.rows("select state, outcome from ledger_item where id = %s", item["id"])
    return row["state"], row["outcome"]


def trace(home: RunningHome, name: object) -> dict[str, Any]:
    """The output of `dcm2set trace --json`."""
    done = home.run_cli("trace", str(name), "--json")
    assert 0 == done.returncode, done.stderr
    return dict(orjson.loads(done.stdout))


def labelled(home: RunningHome, uid: str) -> None:
    """Label the image of an instance."""
    home.wait_until_idle()
    (image,) = home.rows("select key from image_allocation where sop_instance_uid = %s", uid)
    home.put("resolve.csv", f"image,label,value\n{image['key']},fracture,1\n".encode(), bucket="annotations")
    home.settled("annotations", "resolve.csv")


def is_shown_beside(home: RunningHome, first: int, second: int) -> None:
    """The trace of each of two items shows both, and the command that decides."""
    for number in (first, second):
        found = trace(home, number)
        (conflict,) = found["conflicts"]
        assert second == conflict["this"]["item"]
        assert [first] == [side["item"] for side in conflict["others"]]
        assert {first, second} <= {each["id"] for each in found["items"]}
    text = home.run_cli("trace", f"item-{first}").stdout
    assert f"dcm2set resolve --item {second} --keep this|other" in text


def stands(home: RunningHome, item: dict[str, Any], *, view: str, uid: str) -> None:
    """The item is extracted, its row is stored, and the image has the label."""
    assert outcome(home, item) in {("done", "extracted"), ("done", "duplicate")}  # of its copies one is first
    (row,) = home.rows("select view_position from instance where sop_instance_uid = %s", uid)
    assert view == row["view_position"]
    labels = "select value from current_label where sop_instance_uid = %s and label = 'fracture'"
    assert wait_for(lambda: home.rows(labels, uid), seconds=30) == [{"value": 1.0}]


def test_a_corrected_resend(home: RunningHome) -> None:
    """The corrected file is set aside, shown beside the first, and can take its place with its labels."""
    first = put(home, "first.dcm", 1, 881, ViewPosition="PA")
    uid = first["sop_instance_uid"]
    copy = put(home, "copy.dcm", 1, 881, ViewPosition="PA", preamble=b"XX" + bytes(126))
    assert ("done", "duplicate") == (copy["state"], copy["outcome"])
    labelled(home, uid)
    second = put(home, "second.dcm", 1, 881, ViewPosition="AP")
    assert "quarantined" == second["state"]
    is_shown_beside(home, first["id"], second["id"])
    is_interrupted(home, second["id"])
    done = decide(home, second["id"], "this")
    assert ([second["id"]], [first["id"], copy["id"]]) == (done["standing"], done["withdrawn"])
    stands(home, second, view="AP", uid=uid)
    assert {("done", "withdrawn")} == {outcome(home, first), outcome(home, copy)}
    assert decide(home, second["id"], "this")["is_repeated"]
    late = is_withdrawn_for_good(home, first["id"])
    # The decision is reversed.
    assert [first["id"], copy["id"], late] == decide(home, first["id"], "this")["standing"]
    stands(home, first, view="PA", uid=uid)
    assert ("done", "withdrawn") == outcome(home, second)
    assert ["this", "this"] == [each["kept"] for each in trace(home, second["id"])["resolutions"]]


class FailingStore:
    """The home's store, which goes away after one deletion."""

    def __init__(self, home: RunningHome) -> None:
        self.store, self.deletions = home.store, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def delete(self, version: ObjectVersion) -> None:
        self.deletions += 1
        if self.deletions > 1:
            raise DependencyAwayError
        self.store.delete(version)


def is_interrupted(home: RunningHome, number: int) -> None:
    """A decision is cut short in its deletions; it says so, and can't be changed before it is finished."""
    with psycopg.connect(home.endpoints["database_url"]) as connection, pytest.raises(DependencyAwayError):
        resolve(connection, FailingStore(home), Decision(number, "this", "Cut short.", "tester"))  # type: ignore[arg-type]
    (row,) = home.rows("select next_step from ledger_item where id = %s", number)
    assert "run the same dcm2set resolve again" in row["next_step"]
    assert {0} == set(home.rows("select files_difference, images_difference from balance")[0].values())
    other = home.run_cli("resolve", "--item", str(number), "--keep", "other", *WHY)
    assert (2, True) == (other.returncode, "is not finished" in other.stderr)


def is_withdrawn_for_good(home: RunningHome, number: int) -> int:
    """A replay says why a withdrawn item stays out; a copy of it is withdrawn too, and returned."""
    done = home.run_cli("replay", "--item", str(number))
    assert (True, True) == ("0 item(s) put back" in done.stdout, "another file stands" in done.stderr)
    late = put(home, "late.dcm", 1, 881, ViewPosition="PA", preamble=b"YY" + bytes(126))
    assert ("done", "withdrawn", None) == (late["state"], late["outcome"], late["sop_instance_uid"])
    check(home)
    return int(late["id"])


def test_a_merged_patient(home: RunningHome) -> None:
    """The same image under another PatientID: what a person decides against changes nothing."""
    first = put(home, "merge-1.dcm", 1, 882)
    second = put(home, "merge-2.dcm", 1, 882, PatientID="MERGED-882")
    assert "quarantined" == second["state"]
    assert [first["id"]] == decide(home, second["id"], "other")["standing"]
    assert [("done", "extracted"), ("done", "withdrawn")] == [outcome(home, each) for each in (first, second)]
    assert decide(home, second["id"], "other")["is_repeated"]
    assert second["patient_id"] != first["patient_id"]


def test_a_study_that_is_known_under_the_old_id(home: RunningHome) -> None:
    """A new image of the study is set aside at once; if it stands, the old ones are withdrawn."""
    first = put(home, "study-1.dcm", 1, 883)
    second = put(home, "study-2.dcm", 2, 883, PatientID="MERGED-883")
    assert ("quarantined", "The study is known under another patient.") == (second["state"], second["cause"])
    check(home)
    (conflict,) = trace(home, first["id"])["conflicts"]
    assert (second["id"], 1) == (conflict["item"], conflict["number_of_others"])
    assert [first["id"]] == decide(home, second["id"], "this")["withdrawn"]
    assert ("done", "extracted") == outcome(home, second)
    studies = """select patient_id from study join series using (study_instance_uid)
        join instance using (series_instance_uid) where sop_instance_uid = %s"""
    (standing,) = home.rows(
        "select patient_id, sop_instance_uid from ledger_item where id = %s", second["id"]
    )
    assert [{"patient_id": standing["patient_id"]}] == home.rows(studies, standing["sop_instance_uid"])
    assert [] == home.rows("select from patient where patient_id = %s", first["patient_id"])


def test_an_item_without_a_conflict(home: RunningHome) -> None:
    """There is nothing to decide about an item that contradicts no other."""
    first = put(home, "alone.dcm", 1, 884)
    done = home.run_cli("resolve", "--item", str(first["id"]), "--keep", "this", *WHY)
    assert (2, True) == (done.returncode, "nothing to decide" in done.stderr)


def test_afterwards_ledger_tables_and_store_agree(home: RunningHome) -> None:
    """What was withdrawn has left nothing behind, and nothing is missing."""
    home.wait_until_idle()
    done = home.run_cli("reconcile", "--deep", "--json", "--second-look", "1")
    files = home.rows(
        "select id, sop_instance_uid as uid from ledger_item where key like 'incoming/resolve/%%'"
    )
    numbers, uids = {file["id"] for file in files}, {file["uid"] for file in files} - {None}
    found = orjson.loads(done.stdout)
    assert uids
    assert found["objects"] > len(files)
    assert [] == [
        each for each in found["findings"] if each["item"] in numbers or each["sop_instance_uid"] in uids
    ]
