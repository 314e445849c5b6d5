"""store_metadata, quality and annotations over HTTP on in-memory ports."""

import json

import pytest

from common.ledger.ledger import State
from common.store.object_key import ANNOTATIONS, METADATA, RAW, SUBOPTIMAL
from tests.functional.line import Line
from tests.in_memory.quality_model import FixedModel
from tests.in_memory.requests import recorded
from tests.support.factories import make_dataset, real_path, to_bytes


@pytest.fixture
def extracted(line: Line) -> Line:
    """The line after extract has taken on one CT slice; its notifications are not delivered yet."""
    line.put(RAW, "incoming/a/CT.dcm", real_path().read_bytes())
    line.lose_notifications()
    line.send("extract", {"bucket": RAW, "key": "incoming/a/CT.dcm"})
    return line


def _image(line: Line) -> tuple[str, str]:
    (image,) = line.allocation.images.values()
    return image.home.bucket, image.home.key


def test_metadata_document_becomes_rows(extracted: Line) -> None:
    """The metadata of an instance is stored as rows of each level, and stays where it is."""
    (key,) = extracted.store.keys(METADATA)
    response = extracted.send("store_metadata", {"bucket": METADATA, "key": key})
    (result,) = response.json["results"]
    assert (200, "done", "stored") == (response.status_code, result["status"], result["outcome"])
    assert [key] == extracted.store.keys(METADATA)
    assert {"patient": 1, "study": 1, "series": 1, "instance": 1, "image": 1} == {
        name: len(rows) for name, rows in extracted.metadata.tables.items()
    }


def test_recorded_notification_of_wrong_metadata_is_quarantined(line: Line) -> None:
    """An object that is no metadata document goes to quarantine, naming the field."""
    key = "incoming/P0123456789abcdef0123/2.25.111/2.25.222/2.25.333.json"
    line.put(METADATA, key, b"{}")
    (result,) = line.send("store_metadata", recorded("metadata_put")).json["results"]
    assert "quarantined" == result["status"]
    assert "header" in result["cause"]
    assert [f"metadata/{key}"] == line.store.keys("quarantine")


def test_series_of_another_study_is_a_conflict(extracted: Line) -> None:
    """A document that contradicts what is stored is quarantined, and changes no row."""
    (key,) = extracted.store.keys(METADATA)
    body = extracted.store.buckets[METADATA][key].data
    extracted.send("store_metadata", {"bucket": METADATA, "key": key})
    before = extracted.metadata.tables
    document = json.loads(body)
    document["study"]["study_instance_uid"] = "2.25.999"
    extracted.put(METADATA, "incoming/other.json", json.dumps(document).encode())
    response = extracted.send("store_metadata", {"bucket": METADATA, "key": "incoming/other.json"})
    assert "quarantined" == response.json["results"][0]["status"]
    assert before == extracted.metadata.tables


def test_good_image_stays(extracted: Line) -> None:
    """An image the model takes for good stays where it is, with its verdict."""
    bucket, key = _image(extracted)
    response = extracted.send("quality", {"bucket": bucket, "key": key})
    (result,) = response.json["results"]
    assert (200, "done", "good", bucket) == (
        response.status_code,
        result["status"],
        result["outcome"],
        result["bucket_now"],
    )
    assert [key] == extracted.store.keys(bucket)
    (verdict,) = extracted.verdicts.verdicts.values()
    assert ("good", "model-of-the-test") == (verdict.verdict, verdict.model_version)


def test_low_quality_image_moves_to_suboptimal(extracted: Line, model: FixedModel) -> None:
    """An image the model takes for bad moves to suboptimal under the same key."""
    model.probability = 1.0
    bucket, key = _image(extracted)
    (result,) = extracted.send("quality", {"bucket": bucket, "key": key}).json["results"]
    assert ("low_quality", SUBOPTIMAL) == (result["outcome"], result["bucket_now"])
    assert [] == extracted.store.keys(bucket)
    assert [key] == extracted.store.keys(SUBOPTIMAL)
    assert SUBOPTIMAL == next(iter(extracted.allocation.images.values())).bucket
    (verdict,) = extracted.verdicts.verdicts.values()
    assert (("blurred", "noisy"), "normal") == (verdict.reasons, verdict.confidence)


def test_a_person_stands_above_the_model(extracted: Line, model: FixedModel) -> None:
    """What a person said of an image decides where it lies; what the model said is kept beside it."""
    model.probability = 1.0
    bucket, key = _image(extracted)
    ((uid, frame),) = extracted.allocation.images
    extracted.verdicts.overruled[uid, frame] = "good"
    (result,) = extracted.send("quality", {"bucket": bucket, "key": key}).json["results"]
    assert ("good", bucket) == (result["outcome"], result["bucket_now"])
    (verdict,) = extracted.verdicts.verdicts.values()
    assert "low_quality" == verdict.verdict
    assert {(uid, frame): "good"} == extracted.verdicts.holding


def test_black_image_moves_to_suboptimal(line: Line) -> None:
    """A black picture is told without the model and set aside."""
    black = make_dataset()
    black.PixelData = bytes(len(black.PixelData))
    line.put(RAW, "incoming/black.dcm", to_bytes(black))
    line.deliver()
    (verdict,) = line.verdicts.verdicts.values()
    assert ("black", 1.0) == (verdict.verdict, verdict.score)
    assert 1 == len(line.store.keys(SUBOPTIMAL))


def test_recorded_image_that_extract_did_not_place_is_quarantined(line: Line) -> None:
    """A PNG that someone put into an image bucket by hand goes to quarantine."""
    bucket, key = "images-20240305-101500-000001", "P0123456789abcdef0123/2.25.111/2.25.222/2.25.333/1.png"
    line.store.ensure_bucket(bucket)
    line.put(bucket, key, b"png")
    (result,) = line.send("quality", recorded("image_put")).json["results"]
    assert "quarantined" == result["status"]
    assert [f"{bucket}/{key}"] == line.store.keys("quarantine")


def test_image_rewritten_by_a_replay_goes_where_its_verdict_put_it(
    extracted: Line, model: FixedModel
) -> None:
    """A bad image written again at home by a replayed instance doesn't come back into the set."""
    model.probability = 1.0
    bucket, key = _image(extracted)
    data = extracted.store.buckets[bucket][key].data
    extracted.send("quality", {"bucket": bucket, "key": key})
    extracted.put(bucket, key, data)
    extracted.send("quality", {"bucket": bucket, "key": key})
    assert [] == extracted.store.keys(bucket)
    assert [key] == extracted.store.keys(SUBOPTIMAL)


def test_recorded_label_file_becomes_labels(extracted: Line) -> None:
    """MinIO's notification of a label file keeps its rows, with a report beside the processed copy."""
    name = "reader A/first labels+ 50% Müller.csv"
    bucket, key = _image(extracted)
    rows = f"image,label,value\ns3://{bucket}/{key},fracture,1\n1.2/9.png,fracture,0\n{key},mass,perhaps\n"
    version = extracted.put(ANNOTATIONS, name, rows.encode())
    extracted.lose_notifications()
    event = json.loads(recorded("annotations_put"))
    event["Records"][0]["s3"]["object"] |= {"eTag": version.etag, "size": version.size}
    response = extracted.send("annotations", event)
    (result,) = response.json["results"]
    assert (200, "imported") == (response.status_code, result["outcome"])
    assert (1, 1, 1) == (result["accepted"], result["held"], result["refused"])
    assert [f"processed/{name}", f"processed/{name}.report.json"] == extracted.store.keys(ANNOTATIONS)
    report = json.loads(extracted.store.buckets[ANNOTATIONS][f"processed/{name}.report.json"].data)
    assert [{"line": 4, "cause": "value is no number."}] == report["refused_rows"]


def test_report_starts_no_import_of_its_own(extracted: Line) -> None:
    """The report's own notification is answered as ignored."""
    extracted.put(ANNOTATIONS, "labels.csv", b"image,label,value\n")
    extracted.deliver()
    assert State.DONE == extracted.row("annotations").state


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"", b"a,b\n1,2\n", b"image,label,value\n\x00"])
def test_file_that_is_no_label_file_is_quarantined(line: Line, data: bytes) -> None:
    """What can't be read as labels goes to quarantine."""
    line.put(ANNOTATIONS, "labels.csv", data)
    (result,) = line.send("annotations", {"bucket": ANNOTATIONS, "key": "labels.csv"}).json["results"]
    assert "quarantined" == result["status"]
    assert ["annotations/labels.csv"] == line.store.keys("quarantine")
    assert [] == line.labels.labels


def test_run_imports_what_waits_and_applies_held_labels(line: Line, future_key: str) -> None:
    """A POST without a body imports waiting files, and later gives held labels their images."""
    assert {"status": "no_updates"} == line.send("annotations").json
    line.put(ANNOTATIONS, "labels.csv", f"image,label,value\n{future_key},fracture,1\n".encode())
    line.lose_notifications()
    answer = line.send("annotations").json
    assert ("imported", 1) == (answer["status"], len(answer["results"]))
    line.put(RAW, "incoming/a/CT.dcm", real_path().read_bytes())
    line.deliver()
    assert 1 == line.send("annotations").json["held_labels_applied"]
    assert {"status": "no_updates"} == line.send("annotations").json


def test_same_label_file_again_changes_nothing(line: Line) -> None:
    """A label file put twice is one import."""
    for _ in range(2):
        line.put(ANNOTATIONS, "labels.csv", b"image,label,value\n2.25.9/1.png,fracture,1\n")
        line.deliver()
    assert 1 == len(line.labels.labels)


def test_label_file_called_like_a_report_is_none(line: Line) -> None:
    """A report takes no label file's place, and an erasure passes over no label file as a report."""
    body = b"image,label,value\n2.25.9/1.png,fracture,1\n"
    for name in ("labels.csv.report.json", "labels.csv"):
        line.put(ANNOTATIONS, name, body)
        line.deliver()
    files = {key for key in line.store.keys(ANNOTATIONS) if line.store.buckets[ANNOTATIONS][key].data == body}
    assert 2 == len(files)
    assert not any(key.endswith(".report.json") for key in files)
