"""Labels on real servers."""

from pathlib import Path

import orjson

from common.deidentification.profile import Profile
from common.deidentification.pseudonym import Pseudonyms
from common.dicom.image_checks import Limits
from common.dicom.image_file import read_image_file
from common.object_key import Location
from functions.extract.deidentified_instance import deidentify
from tests.integration.test_line import image_rows
from tests.local_home import RunningHome, wait_for
from tests.real_files import make_instance


def extracted(home: RunningHome, number: int) -> dict:
    """An image of its own."""
    key = f"incoming/labels/{number}.dcm"
    home.put(key, make_instance(number, patient=103))
    return image_rows(home, home.settled("extract", key)["sop_instance_uid"], 1)[0]


def test_labels_find_their_images_and_a_report_is_written(home: RunningHome) -> None:
    """By s3 URL, key or end of key; wrong rows are refused by line, unknown images held."""
    image = extracted(home, 1)
    tail = "/".join(image["key"].split("/")[-2:])
    rows = [
        "image,label,value",
        f"s3://{image['bucket']}/{image['key']},fracture,1",
        f"{image['key']},effusion,0",
        f"{tail},nodule,-1",
        f"{image['key']},oedema,perhaps",
        "1.2.3/1.png,fracture,1",
    ]
    home.put("team a/first.csv", "\n".join(rows).encode(), bucket="annotations")
    item = home.settled("annotations", "team a/first.csv")
    assert ("done", "imported") == (item["state"], item["outcome"])
    labels = home.rows(
        "select label, value from current_label where sop_instance_uid = %s order by label",
        image["sop_instance_uid"],
    )
    assert [("effusion", 0.0), ("fracture", 1.0), ("nodule", -1.0)] == [
        (r["label"], r["value"]) for r in labels
    ]
    place = Location("annotations", "processed/team a/first.csv.report.json")
    report = orjson.loads(home.store.read(home.store.stat(place)))
    assert (3, 1, 1) == (report["accepted"], report["held"], report["refused"])
    assert [{"line": 5, "cause": "value is no number."}] == report["refused_rows"]


def test_held_labels_are_applied_when_their_image_comes(home: RunningHome, tmp_path: Path) -> None:
    """A label that came before its image is applied by the sweep once the image is known."""
    key = _future_key(home, make_instance(3, patient=103), tmp_path)
    home.put("early.csv", f"image,label,value\n{key},fracture,1".encode(), bucket="annotations")
    assert "imported" == home.settled("annotations", "early.csv")["outcome"]
    assert [{"frame": None}] == home.rows("select frame from label where image = %s", key)
    image = extracted(home, 3)
    assert key == image["key"]

    def applied() -> list[dict]:
        return home.rows(
            "select value from current_label where sop_instance_uid = %s", image["sop_instance_uid"]
        )

    assert [{"value": 1.0}] == wait_for(applied, seconds=30)


def _future_key(home: RunningHome, body: bytes, folder: Path) -> str:
    """The key that a file's image will get: pseudonyms are the same in every process with the key."""
    path = folder / "future.dcm"
    path.write_bytes(body)
    secrets = orjson.loads((home.folder / "secrets.json").read_bytes())
    pseudonyms = Pseudonyms(bytes.fromhex(secrets["pseudonym_key"]))
    return deidentify(read_image_file(path, Limits()), pseudonyms, Profile()).path.frame(1)


def test_a_run_without_an_event(home: RunningHome) -> None:
    """A POST without a body answers no_updates when nothing waits."""
    home.wait_until_idle()
    answer = home.post("annotations")
    assert (200, {"status": "no_updates"}) == (answer.status, answer.json())


def test_a_file_that_is_no_table_is_quarantined(home: RunningHome) -> None:
    """A label file without the columns is quarantined with what is missing."""
    home.put("bad.csv", b"a,b\n1,2\n", bucket="annotations")
    item = home.settled("annotations", "bad.csv")
    assert "quarantined" == item["state"]
    assert "no column image, label, value" in item["cause"]


def test_the_same_file_again_changes_nothing(home: RunningHome) -> None:
    """A label file delivered twice gives each label once."""
    image = extracted(home, 4)
    body = f"image,label,value\n{image['key']},fracture,1\n".encode()
    home.put("same.csv", body, bucket="annotations")
    first = home.settled("annotations", "same.csv")
    home.put("same.csv", body, bucket="annotations")
    gone = wait_for(lambda: not list(home.store.list_prefix("annotations", "same.csv")), seconds=30)
    assert gone
    assert first == home.item("annotations", "same.csv")
    labels = home.rows("select 1 from label where sop_instance_uid = %s", image["sop_instance_uid"])
    assert 1 == len(labels)
