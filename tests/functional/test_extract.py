"""extract over HTTP on in-memory ports: a notification in, pictures and metadata out."""

import io
import json

import numpy as np
import pydicom
import pytest
from PIL import Image

from common.ledger.ledger import State
from common.store.object_key import METADATA, RAW, Location
from tests.functional.line import Line
from tests.in_memory.requests import recorded
from tests.support.factories import make_dataset, real_path, to_bytes

KEY = "incoming/Doe^Jane Müller 100%+1/CT small.dcm"
CT = real_path().read_bytes()


def _received(line: Line, data: bytes = CT, key: str = KEY) -> dict:
    line.put(RAW, key, data)
    line.lose_notifications()
    response = line.send("extract", {"bucket": RAW, "key": key})
    (result,) = response.json["results"]
    return result | {"code": response.status_code}


def test_recorded_notification_becomes_outputs(line: Line) -> None:
    """MinIO's own notification of a CT slice gives its PNG, de-identified file and metadata."""
    line.put(RAW, KEY, CT)
    response = line.send("extract", recorded("raw_put"))
    (result,) = response.json["results"]
    assert (200, "done", "extracted", 1) == (
        response.status_code,
        result["status"],
        result["outcome"],
        result["images"],
    )
    (bucket,) = line.image_buckets()
    (png,) = line.store.keys(bucket)
    (dcm,) = line.store.keys("deidentified")
    (document,) = line.store.keys(METADATA)
    instance = png.removesuffix("/1.png")
    assert f"{instance}.dcm" == dcm
    assert f"{instance}.json" == document
    assert ["processed/" + KEY.removeprefix("incoming/")] == line.store.keys(RAW)


def test_metadata_is_written_last(line: Line) -> None:
    """When the metadata appears, all it speaks of is there; then the input is copied and deleted."""
    _received(line)
    effects = [(call, place.bucket.partition("-")[0]) for call, place in line.store.calls[1:]]
    expected = ["put images", "put deidentified", "put metadata", "copy raw", "delete raw"]
    assert expected == [" ".join(effect) for effect in effects]


def test_outputs_hold_the_picture_and_no_text(line: Line) -> None:
    """The PNG is grey, of the file's size; the metadata names its bucket, key and digest."""
    _received(line)
    (bucket,) = line.image_buckets()
    (key,) = line.store.keys(bucket)
    stored = line.store.buckets[bucket][key]
    with Image.open(io.BytesIO(stored.data)) as image:
        assert ("L", (128, 128), {}) == (image.mode, image.size, image.info)
    (document,) = (json.loads(each.data) for each in line.store.buckets[METADATA].values())
    (entry,) = document["header"]["images"]
    assert (bucket, key) == (entry["bucket"], entry["key"])
    assert "CT" == document["series"]["modality"]
    assert "image/png" == stored.content_type


def test_every_frame_becomes_a_picture(line: Line) -> None:
    """A multi-frame object gives one PNG a frame, numbered from 1."""
    result = _received(line, real_path("SC_rgb_rle_2frame.dcm").read_bytes())
    assert "held" == result["status"]  # a secondary capture
    line.table.release(line.row("extract").id)
    _received(line, real_path("SC_rgb_rle_2frame.dcm").read_bytes())
    (bucket,) = line.image_buckets()
    assert ["1.png", "2.png"] == [key.rpartition("/")[2] for key in line.store.keys(bucket)]


@pytest.mark.parametrize(
    ("data", "cause"),
    [
        (b"", "empty"),
        (b"image,label,value\n" * 20, "Not a DICOM file"),
        (CT[: len(CT) // 2], "decoded|truncated|shorter"),
        (CT[:600], "."),
    ],
)
def test_unreadable_file_is_quarantined(line: Line, data: bytes, cause: str) -> None:
    """What is no whole DICOM image goes to quarantine with a cause; nothing else appears."""
    result = _received(line, data)
    assert (200, "quarantined") == (result["code"], result["status"])
    assert any(word in result["cause"] for word in cause.split("|"))
    assert [f"raw/{KEY}"] == line.store.keys("quarantine")
    assert [] == line.store.keys(RAW) + line.store.keys("deidentified") + line.store.keys(METADATA)
    assert {} == line.allocation.images


def test_empty_put_as_recorded_is_quarantined(line: Line) -> None:
    """MinIO's notification of an object without bytes has no size; it is quarantined all the same."""
    line.put(RAW, "incoming/Doe^Jane Müller 100%+1/empty.dcm", b"")
    (result,) = line.send("extract", recorded("raw_put_empty")).json["results"]
    assert "quarantined" == result["status"]


def test_object_without_a_picture_is_skipped(line: Line) -> None:
    """A report is done as skipped, with a cause, and moves to processed/."""
    result = _received(line, real_path("reportsi.dcm").read_bytes())
    assert ("done", "skipped") == (result["status"], result["outcome"])
    assert "No picture" in result["cause"]
    assert ["processed/" + KEY.removeprefix("incoming/")] == line.store.keys(RAW)


def test_possible_burned_in_text_is_held_before_anything_is_written(line: Line) -> None:
    """A picture that may show a name waits in held/; after a release it passes."""
    data = to_bytes(make_dataset(BurnedInAnnotation="YES"))
    result = _received(line, data)
    assert ("held", 200) == (result["status"], result["code"])
    assert ["held/" + KEY.removeprefix("incoming/")] == line.store.keys(RAW)
    assert {} == line.allocation.images
    line.table.release(result["item"])
    assert "done" == _received(line, data)["status"]


def test_same_instance_from_another_place_is_a_duplicate(line: Line) -> None:
    """The same file under another name writes nothing more and counts as a duplicate."""
    _received(line)
    calls = len(line.store.calls)
    result = _received(line, key="incoming/again/CT.dcm")
    assert ("done", "duplicate") == (result["status"], result["outcome"])
    after = [(call, place.bucket) for call, place in line.store.calls[calls:]]
    assert [("put", RAW), ("copy", RAW), ("delete", RAW)] == after


def test_other_content_under_the_same_uid_is_a_conflict(line: Line) -> None:
    """Another picture under a known SOP Instance UID is quarantined; the first stays as it is."""
    _received(line)
    (bucket,) = line.image_buckets()
    before = dict(line.store.buckets[bucket])
    changed = make_dataset()
    changed.PixelData = np.zeros(128 * 128, np.int16).tobytes()
    result = _received(line, to_bytes(changed), key="incoming/other.dcm")
    assert "quarantined" == result["status"]
    assert "same SOP Instance UID" in result["cause"]
    assert before == line.store.buckets[bucket]


def test_crash_before_the_metadata_is_completed_at_the_same_places(line: Line) -> None:
    """A store that goes away mid-write makes a retry, which writes the same keys."""
    whole = line.store.put

    def fails_for_metadata(location: Location, data: bytes, *, content_type: str):
        line.store.away = location.bucket == METADATA
        return whole(location, data, content_type=content_type)

    line.put(RAW, KEY, CT)
    line.store.put = fails_for_metadata
    first = line.send("extract", recorded("raw_put"))
    line.store.away, line.store.put = False, whole
    assert (503, "retry") == (first.status_code, first.json["results"][0]["status"])
    assert [KEY] == line.store.keys(RAW)
    places = dict(line.allocation.images)
    assert 200 == line.send("extract", recorded("raw_put")).status_code
    assert places == line.allocation.images
    assert 1 == len(line.store.keys(METADATA))
    assert State.DONE == line.row("extract").state


def test_doubled_notification_writes_nothing_more(line: Line) -> None:
    """The same notification again answers done and touches no object."""
    line.put(RAW, KEY, CT)
    line.send("extract", recorded("raw_put"))
    calls = list(line.store.calls)
    response = line.send("extract", recorded("raw_put"))
    assert (200, "done") == (response.status_code, response.json["results"][0]["status"])
    assert calls == line.store.calls


def test_folder_marker_of_a_browser_is_no_failure(line: Line) -> None:
    """A place outside incoming/ is answered and left alone."""
    (result,) = line.send("extract", {"bucket": RAW, "key": "notes.txt"}).json["results"]
    assert "ignored" == result["status"]


def test_deidentified_file_is_readable(line: Line) -> None:
    """The de-identified file has the same pixels and says that it was de-identified."""
    _received(line)
    (stored,) = line.store.buckets["deidentified"].values()
    ds = pydicom.dcmread(io.BytesIO(stored.data))
    assert "YES" == ds.PatientIdentityRemoved
    assert np.array_equal(make_dataset().pixel_array, ds.pixel_array)
