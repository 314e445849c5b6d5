"""What a lost worker or a lost event leaves in the home of an image that was set aside."""

import numpy as np
import pytest

from common.object_key import RAW, SUBOPTIMAL, Location
from functions.extract.png_frames import encode_png
from tests.functional.line import Line
from tests.unit.factories import make_dataset, to_bytes


@pytest.fixture
def home(line: Line) -> Location:
    """The home of a black image that lies in suboptimal."""
    black = make_dataset()
    black.PixelData = bytes(len(black.PixelData))
    line.put(RAW, "incoming/black.dcm", to_bytes(black))
    line.deliver()
    (image,) = line.allocation.images.values()
    assert SUBOPTIMAL == image.bucket
    return image.home


def places(line: Line, home: Location) -> list[str]:
    """The buckets in which something of the image lies."""
    buckets = (home.bucket, SUBOPTIMAL)
    return [bucket for bucket in buckets if list(line.store.list_prefix(bucket, home.key))]


def test_a_copy_left_behind_is_tidied_by_the_sweep(line: Line, home: Location) -> None:
    """The deletion that ends a move never came: the sweep has it done, and asks no more."""
    line.store.copy(line.store.stat(Location(SUBOPTIMAL, home.key)), home)
    assert [home.bucket, SUBOPTIMAL] == places(line, home)
    for _ in range(2):
        line.send("sweep")
        assert [SUBOPTIMAL] == places(line, home)
    assert {"status": "no_updates"} == line.send("sweep").json


def test_a_picture_drawn_again_without_an_event_is_judged(line: Line, home: Location) -> None:
    """Another picture lies in its home, and no event told of it: it is judged anew, and is there once."""
    grey = np.random.default_rng(1).integers(100, 200, (64, 64), dtype=np.uint8)
    line.store.put(home, encode_png(grey), content_type="image/png")
    line.send("sweep")
    (image,) = line.allocation.images.values()
    (judgement,) = line.verdicts.verdicts.values()
    assert judgement.mean_grey == pytest.approx(grey.mean())
    assert [image.bucket] == places(line, home)


def test_a_run_without_anything_set_aside_has_no_updates(line: Line) -> None:
    """An empty POST, as a person with curl sends it."""
    assert {"status": "no_updates"} == line.send("quality").json
