"""The processed copy of a label file: what was imported, and nothing else of the file."""

import json

import pytest

from common.errors import TransientError
from common.store.object_key import ANNOTATIONS
from functions.annotations.formats.label_file import read_label_file
from functions.annotations.formats.vocabulary import Vocabulary
from functions.annotations.storage.import_counts import ImportCounts
from functions.annotations.storage.label_rows import LabelImport
from tests.functional.pipeline import Pipeline
from tests.in_memory.label_rows import InMemoryLabelRows
from tests.support.uids import uid

MARKER = "Mustermann"
PATIENT = "P0123456789abcdef0123"
KEY = f"{PATIENT}/{uid(1)}/{uid(2)}/{uid(3)}/1.png"
TASK = {
    "id": 1,
    "project": 1,
    "data": {"image": f"s3://images-1/{KEY}", "note": MARKER},
    "annotations": [
        {
            "completed_by": {"id": 7, "email": f"{MARKER}@h.example"},
            "result": [
                {"type": "choices", "value": {"choices": ["fracture", MARKER]}},
                {"type": "textarea", "value": {"text": [MARKER]}},
            ],
        },
        {"completed_by": {"email": f"{MARKER}@h.example"}, "result": []},
    ],
    "predictions": [{"result": [{"type": "choices", "value": {"choices": [MARKER]}}]}],
}
FILES = {
    "refused rows": f"""image,label,value,annotator
{KEY},fracture,1,reader 1
{KEY},{MARKER},1,reader 1
{KEY},mass,{MARKER},reader 1
{KEY},nodule,1,{MARKER}^Max
{MARKER}/{KEY[22:]},mass,1,reader 1
1.2.840.{MARKER},mass,1,reader 1
{MARKER}
"{MARKER}
{MARKER}",mass,1,reader 1
""",
    "other columns": f"""Path,Patient ID,note,fracture,{MARKER}
https://h.example/b/{KEY}?patient={MARKER},{MARKER},"{MARKER},
{MARKER}",1,1
""",
    "a column that is not read": f"image,frame,study,label,value\n{KEY},,{MARKER},fracture,1\n",
    "JSON": f"""{{"image": "{KEY}", "label": "{MARKER}", "label": "fracture", "value": 1}}
{{"image": "{KEY}", "label": "mass", "value": 1, "name": "{MARKER}"}}
""",
    "Label Studio": json.dumps([TASK]),
}


def objects(pipeline: Pipeline) -> dict[str, bytes]:
    """Every object in annotations, by its key."""
    return {key: pipeline.store.buckets[ANNOTATIONS][key].data for key in pipeline.store.keys(ANNOTATIONS)}


@pytest.mark.parametrize("name", FILES)
def test_nothing_of_a_refused_row_stays(pipeline: Pipeline, name: str) -> None:
    """Words of refused rows, unread columns, queries and comments are in no object, row, log or answer."""
    pipeline.put(ANNOTATIONS, "labels", FILES[name].encode())
    (result,) = pipeline.send("annotations", {"bucket": ANNOTATIONS, "key": "labels"}).json["results"]
    assert ("imported", 1) == (result["outcome"], result["held"])
    stored = objects(pipeline)
    assert {"processed/labels", "processed/labels.report.json"} == set(stored)
    assert f"{KEY},image,fracture,1.0".encode() in stored["processed/labels"]
    for where in (*stored.values(), str(pipeline.labels.labels).encode(), json.dumps(result).encode()):
        assert MARKER.lower().encode() not in where.lower()


def test_a_copy_is_a_label_file(pipeline: Pipeline) -> None:
    """The copy can be put into the bucket again, and gives the same labels."""
    rows = [
        f"{KEY},image,fracture,1,reader 1,2026-01-01T10:00:00Z",
        f"{uid(4)},image,mass,0.25,,",
        f"{uid(5)}/2,image,mass,-1,,",
        f"{uid(6)},study,nodule,0,reader 2,",
    ]
    pipeline.put(ANNOTATIONS, "a.csv", "\n".join(["image,level,label,value,annotator,time", *rows]).encode())
    pipeline.deliver()
    body = objects(pipeline)["processed/a.csv"]
    again = read_label_file([body], Vocabulary())
    stored = [*(label.row for label in pipeline.labels.labels), *pipeline.labels.groups]
    assert [row._replace(line=0) for row in stored] == [row._replace(line=0) for row in again.rows]
    assert 0 == again.refused.number
    assert [b"2", b"3", b"4", b"5"] == [line.split(b",")[0] for line in body.splitlines()[1:]]


def test_lines_that_contradict_are_not_in_the_copy(pipeline: Pipeline) -> None:
    """Rows that are refused by comparison with others are left out, too."""
    rows = [f"{KEY},fracture,1", f"{KEY},fracture,0", f"{KEY},mass,1"]
    pipeline.put(ANNOTATIONS, "a.csv", "\n".join(["image,label,value", *rows]).encode())
    pipeline.deliver()
    assert [b"line", b"4"] == [
        line.split(b",")[0] for line in objects(pipeline)["processed/a.csv"].splitlines()
    ]


def test_another_file_of_the_same_name_has_its_own_copy(pipeline: Pipeline) -> None:
    """A copy never replaces that of another file; the same file again has the same copy."""
    first, second = (f"image,label,value\n{KEY},{label},1\n".encode() for label in ("fracture", "mass"))
    for body in (first, second, first, second):
        pipeline.put(ANNOTATIONS, "a.csv", body)
        pipeline.deliver()
    copies = {key: body for key, body in objects(pipeline).items() if not key.endswith(".report.json")}
    assert 2 == len(copies)
    assert b"fracture" in copies["processed/a.csv"]
    assert 2 == len(pipeline.labels.labels)


def test_a_copy_of_an_attempt_that_failed_is_written_again(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a failure between copy and commit, the next attempt writes to the same place."""
    import_file, attempts = InMemoryLabelRows.import_file, []

    def fails_once(rows: InMemoryLabelRows, label_import: LabelImport) -> ImportCounts:
        attempts.append(import_file(rows, label_import))
        if len(attempts) == 1:
            rows.imports.clear()
            rows.labels.clear()
            raise TransientError("The database went away.")
        return attempts[-1]

    monkeypatch.setattr(InMemoryLabelRows, "import_file", fails_once)
    pipeline.put(ANNOTATIONS, "a.csv", f"image,label,value\n{KEY},fracture,1\n".encode())
    pipeline.deliver()
    pipeline.clock.advance(3600)
    pipeline.send("annotations", {"due": True})
    assert {"processed/a.csv", "processed/a.csv.report.json"} == set(objects(pipeline))
    assert 2 == len(attempts)


def test_copy_of_the_same_bytes_under_another_name_is_empty(pipeline: Pipeline) -> None:
    """Nothing of it was imported, the report says so, and an erasure looks into the first copy only."""
    body = f"image,label,value\n{KEY},fracture,1\n".encode()
    for name in ("first.csv", "second.csv"):
        pipeline.put(ANNOTATIONS, name, body)
        pipeline.send("annotations", {"bucket": ANNOTATIONS, "key": name})
    stored = objects(pipeline)
    assert f"{KEY},image,fracture,1.0".encode() in stored["processed/first.csv"]
    assert b"line,image,level,label,value,annotator,time\n" == stored["processed/second.csv"]
    report = json.loads(stored["processed/second.csv.report.json"])
    assert (0, 0, 1) == (report["accepted"], report["held"], report["repeated"])
    assert "second.csv" not in stored
