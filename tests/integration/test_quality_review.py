"""New verdicts by preview, apply and a person, on real servers."""

import io

import orjson
import pydicom
import pytest

from common.store.object_key import SUBOPTIMAL, Location
from tests.support.image_rows import IMAGES_OF_INSTANCE, image_rows
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

PATIENT = 120


@pytest.fixture(scope="module")
def home(start_home) -> RunningHome:
    """A home of its own, because new thresholds move every image of a home."""
    return start_home(DCM2SET_SWEEP_SECONDS="1", DCM2SET_LEASE_SECONDS="5", DCM2SET_RETRY_SECONDS="1")


@pytest.fixture(scope="module")
def image(home: RunningHome) -> dict:
    """A checked image that lies in its allocated bucket."""
    home.put("incoming/review/1.dcm", make_instance(1, patient=PATIENT))
    item = home.settled("extract", "incoming/review/1.dcm")
    (row,) = image_rows(home, item["sop_instance_uid"], 1)
    assert "good" == row["verdict"]
    return row


def row_of(home: RunningHome, image: dict) -> dict:
    """The current row of the image."""
    (row,) = home.rows(IMAGES_OF_INSTANCE, image["sop_instance_uid"])
    return row


def buckets_of(home: RunningHome, image: dict) -> list[str]:
    """The buckets that contain an object with the image's key."""
    buckets = [image["bucket"], SUBOPTIMAL]
    return [bucket for bucket in buckets if list(home.store.list_prefix(bucket, image["key"]))]


def is_closed(home: RunningHome) -> bool:
    """Whether the balance closes once nothing waits."""
    balance = home.wait_until_idle()["balance"]
    return balance["files_difference"] == balance["images_difference"] == 0


def test_a_verdict_has_reasons_and_a_confidence(home: RunningHome, image: dict) -> None:
    """Reasons, confidence, the verdict of the model and the localizer flag are stored with it."""
    (row,) = home.rows("select * from verdict where sop_instance_uid = %s", image["sop_instance_uid"])
    assert "good" == row["by_model"]
    assert row["confidence"] in {"normal", "low"}
    assert isinstance(row["reasons"], list)
    assert image["is_localizer"] is False


def test_a_localizer_is_known_by_its_image_type(home: RunningHome) -> None:
    """The attribute Image Type (PS3.3 C.7.6.1.1.2) says that an image is a localizer."""
    home.put("incoming/review/scout.dcm", _scout())
    item = home.settled("extract", "incoming/review/scout.dcm")
    (row,) = image_rows(home, item["sop_instance_uid"], 1)
    assert row["is_localizer"] is True


def _scout() -> bytes:
    ds = pydicom.dcmread(io.BytesIO(make_instance(2, patient=PATIENT)))
    ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


def test_preview_moves_nothing_and_apply_moves_both_ways(home: RunningHome, image: dict) -> None:
    """A very low threshold would move the image; when it is applied it does; a high one moves it back."""
    words = ("quality", "preview", "--threshold", "0.000001", "--json")
    moves = {move["key"]: move for move in orjson.loads(run(home, *words))}
    assert (image["bucket"], SUBOPTIMAL) == (moves[image["key"]]["bucket"], moves[image["key"]]["to"])
    assert [image["bucket"]] == buckets_of(home, image)
    applied = orjson.loads(run(home, "quality", "apply", "--threshold", "0.000001", "--json"))
    assert image["key"] in {move["key"] for move in applied}  # also contains images of other tests
    assert ("low_quality", SUBOPTIMAL) == (row_of(home, image)["verdict"], row_of(home, image)["bucket"])
    assert [SUBOPTIMAL] == buckets_of(home, image)
    assert is_closed(home)
    assert "back to their bucket" in run(home, "quality", "apply", "--threshold", "0.999999")
    assert ("good", image["bucket"]) == (row_of(home, image)["verdict"], row_of(home, image)["bucket"])
    # The event of the copy is a late one, because the item is settled; it removes nothing.
    assert is_closed(home)
    assert [image["bucket"]] == buckets_of(home, image)
    assert "0 would move to suboptimal" in run(home, "quality", "preview", "--threshold", "0.999999")


def test_the_verdict_of_a_person_overrules_every_model(home: RunningHome, image: dict, tmp_path) -> None:
    """An image that a person calls low quality stays suboptimal, and can be written for the training."""
    decision = ("low_quality", "--why", "Wrong patient position.", "--who", "dr")
    assert f"The image lies in {SUBOPTIMAL}." in run(home, "quality", "set", image["key"], *decision)
    run(home, "quality", "apply", "--threshold", "0.999999")
    assert ("low_quality", SUBOPTIMAL) == (row_of(home, image)["verdict"], row_of(home, image)["bucket"])
    (row,) = home.rows("select by_model from verdict where sop_instance_uid = %s", image["sop_instance_uid"])
    assert "good" == row["by_model"]
    data = home.store.read(home.store.stat(Location(SUBOPTIMAL, image["key"])))
    home.put(image["key"], data, bucket=image["bucket"])  # as a replay does
    assert wait_for(lambda: [SUBOPTIMAL] == buckets_of(home, image), seconds=30)
    run(home, "quality", "overruled", "--out", str(tmp_path))
    (written,) = (tmp_path / "low_quality").rglob("*.png")
    assert data == written.read_bytes()
    name = f"{image['sop_instance_uid']}/1"
    assert image["bucket"] in run(home, "quality", "set", name, "good", "--why", "A mistake.")
    assert [image["bucket"]] == buckets_of(home, image)
    decisions = home.rows(
        "select verdict, decided_by from overruling where sop_instance_uid = %s order by id",
        image["sop_instance_uid"],
    )
    assert [("low_quality", "dr"), "good"] == [
        (decisions[0]["verdict"], decisions[0]["decided_by"]),
        decisions[1]["verdict"],
    ]
    assert is_closed(home)


def test_an_image_to_review_stays_and_waits_for_a_person(home: RunningHome, image: dict) -> None:
    """An image between the limits stays in its bucket, is listed and counted, and a person decides."""
    band = ("--review-from", "0.000001", "--threshold", "0.999999")
    home.rows("delete from overruling where sop_instance_uid = %s returning 1", image["sop_instance_uid"])
    assert "would wait for review where they are" in run(home, "quality", "preview", *band)
    run(home, "quality", "apply", *band)
    assert ("review", image["bucket"]) == (row_of(home, image)["verdict"], row_of(home, image)["bucket"])
    assert [image["bucket"]] == buckets_of(home, image)
    waiting = {row["key"]: row for row in orjson.loads(run(home, "quality", "list", "--json"))}
    assert (1e-6, 0.999999, "CT") == tuple(
        waiting[image["key"]][name] for name in ("review_from", "threshold", "modality")
    )
    assert image["key"] in run(home, "quality", "list", "--modality", "CT")
    assert is_closed(home)
    assert home.status()["balance"]["images_review"] >= len(waiting)
    assert "wait for a person's review" in run(home, "status")
    run(home, "quality", "set", image["key"], "low_quality", "--why", "Motion.")
    assert [SUBOPTIMAL] == buckets_of(home, image)
    run(home, "quality", "set", image["key"], "good", "--why", "Seen again.")
    assert [image["bucket"]] == buckets_of(home, image)
    assert image["key"] not in run(home, "quality", "list", "-n", "10000")
    run(home, "quality", "apply", "--threshold", "0.999999", "--review-from", "0.999999")
    assert 0 == home.status()["balance"]["images_review"]
    assert is_closed(home)


def test_calibrated_limits_are_valid_for_the_next_image(home: RunningHome, image: dict) -> None:
    """Limits of the site are valid for new images and for preview, until they are forgotten."""
    home.rows(
        "insert into site_limits (modality, model_version, review_from, reject_from, patients, why, "
        "decided_by) select 'CT', model_version, 1e-6, 2, 50, 'w', 'd' from verdict "
        "where sop_instance_uid = %s returning 1",
        image["sop_instance_uid"],
    )
    home.put("incoming/review/3.dcm", make_instance(3, patient=PATIENT))
    item = home.settled("extract", "incoming/review/3.dcm")
    (row,) = image_rows(home, item["sop_instance_uid"], 1)
    assert "review" == row["verdict"]
    assert "CT: in review from 1e-06, none rejected by its score" in run(home, "quality", "preview")
    assert "valid again: CT" in run(home, "quality", "calibrate", "--forget", "--why", "The test ends.")
    assert row["key"] in run(home, "quality", "apply")
    assert "good" == image_rows(home, item["sop_instance_uid"], 1)[0]["verdict"]


def test_limits_that_contradict_one_another_are_refused(home: RunningHome) -> None:
    """A review that would begin above the threshold is refused, and the option is named."""
    done = home.run_cli("quality preview", "--threshold", "0.2", "--review-from", "0.3")
    assert 2 == done.returncode
    assert "--review-from must be at most --threshold" in done.stderr


def test_no_image_of_that_name(home: RunningHome) -> None:
    """A name of no image is reported, and nothing is stored."""
    done = home.run_cli("quality set", "nothing/1", "good", "--why", "x")
    assert 2 == done.returncode
    assert "No such image" in done.stderr


def run(home: RunningHome, *words: str) -> str:
    """Run a command of two words, which must succeed."""
    done = home.run_cli(" ".join(words[:2]), *words[2:])
    assert 0 == done.returncode, done.stderr
    return done.stdout
