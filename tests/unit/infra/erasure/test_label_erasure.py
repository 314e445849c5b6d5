"""A patient's lines and tasks are emptied in label files of every format."""

import json

import pytest

from common.store.object_key import Location
from infra.erasure.erase_labels import empty_label_files
from tests.in_memory.object_store import InMemoryObjectStore

PATIENT, UID = "P" + "a" * 20, "2.25.1001"
NAMES = {PATIENT, UID, "2.25.2"}
OTHER = "P" + "b" * 20
TASK = {"data": {"image": f"s3://images-1/{PATIENT}/2.25.1/2.25.2/{UID}/1.png"}, "annotations": [{"id": 1}]}
STAYS = {"data": {"image": f"s3://images-1/{OTHER}/2.25.8/2.25.9/2.25.10/1.png"}, "annotations": [{"id": 2}]}


def emptied(
    body: bytes, numbers: set[int] | None = None, key: str = "processed/a", bucket: str = "annotations"
) -> tuple[bytes, int]:
    """The file afterwards, and how many files were changed; a second run changes none."""
    store = InMemoryObjectStore()
    for name in ("annotations", "quarantine"):
        store.ensure_bucket(name)
    store.put(Location(bucket, key), body, content_type="text/csv")
    first = len(list(empty_label_files(store, NAMES, {key: numbers or set()})))
    assert [] == list(empty_label_files(store, NAMES, {}))
    return store.buckets[bucket][key].data, first


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_lines_of_a_table(encoding: str) -> None:
    """Lines that name the patient, or their instances or series, are emptied; the others stay in place."""
    rows = [f"{UID}/1.png,ä,1", "2.25.10,ö,1", "2.25.2/x,refused,", f"{PATIENT}/u,c,1", "2.25.10019,d,1", ""]
    text = "\n".join(["image,label,value", *rows])
    body, number = emptied(text.encode(encoding))
    assert "image,label,value\n\n2.25.10,ö,1\n\n\n2.25.10019,d,1\n" == body.decode()
    assert 1 == number


def test_lines_known_by_number() -> None:
    """Rows that name nobody are emptied by the line of the imported file, which is their first cell."""
    body, _ = emptied(b"line,image,label,value\n2,1.png,a,1\n3,2.png,b,1\n3,2.png,c,1\n4,3.png,b,1\n", {3})
    assert b"line,image,label,value\n2,1.png,a,1\n\n\n4,3.png,b,1\n" == body


def test_tasks_of_an_array() -> None:
    """Tasks about the patient are emptied; the others keep their numbers and content."""
    body, number = emptied(json.dumps([STAYS, TASK, STAYS]).encode())
    assert [STAYS, {"annotations": []}, STAYS] == json.loads(body)
    assert 1 == number


def test_lines_of_json() -> None:
    """JSON Lines are emptied line by line."""
    text = "\n".join(json.dumps(task) for task in (STAYS, TASK, STAYS))
    body, _ = emptied(text.encode())
    assert [json.dumps(STAYS), "", json.dumps(STAYS)] == body.decode().split("\n")


@pytest.mark.parametrize("indent", [None, 2])
def test_single_annotation(indent: int | None) -> None:
    """An annotation as a target storage writes it is emptied completely."""
    body, number = emptied(json.dumps({"task": TASK, "result": []}, indent=indent).encode())
    assert 1 == number
    assert PATIENT.encode() not in body
    assert UID.encode() not in body


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([STAYS]).encode(),
        b"image,label,value\n2.25.10,a,1\n",
        b"\x00binary" + UID.encode(),
        b"[1",
        b"",
    ],
)
def test_other_files_stay_as_they_are(body: bytes) -> None:
    """A file that does not name the patient, or is not text, is not written again."""
    assert (body, 0) == emptied(body)


def test_reports_and_waiting_files_are_left_alone() -> None:
    """Reports name nobody, and a file that still waits is refused later, when it is imported."""
    for key in ("processed/a.report.json", "waiting.csv"):
        assert (UID.encode(), 0) == emptied(UID.encode(), key=key)


def test_quarantined_files_are_never_reports() -> None:
    """A quarantined label file is emptied, even if it is named like a report."""
    body, number = emptied(f"{UID},a\n".encode(), key="annotations/a.report.json", bucket="quarantine")
    assert (b"\n", 1) == (body, number)
