"""Images that were moved to suboptimal: objects that remain or appear again in their image bucket."""

import numpy as np
import pytest

from common.errors import DependencyAwayError
from common.store.object_key import RAW, SUBOPTIMAL, Location
from common.store.object_store import ObjectVersion
from functions.extract.png_frames import encode_png
from tests.functional.pipeline import Pipeline
from tests.support.factories import make_dataset, to_bytes


def put_black_image(pipeline: Pipeline) -> Location:
    """Extract and judge a black image; return its allocated location."""
    black = make_dataset()
    black.PixelData = bytes(len(black.PixelData))
    pipeline.put(RAW, "incoming/black.dcm", to_bytes(black))
    pipeline.deliver()
    (image,) = pipeline.allocation.images.values()
    assert SUBOPTIMAL == image.bucket
    return image.allocated


def buckets_of(pipeline: Pipeline, allocated: Location) -> list[str]:
    """The buckets that have an object of the image."""
    buckets = (allocated.bucket, SUBOPTIMAL)
    return [bucket for bucket in buckets if list(pipeline.store.list_prefix(bucket, allocated.key))]


def test_an_interrupted_deletion_is_done_by_the_sweep(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the verdict is stored and the image not deleted yet, the sweep lets quality delete it."""
    delete = pipeline.store.delete

    def cut_off(version: ObjectVersion) -> None:
        if version.location.bucket.startswith("images-"):
            raise DependencyAwayError("The object store does not answer.")
        delete(version)

    with monkeypatch.context() as patched:
        patched.setattr(pipeline.store, "delete", cut_off)
        allocated = put_black_image(pipeline)
    assert [allocated.bucket, SUBOPTIMAL] == buckets_of(pipeline, allocated)
    for _ in range(2):
        pipeline.send("sweep")
        assert [SUBOPTIMAL] == buckets_of(pipeline, allocated)
    assert {"status": "no_updates"} == pipeline.send("sweep").json


def test_the_same_picture_drawn_again_is_deleted_again(pipeline: Pipeline) -> None:
    """If extract writes the bytes that were judged before, they are deleted from the image bucket again."""
    allocated = put_black_image(pipeline)
    version = pipeline.store.copy(pipeline.store.stat(Location(SUBOPTIMAL, allocated.key)), allocated)
    pipeline.lose_notifications()
    pipeline.table.announce("quality", version)
    pipeline.send("sweep")
    assert [SUBOPTIMAL] == buckets_of(pipeline, allocated)


def test_another_picture_drawn_again_is_judged_again(pipeline: Pipeline) -> None:
    """If extract writes other bytes and the event is lost, they are judged, and one image remains."""
    allocated = put_black_image(pipeline)
    grey = np.random.default_rng(1).integers(100, 200, (64, 64), dtype=np.uint8)
    version = pipeline.store.put(allocated, encode_png(grey), content_type="image/png")
    pipeline.lose_notifications()
    pipeline.table.announce("quality", version)
    pipeline.send("sweep")
    (image,) = pipeline.allocation.images.values()
    (judgement,) = pipeline.verdicts.verdicts.values()
    assert judgement.mean_grey == pytest.approx(grey.mean())
    assert [image.bucket] == buckets_of(pipeline, allocated)


def test_a_run_without_anything_due_has_no_updates(pipeline: Pipeline) -> None:
    """An empty POST, as sent by hand with curl, has no updates."""
    assert {"status": "no_updates"} == pipeline.send("quality").json
