"""Images that were moved to suboptimal: whatever is left or put in their image bucket again is handled."""

import numpy as np
import pytest

from common.errors import DependencyAwayError
from common.store.object_key import RAW, SUBOPTIMAL, Location
from common.store.object_store import ObjectVersion
from functions.extract.png_frames import encode_png
from tests.functional.line import Line
from tests.support.factories import make_dataset, to_bytes


def put_black_image(line: Line) -> Location:
    """Extract a black image and have it judged; returns the place that was allocated to it."""
    black = make_dataset()
    black.PixelData = bytes(len(black.PixelData))
    line.put(RAW, "incoming/black.dcm", to_bytes(black))
    line.deliver()
    (image,) = line.allocation.images.values()
    assert SUBOPTIMAL == image.bucket
    return image.home


def places(line: Line, allocated: Location) -> list[str]:
    """The buckets in which there is an object of the image."""
    buckets = (allocated.bucket, SUBOPTIMAL)
    return [bucket for bucket in buckets if list(line.store.list_prefix(bucket, allocated.key))]


def test_a_deletion_that_was_cut_off_is_done_by_the_sweep(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict is recorded, the image not yet deleted: the sweep has it deleted, once."""
    delete = line.store.delete

    def cut_off(version: ObjectVersion) -> None:
        if version.location.bucket.startswith("images-"):
            raise DependencyAwayError("The object store does not answer.")
        delete(version)

    with monkeypatch.context() as patched:
        patched.setattr(line.store, "delete", cut_off)
        allocated = put_black_image(line)
    assert [allocated.bucket, SUBOPTIMAL] == places(line, allocated)
    for _ in range(2):
        line.send("sweep")
        assert [SUBOPTIMAL] == places(line, allocated)
    assert {"status": "no_updates"} == line.send("sweep").json


def test_the_same_picture_drawn_again_leaves_its_image_bucket_again(line: Line) -> None:
    """Extract writes the bytes that were judged before, and announces them: they are deleted once more."""
    allocated = put_black_image(line)
    version = line.store.copy(line.store.stat(Location(SUBOPTIMAL, allocated.key)), allocated)
    line.lose_notifications()
    line.table.announce("quality", version)
    line.send("sweep")
    assert [SUBOPTIMAL] == places(line, allocated)


def test_another_picture_drawn_again_is_judged_again(line: Line) -> None:
    """Extract announces other bytes and the event is lost: they are judged, and there is one image."""
    allocated = put_black_image(line)
    grey = np.random.default_rng(1).integers(100, 200, (64, 64), dtype=np.uint8)
    version = line.store.put(allocated, encode_png(grey), content_type="image/png")
    line.lose_notifications()
    line.table.announce("quality", version)
    line.send("sweep")
    (image,) = line.allocation.images.values()
    (judgement,) = line.verdicts.verdicts.values()
    assert judgement.mean_grey == pytest.approx(grey.mean())
    assert [image.bucket] == places(line, allocated)


def test_a_run_without_anything_due_has_no_updates(line: Line) -> None:
    """An empty POST, as a person with curl sends it."""
    assert {"status": "no_updates"} == line.send("quality").json
