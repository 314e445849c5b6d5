"""store_metadata, quality and annotations over HTTP on in-memory ports."""

import json

import pytest

from common.ledger.ledger import State
from common.store.object_key import ANNOTATIONS, METADATA, RAW, SUBOPTIMAL
from functions.extract.png_frames import encode_png
from imaging.png.png_picture import decode_png
from model.limits import Limits
from tests.functional.pipeline import Pipeline
from tests.in_memory.quality_model import FixedModel
from tests.in_memory.requests import recorded
from tests.support.factories import make_dataset, real_path, to_bytes
from tests.support.uids import uid


@pytest.fixture
def extracted(pipeline: Pipeline) -> Pipeline:
    """The pipeline after extract has written one CT slice; its notifications are not delivered."""
    pipeline.put(RAW, "incoming/a/CT.dcm", real_path().read_bytes())
    pipeline.lose_notifications()
    pipeline.send("extract", {"bucket": RAW, "key": "incoming/a/CT.dcm"})
    return pipeline


def _image(pipeline: Pipeline) -> tuple[str, str]:
    (image,) = pipeline.allocation.images.values()
    return image.allocated.bucket, image.allocated.key


def test_metadata_document_becomes_rows(extracted: Pipeline) -> None:
    """The metadata of an instance is stored as rows of each level, and stays where it is."""
    (key,) = extracted.store.keys(METADATA)
    response = extracted.send("store_metadata", {"bucket": METADATA, "key": key})
    (result,) = response.json["results"]
    assert (200, "done", "stored") == (response.status_code, result["status"], result["outcome"])
    assert [key] == extracted.store.keys(METADATA)
    assert {"patient": 1, "study": 1, "series": 1, "instance": 1, "image": 1} == {
        name: len(rows) for name, rows in extracted.metadata.tables.items()
    }


def test_recorded_notification_of_wrong_metadata_is_quarantined(pipeline: Pipeline) -> None:
    """An object that is not a metadata document is quarantined, and the cause names the field."""
    key = "incoming/P0123456789abcdef0123/2.25.111/2.25.222/2.25.333.json"
    pipeline.put(METADATA, key, b"{}")
    (result,) = pipeline.send("store_metadata", recorded("metadata_put")).json["results"]
    assert "quarantined" == result["status"]
    assert "header" in result["cause"]
    assert [f"metadata/{key}"] == pipeline.store.keys("quarantine")


def test_series_of_another_study_is_a_conflict(extracted: Pipeline) -> None:
    """A document that contradicts stored rows is quarantined, and changes no row."""
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


def test_good_image_stays(extracted: Pipeline) -> None:
    """An image that the model judges as good stays where it is, and has a verdict."""
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


def test_low_quality_image_moves_to_suboptimal(extracted: Pipeline, model: FixedModel) -> None:
    """An image that the model judges as bad moves to suboptimal under the same key."""
    model.probability = 1.0
    bucket, key = _image(extracted)
    (result,) = extracted.send("quality", {"bucket": bucket, "key": key}).json["results"]
    assert ("low_quality", SUBOPTIMAL) == (result["outcome"], result["bucket_now"])
    assert [] == extracted.store.keys(bucket)
    assert [key] == extracted.store.keys(SUBOPTIMAL)
    assert SUBOPTIMAL == next(iter(extracted.allocation.images.values())).bucket
    (verdict,) = extracted.verdicts.verdicts.values()
    assert (("blurred", "noisy"), "normal") == (verdict.reasons, verdict.confidence)


def test_an_image_to_review_stays(extracted: Pipeline, model: FixedModel) -> None:
    """An image that a person must review stays where it is, with the reasons and both limits."""
    model.probability, model.own_limits = 0.6, Limits(0.5, 0.8)
    bucket, key = _image(extracted)
    (result,) = extracted.send("quality", {"bucket": bucket, "key": key}).json["results"]
    assert ("review", bucket) == (result["outcome"], result["bucket_now"])
    assert ([key], []) == (extracted.store.keys(bucket), extracted.store.keys(SUBOPTIMAL))
    (judgement,) = extracted.verdicts.verdicts.values()
    assert (0.5, 0.8, ("blurred", "noisy")) == (
        judgement.review_from,
        judgement.threshold,
        judgement.reasons,
    )


def test_calibrated_limits_make_a_modality_familiar(extracted: Pipeline, model: FixedModel) -> None:
    """Limits that the site has calibrated decide, if they are for this model; another model's do not."""
    model.probability, model.unseen = 0.6, "a modality that training has not seen"
    bucket, key = _image(extracted)
    extracted.verdicts.site["CT", "another model"] = Limits(0.7, 0.8)
    extracted.verdicts.site["CT", model.version] = Limits(0.65, 0.8)
    (result,) = extracted.send("quality", {"bucket": bucket, "key": key}).json["results"]
    assert "good" == result["outcome"]
    (judgement,) = extracted.verdicts.verdicts.values()
    assert (0.65, 0.8) == (judgement.review_from, judgement.threshold)


def test_an_image_drawn_again_for_review_leaves_suboptimal(extracted: Pipeline, model: FixedModel) -> None:
    """If a bad image is written again and is only for review now, its older copy is deleted."""
    model.probability = 1.0
    bucket, key = _image(extracted)
    data = extracted.store.buckets[bucket][key].data
    extracted.send("quality", {"bucket": bucket, "key": key})
    model.unseen = "a look that training has not seen"
    extracted.put(bucket, key, encode_png(255 - decode_png(data, max_pixels=10**6)))
    extracted.send("quality", {"bucket": bucket, "key": key})
    assert ([key], []) == (extracted.store.keys(bucket), extracted.store.keys(SUBOPTIMAL))


def test_a_person_overrules_the_model(extracted: Pipeline, model: FixedModel) -> None:
    """The verdict of a person decides the bucket; the judgement of the model is stored, too."""
    model.probability = 1.0
    bucket, key = _image(extracted)
    ((uid, frame),) = extracted.allocation.images
    extracted.verdicts.overruled[uid, frame] = "good"
    (result,) = extracted.send("quality", {"bucket": bucket, "key": key}).json["results"]
    assert ("good", bucket) == (result["outcome"], result["bucket_now"])
    (verdict,) = extracted.verdicts.verdicts.values()
    assert "low_quality" == verdict.verdict
    assert {(uid, frame): "good"} == extracted.verdicts.holding


def test_black_image_moves_to_suboptimal(pipeline: Pipeline) -> None:
    """A black picture is recognised without the model, and moved."""
    black = make_dataset()
    black.PixelData = bytes(len(black.PixelData))
    pipeline.put(RAW, "incoming/black.dcm", to_bytes(black))
    pipeline.deliver()
    (verdict,) = pipeline.verdicts.verdicts.values()
    assert ("black", 1.0) == (verdict.verdict, verdict.score)
    assert 1 == len(pipeline.store.keys(SUBOPTIMAL))


def test_recorded_image_that_was_not_allocated_is_quarantined(pipeline: Pipeline) -> None:
    """A PNG that a person put into an image bucket is quarantined."""
    bucket, key = "images-20240305-101500-000001", "P0123456789abcdef0123/2.25.111/2.25.222/2.25.333/1.png"
    pipeline.store.ensure_bucket(bucket)
    pipeline.put(bucket, key, b"png")
    (result,) = pipeline.send("quality", recorded("image_put")).json["results"]
    assert "quarantined" == result["status"]
    assert [f"{bucket}/{key}"] == pipeline.store.keys("quarantine")


def test_bad_image_rewritten_by_a_replay_moves_again(extracted: Pipeline, model: FixedModel) -> None:
    """A bad image that a replay wrote again into its allocated bucket moves to suboptimal again."""
    model.probability = 1.0
    bucket, key = _image(extracted)
    data = extracted.store.buckets[bucket][key].data
    extracted.send("quality", {"bucket": bucket, "key": key})
    extracted.put(bucket, key, data)
    extracted.send("quality", {"bucket": bucket, "key": key})
    assert [] == extracted.store.keys(bucket)
    assert [key] == extracted.store.keys(SUBOPTIMAL)


def test_recorded_label_file_becomes_labels(extracted: Pipeline) -> None:
    """A recorded notification of a label file stores its rows, and a report beside the processed copy."""
    name = "reader A/first labels+ 50% Müller.csv"
    bucket, key = _image(extracted)
    rows = (
        f"image,label,value\ns3://{bucket}/{key},fracture,1\n{uid(9)}/9.png,fracture,0\n{key},mass,perhaps\n"
    )
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
    assert [{"line": 4, "cause": "value is not a number."}] == report["refused_rows"]


def test_report_starts_no_import(extracted: Pipeline) -> None:
    """The notification of the report itself is ignored."""
    extracted.put(ANNOTATIONS, "labels.csv", b"image,label,value\n")
    extracted.deliver()
    assert State.DONE == extracted.row("annotations").state


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"", b"a,b\n1,2\n", b"image,label,value\n\x00"])
def test_file_that_is_not_a_label_file_is_quarantined(pipeline: Pipeline, data: bytes) -> None:
    """A file that can't be read as labels is quarantined."""
    pipeline.put(ANNOTATIONS, "labels.csv", data)
    (result,) = pipeline.send("annotations", {"bucket": ANNOTATIONS, "key": "labels.csv"}).json["results"]
    assert "quarantined" == result["status"]
    assert ["annotations/labels.csv"] == pipeline.store.keys("quarantine")
    assert [] == pipeline.labels.labels


def test_run_imports_waiting_files_and_applies_held_labels(pipeline: Pipeline, future_key: str) -> None:
    """A POST without a body imports waiting files, and later applies held labels."""
    assert {"status": "no_updates"} == pipeline.send("annotations").json
    pipeline.put(ANNOTATIONS, "labels.csv", f"image,label,value\n{future_key},fracture,1\n".encode())
    pipeline.lose_notifications()
    answer = pipeline.send("annotations").json
    assert ("imported", 1) == (answer["status"], len(answer["results"]))
    pipeline.put(RAW, "incoming/a/CT.dcm", real_path().read_bytes())
    pipeline.deliver()
    assert 1 == pipeline.send("annotations").json["held_labels_applied"]
    assert {"status": "no_updates"} == pipeline.send("annotations").json


def test_same_label_file_again_changes_nothing(pipeline: Pipeline) -> None:
    """A label file that is put twice is imported once."""
    for _ in range(2):
        pipeline.put(ANNOTATIONS, "labels.csv", f"image,label,value\n{uid(9)}/1.png,fracture,1\n".encode())
        pipeline.deliver()
    assert 1 == len(pipeline.labels.labels)


def test_label_file_named_like_a_report_is_renamed(pipeline: Pipeline) -> None:
    """A report never replaces a label file, and an erasure takes no label file for a report."""
    body = f"image,label,value\n{uid(9)}/1.png,fracture,1\n".encode()
    for name in ("labels.csv.report.json", "labels.csv"):
        pipeline.put(ANNOTATIONS, name, body)
        pipeline.deliver()
    copies = {
        key
        for key in pipeline.store.keys(ANNOTATIONS)
        if pipeline.store.buckets[ANNOTATIONS][key].data.startswith(b"line,image,")
    }
    assert 2 == len(copies)
    assert not any(key.endswith(".report.json") for key in copies)
