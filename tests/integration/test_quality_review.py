"""Verdicts looked at again: preview, apply and a person's word, on real servers."""

import io

import orjson
import pydicom
import pytest

from common.store.object_key import SUBOPTIMAL, Location
from tests.integration.test_line import image_rows
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

PATIENT = 120


@pytest.fixture(scope="module")
def image(home: RunningHome) -> dict:
    """A checked image that lies in its place."""
    home.put("incoming/review/1.dcm", make_instance(1, patient=PATIENT))
    item = home.settled("extract", "incoming/review/1.dcm")
    (row,) = image_rows(home, item["sop_instance_uid"], 1)
    assert "good" == row["verdict"]
    return row


def now(home: RunningHome, image: dict) -> dict:
    """The image's row."""
    (row,) = home.rows("select * from image_overview where sop_instance_uid = %s", image["sop_instance_uid"])
    return row


def lies_in(home: RunningHome, image: dict) -> list[str]:
    """The buckets that hold an object under the image's key."""
    buckets = [image["bucket"], SUBOPTIMAL]
    return [bucket for bucket in buckets if list(home.store.list_prefix(bucket, image["key"]))]


def is_closed(home: RunningHome) -> bool:
    """Whether the balance closes once nothing is under way."""
    balance = home.wait_until_idle()["balance"]
    return balance["files_difference"] == balance["images_difference"] == 0


def test_a_verdict_says_why_and_how_sure_it_is(home: RunningHome, image: dict) -> None:
    """Reasons, confidence, the model's own verdict and the localizer flag are stored with it."""
    (row,) = home.rows("select * from verdict where sop_instance_uid = %s", image["sop_instance_uid"])
    assert "good" == row["by_model"]
    assert row["confidence"] in {"normal", "low"}
    assert isinstance(row["reasons"], list)
    assert image["is_localizer"] is False


def test_a_localizer_is_known_by_its_image_type(home: RunningHome) -> None:
    """Image Type says it; the model is not asked."""
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
    """By a very low threshold the image would leave; applied it does, and by a high one it comes back."""
    words = ("quality", "preview", "--threshold", "0.000001", "--json")
    moves = {move["key"]: move for move in orjson.loads(run(home, *words))}
    assert (image["bucket"], SUBOPTIMAL) == (moves[image["key"]]["bucket"], moves[image["key"]]["to"])
    assert [image["bucket"]] == lies_in(home, image)
    applied = orjson.loads(run(home, "quality", "apply", "--threshold", "0.000001", "--json"))
    assert image["key"] in {move["key"] for move in applied}  # among all that other tests left there
    assert ("low_quality", SUBOPTIMAL) == (now(home, image)["verdict"], now(home, image)["bucket"])
    assert [SUBOPTIMAL] == lies_in(home, image)
    assert is_closed(home)
    assert "back to their place" in run(home, "quality", "apply", "--threshold", "0.999999")
    assert ("good", image["bucket"]) == (now(home, image)["verdict"], now(home, image)["bucket"])
    # The copy's own event comes late for an item that is done, and takes nothing away.
    assert is_closed(home)
    assert [image["bucket"]] == lies_in(home, image)
    assert "0 would move to suboptimal" in run(home, "quality", "preview", "--threshold", "0.999999")


def test_a_person_s_word_wins_over_every_model(home: RunningHome, image: dict, tmp_path) -> None:
    """An image set aside by a person stays aside, whatever is applied, and can be given to the training."""
    said = ("low_quality", "--why", "Wrong patient position.", "--who", "dr")
    assert f"It lies in {SUBOPTIMAL}." in run(home, "quality", "set", image["key"], *said)
    run(home, "quality", "apply", "--threshold", "0.999999")
    assert ("low_quality", SUBOPTIMAL) == (now(home, image)["verdict"], now(home, image)["bucket"])
    (row,) = home.rows("select by_model from verdict where sop_instance_uid = %s", image["sop_instance_uid"])
    assert "good" == row["by_model"]
    data = home.store.read(home.store.stat(Location(SUBOPTIMAL, image["key"])))
    home.put(image["key"], data, bucket=image["bucket"])  # as a replay writes it
    assert wait_for(lambda: [SUBOPTIMAL] == lies_in(home, image), seconds=30)
    run(home, "quality", "overruled", "--out", str(tmp_path))
    (written,) = (tmp_path / "low_quality").rglob("*.png")
    assert data == written.read_bytes()
    name = f"{image['sop_instance_uid']}/1"
    assert image["bucket"] in run(home, "quality", "set", name, "good", "--why", "A mistake.")
    assert [image["bucket"]] == lies_in(home, image)
    said = home.rows(
        "select verdict, decided_by from overruling where sop_instance_uid = %s order by id",
        image["sop_instance_uid"],
    )
    assert [("low_quality", "dr"), "good"] == [
        (said[0]["verdict"], said[0]["decided_by"]),
        said[1]["verdict"],
    ]
    assert is_closed(home)


def test_no_image_of_that_name(home: RunningHome) -> None:
    """A name that means no image is told, and nothing is kept."""
    done = home.run_cli("quality set", "nothing/1", "good", "--why", "x")
    assert 2 == done.returncode
    assert "No such image" in done.stderr


def run(home: RunningHome, *words: str) -> str:
    """A command of two words, which has to work."""
    done = home.run_cli(" ".join(words[:2]), *words[2:])
    assert 0 == done.returncode, done.stderr
    return done.stdout
