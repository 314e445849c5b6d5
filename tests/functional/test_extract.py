"""extract over HTTP on in-memory ports: from a notification to pictures and metadata."""

import gzip
import io
import json

import numpy as np
import pydicom
import pytest
from PIL import Image

from common.ledger.ledger import State
from common.store.object_key import METADATA, RAW, Location
from tests.functional.pipeline import Pipeline
from tests.in_memory.requests import recorded
from tests.support.factories import make_dataset, real_path, to_bytes

KEY = "incoming/Doe^Jane Müller 100%+1/CT small.dcm"
CT = real_path().read_bytes()


def _received(pipeline: Pipeline, data: bytes = CT, key: str = KEY) -> dict:
    pipeline.put(RAW, key, data)
    pipeline.lose_notifications()
    response = pipeline.send("extract", {"bucket": RAW, "key": key})
    (result,) = response.json["results"]
    return result | {"code": response.status_code}


def test_recorded_notification_becomes_outputs(pipeline: Pipeline) -> None:
    """A recorded MinIO notification of a CT slice gives its PNG, de-identified file and metadata."""
    pipeline.put(RAW, KEY, CT)
    response = pipeline.send("extract", recorded("raw_put"))
    (result,) = response.json["results"]
    assert (200, "done", "extracted", 1) == (
        response.status_code,
        result["status"],
        result["outcome"],
        result["images"],
    )
    (bucket,) = pipeline.image_buckets()
    (png,) = pipeline.store.keys(bucket)
    (dcm,) = pipeline.store.keys("deidentified")
    (document,) = pipeline.store.keys(METADATA)
    instance = png.removesuffix("/1.png")
    assert f"{instance}.dcm" == dcm
    assert f"{instance}.json" == document
    assert ["processed/" + KEY.removeprefix("incoming/")] == pipeline.store.keys(RAW)


def test_metadata_is_written_last(pipeline: Pipeline) -> None:
    """The metadata is written after all objects that it names; then the input is moved."""
    _received(pipeline)
    effects = [(call, location.bucket.partition("-")[0]) for call, location in pipeline.store.calls[1:]]
    expected = ["put images", "put deidentified", "put metadata", "copy raw", "delete raw"]
    found = [" ".join(effect) for effect in effects]
    assert expected == sorted(found[:2], reverse=True) + found[2:]  # the first two are written at a time


def test_outputs_are_the_picture_without_text(pipeline: Pipeline) -> None:
    """The PNG is grey and has the size of the file; the metadata names its bucket and key."""
    _received(pipeline)
    (bucket,) = pipeline.image_buckets()
    (key,) = pipeline.store.keys(bucket)
    stored = pipeline.store.buckets[bucket][key]
    with Image.open(io.BytesIO(stored.data)) as image:
        assert ("L", (128, 128), {}) == (image.mode, image.size, image.info)
    (document,) = (json.loads(each.data) for each in pipeline.store.buckets[METADATA].values())
    (entry,) = document["header"]["images"]
    assert key == entry["key"]
    assert "bucket" not in entry
    assert "CT" == document["series"]["modality"]
    assert "image/png" == stored.content_type


def test_every_frame_becomes_a_picture(pipeline: Pipeline) -> None:
    """A multi-frame object gives one PNG for each frame, numbered from 1."""
    result = _received(pipeline, real_path("SC_rgb_rle_2frame.dcm").read_bytes())
    assert "held" == result["status"]  # a secondary capture
    pipeline.table.release(pipeline.row("extract").id)
    _received(pipeline, real_path("SC_rgb_rle_2frame.dcm").read_bytes())
    (bucket,) = pipeline.image_buckets()
    assert ["1.png", "2.png"] == [key.rpartition("/")[2] for key in pipeline.store.keys(bucket)]


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "empty"),
        (b"image,label,value\n" * 20, "Not a DICOM file"),
        (b"PK\3\4\x14\0\1\0" + bytes(200), "is a .zip archive with a password"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(200), "is a .7z archive"),
        (gzip.compress(b"1" * 200, mtime=0), "is a .gz or .tar.gz archive"),
        (CT[: len(CT) // 2], "decoded|truncated|shorter"),
        (CT[:600], "."),
    ],
)
def test_unreadable_file_is_quarantined(pipeline: Pipeline, data: bytes, cause: str) -> None:
    """A file that is not a complete DICOM image is quarantined with a cause, and has no outputs."""
    result = _received(pipeline, data)
    assert (200, "quarantined") == (result["code"], result["status"])
    assert any(word in result["cause"] for word in cause.split("|"))
    assert [f"raw/{KEY}"] == pipeline.store.keys("quarantine")
    assert [] == pipeline.store.keys(RAW) + pipeline.store.keys("deidentified") + pipeline.store.keys(
        METADATA
    )
    assert {} == pipeline.allocation.images


def test_recorded_notification_of_an_empty_object_is_quarantined(pipeline: Pipeline) -> None:
    """A MinIO notification of an empty object has no size; the object is still quarantined."""
    pipeline.put(RAW, "incoming/Doe^Jane Müller 100%+1/empty.dcm", b"")
    (result,) = pipeline.send("extract", recorded("raw_put_empty")).json["results"]
    assert "quarantined" == result["status"]


def test_object_without_a_picture_is_skipped(pipeline: Pipeline) -> None:
    """A report is skipped with a cause, and moves to processed/."""
    result = _received(pipeline, real_path("reportsi.dcm").read_bytes())
    assert ("done", "skipped") == (result["status"], result["outcome"])
    assert "holds no picture" in result["cause"]
    assert ["processed/" + KEY.removeprefix("incoming/")] == pipeline.store.keys(RAW)


def test_possible_burned_in_text_is_held_before_anything_is_written(pipeline: Pipeline) -> None:
    """A file whose picture may show a name moves to held/; after a release it is extracted."""
    data = to_bytes(make_dataset(BurnedInAnnotation="YES"))
    result = _received(pipeline, data)
    assert ("held", 200) == (result["status"], result["code"])
    assert ["held/" + KEY.removeprefix("incoming/")] == pipeline.store.keys(RAW)
    assert {} == pipeline.allocation.images
    pipeline.table.release(result["item"])
    assert "done" == _received(pipeline, data)["status"]


def test_same_instance_under_another_key_is_a_duplicate(pipeline: Pipeline) -> None:
    """The same file under another name has no new outputs, and counts as a duplicate."""
    _received(pipeline)
    calls = len(pipeline.store.calls)
    result = _received(pipeline, key="incoming/again/CT.dcm")
    assert ("done", "duplicate") == (result["status"], result["outcome"])
    after = [(call, location.bucket) for call, location in pipeline.store.calls[calls:]]
    assert [("put", RAW), ("copy", RAW), ("delete", RAW)] == after


def test_other_content_under_the_same_uid_is_a_conflict(pipeline: Pipeline) -> None:
    """A file with a known SOP Instance UID and other content is quarantined; the first stays unchanged."""
    _received(pipeline)
    (bucket,) = pipeline.image_buckets()
    before = dict(pipeline.store.buckets[bucket])
    changed = make_dataset()
    changed.PixelData = np.zeros(128 * 128, np.int16).tobytes()
    result = _received(pipeline, to_bytes(changed), key="incoming/other.dcm")
    assert "quarantined" == result["status"]
    assert "same SOP Instance UID" in result["cause"]
    assert before == pipeline.store.buckets[bucket]


def test_retry_before_the_metadata_writes_the_same_locations(pipeline: Pipeline) -> None:
    """If the store goes away before the metadata is written, a retry writes the same keys."""
    put = pipeline.store.put

    def fails_for_metadata(location: Location, data: bytes, *, content_type: str):
        pipeline.store.away = location.bucket == METADATA
        return put(location, data, content_type=content_type)

    pipeline.put(RAW, KEY, CT)
    pipeline.store.put = fails_for_metadata
    first = pipeline.send("extract", recorded("raw_put"))
    pipeline.store.away, pipeline.store.put = False, put
    assert (503, "retry") == (first.status_code, first.json["results"][0]["status"])
    assert [KEY] == pipeline.store.keys(RAW)
    images = dict(pipeline.allocation.images)
    assert 200 == pipeline.send("extract", recorded("raw_put")).status_code
    assert images == pipeline.allocation.images
    assert 1 == len(pipeline.store.keys(METADATA))
    assert State.DONE == pipeline.row("extract").state


def test_repeated_notification_writes_nothing(pipeline: Pipeline) -> None:
    """The same notification again is answered with done, and changes no object."""
    pipeline.put(RAW, KEY, CT)
    pipeline.send("extract", recorded("raw_put"))
    calls = list(pipeline.store.calls)
    response = pipeline.send("extract", recorded("raw_put"))
    assert (200, "done") == (response.status_code, response.json["results"][0]["status"])
    assert calls == pipeline.store.calls


def test_object_outside_of_the_prefixes_is_ignored(pipeline: Pipeline) -> None:
    """An event for a key outside incoming/ and nas/ is answered, and the object stays as it is."""
    (result,) = pipeline.send("extract", {"bucket": RAW, "key": "notes.txt"}).json["results"]
    assert "ignored" == result["status"]


def test_deidentified_file_is_readable(pipeline: Pipeline) -> None:
    """The de-identified file has the same pixels, and declares that it was de-identified."""
    _received(pipeline)
    (stored,) = pipeline.store.buckets["deidentified"].values()
    ds = pydicom.dcmread(io.BytesIO(stored.data))
    assert "YES" == ds.PatientIdentityRemoved
    assert np.array_equal(make_dataset().pixel_array, ds.pixel_array)
