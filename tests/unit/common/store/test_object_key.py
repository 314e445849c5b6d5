"""Keys derived from one another."""

import pytest

from common.errors import PermanentError
from common.store.object_key import ImagePath, Location, beside, frame_number, held, processed, quarantined

INSTANCE = ImagePath("P01", "2.25.1", "2.25.2", "2.25.3")


def test_processed_and_held_replace_incoming() -> None:
    """An input leaves incoming/ within its own bucket."""
    location = Location("raw", "incoming/a/incoming/b")
    assert Location("raw", "processed/a/incoming/b") == processed(location)
    assert Location("raw", "held/a/incoming/b") == held(location)


def test_key_without_incoming_keeps_its_whole_name() -> None:
    """A label file may have any key in its bucket; its processed key contains the complete key."""
    assert Location("annotations", "processed/a/b.csv") == processed(Location("annotations", "a/b.csv"))


def test_quarantine_keeps_bucket_and_key() -> None:
    """The key of a quarantined object says where it came from."""
    assert Location("quarantine", "raw/incoming/a b") == quarantined(Location("raw", "incoming/a b"))


def test_beside_adds_the_etag() -> None:
    """The etag distinguishes other content under a taken key."""
    assert Location("raw", "processed/a~e1") == beside(Location("raw", "processed/a"), "e1")


def test_image_keys_are_made_of_identifiers() -> None:
    """An image's key consists of patient, study, series, instance and frame."""
    assert "P01/2.25.1/2.25.2/2.25.3/12.png" == INSTANCE.frame(12)


@pytest.mark.parametrize("frame", [1, 12, 10000])
def test_frame_number_reads_the_key_back(frame: int) -> None:
    """Instance and frame number are parsed from a key."""
    assert ("2.25.3", frame) == frame_number(INSTANCE.frame(frame))


@pytest.mark.parametrize(
    "key",
    [
        "",
        "1.png",
        "a/b/c/d/e/1.png",
        "a/b/c/1.png",
        "a/b/c/d/1.jpg",
        "a/b/c/d/.png",
        "a/b/c/d/x.png",
        "a/b/c/d/-1.png",
        "a/b/c/d/1.png.png",
        "a/b/c/d/\u0661.png",
        "a/b/c/d/²￼.png",
        "a/b/c/d/1 .png",
    ],
)
def test_other_keys_are_refused(key: str) -> None:
    """A key that extract did not make is not an image's key."""
    with pytest.raises(PermanentError):
        frame_number(key)
