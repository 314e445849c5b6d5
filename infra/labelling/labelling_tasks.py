"""What annotators look at: copies of the images to be labelled, and a Label Studio task of each.

They lie in a bucket of their own, `labelling`, under the batch's name: Label Studio opens an image
only through a storage of the image's own bucket, and its keys then open nothing but what is to be
labelled (labelstud.io/guide/storage, "Amazon S3").
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import orjson

from common.errors import ObjectMissingError, PermanentError
from common.store.object_key import LABELLING, Location
from common.store.object_store import ObjectStore

_AT_A_TIME = 8


@dataclass(frozen=True)
class ImageToLabel:
    """One image that annotators are asked about."""

    bucket: str  # where it lies now
    key: str
    shown: Mapping[str, object]  # beside the image, by column name


@dataclass(frozen=True)
class Batch:
    """The tasks of one name."""

    name: str

    @property
    def images(self) -> str:
        """What the keys of its images begin with."""
        return f"{self.name}/images/"

    @property
    def tasks(self) -> str:
        """What the keys of its tasks begin with."""
        return f"{self.name}/tasks/"


@dataclass(frozen=True)
class WrittenTasks:
    """What became of the images that were asked for."""

    written: int
    there: int  # had their task already
    gone: int  # moved, drawn anew or erased meanwhile; a second run finds those that still are


def write_tasks(
    store: ObjectStore, batch: Batch, images: Iterable[ImageToLabel], *, tell: Callable[[int], None]
) -> WrittenTasks:
    """Write the tasks that aren't there yet; cut off, it can be run again.

    `tell` hears how many are done, now and then.
    """
    there = {listed.version.location.key for listed in store.list_prefix(LABELLING, batch.tasks)}
    counts = {"written": 0, "there": 0, "gone": 0}
    with ThreadPoolExecutor(_AT_A_TIME) as workers:
        for done, became in enumerate(workers.map(partial(_write_task, store, batch, there), images), 1):
            counts[became] += 1
            if done % 500 == 0:
                tell(done)
    return WrittenTasks(**counts)


def _write_task(store: ObjectStore, batch: Batch, there: set[str], image: ImageToLabel) -> str:
    place = Location(LABELLING, f"{batch.tasks}{image.key.removesuffix('.png')}.json")
    if place.key in there:
        return "there"
    try:
        version = store.stat(Location(image.bucket, image.key))
        copied = store.copy(version, Location(LABELLING, f"{batch.images}{image.key}"), overwrite=True)
    except ObjectMissingError:
        return "gone"
    # The task last: Label Studio finds tasks, and a task's image is then there.
    store.put(place, _task(copied.location, image.shown), content_type="application/json")
    return "written"


def _task(image: Location, shown: Mapping[str, object]) -> bytes:
    data = {**shown, "image": f"s3://{image.bucket}/{image.key}"}
    return orjson.dumps({"data": data}, option=orjson.OPT_SORT_KEYS)


def remove_tasks(store: ObjectStore, batch: Batch) -> int:
    """Delete a batch, tasks first; returns how many objects. Labels that came of it stay."""
    removed = 0
    for prefix in (batch.tasks, batch.images):
        for listed in store.list_prefix(LABELLING, prefix):
            store.delete(listed.version)
            removed += 1
    if not removed:
        raise PermanentError(f"There are no tasks of the name {batch.name}.")
    return removed


def patient_prefixes(store: ObjectStore, patient: str) -> Iterator[str]:
    """Where the bucket `labelling` may hold something of a patient."""
    for top in store.list_top(LABELLING):
        batch = Batch(top.rstrip("/"))
        yield f"{batch.images}{patient}/"
        yield f"{batch.tasks}{patient}/"
