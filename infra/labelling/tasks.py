"""Tasks for Label Studio: a copy of every image to be labelled, and a task that names it.

Both lie in the bucket `labelling`, below the name of the batch. Label Studio opens an image only through a
storage of the image's own bucket, and so its keys give access to the images to be labelled and no others
(labelstud.io/guide/storage, "Amazon S3").
"""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import orjson

from common.errors import ObjectMissingError, PermanentError
from common.store.label_batch import Batch
from common.store.object_key import LABELLING, Location
from common.store.object_store import ObjectStore

if TYPE_CHECKING:
    from infra.labelling.images_to_label import ImageToLabel

_THREADS = 8


@dataclass(frozen=True)
class WrittenTasks:
    """What happened to the requested images."""

    written: int
    there: int  # had a task already
    gone: int  # moved, rendered again or erased meanwhile; a second run finds those that still exist


def write_tasks(
    store: ObjectStore, batch: Batch, images: "Iterable[ImageToLabel]", *, say_done: Callable[[int], None]
) -> WrittenTasks:
    """Write the tasks that do not exist yet; after an interruption it can be run again.

    `say_done` is called with the number of finished images, after every 500.
    """
    existing = {listed.version.location.key for listed in store.list_prefix(LABELLING, batch.tasks)}
    counts = {"written": 0, "there": 0, "gone": 0}
    with ThreadPoolExecutor(_THREADS) as workers:
        results = workers.map(partial(_write_task, store, batch, existing), images)
        for done, result in enumerate(results, 1):
            counts[result] += 1
            if done % 500 == 0:
                say_done(done)
    return WrittenTasks(**counts)


def _write_task(store: ObjectStore, batch: Batch, existing: set[str], image: "ImageToLabel") -> str:
    location = Location(LABELLING, f"{batch.tasks}{image.key.removesuffix('.png')}.json")
    if location.key in existing:
        return "there"
    try:
        version = store.stat(Location(image.bucket, image.key))
        copied = store.copy(version, Location(LABELLING, f"{batch.images}{image.key}"), overwrite=True)
    except ObjectMissingError:
        return "gone"
    # The task is written last, so that the image exists when Label Studio finds its task.
    store.put(location, _task(copied.location, image.shown), content_type="application/json")
    return "written"


def _task(image: Location, shown: Mapping[str, object]) -> bytes:
    data = {**shown, "image": f"s3://{image.bucket}/{image.key}"}
    return orjson.dumps({"data": data}, option=orjson.OPT_SORT_KEYS)


def remove_tasks(store: ObjectStore, batch: Batch) -> int:
    """Delete the tasks and then the images of a batch; returns the number of objects. Labels stay."""
    removed = 0
    for prefix in (batch.tasks, batch.images):
        for listed in store.list_prefix(LABELLING, prefix):
            store.delete(listed.version)
            removed += 1
    if not removed:
        raise PermanentError(f"There are no tasks with the name {batch.name}.")
    return removed
