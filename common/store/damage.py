"""Telling one damaged object from an object store that is away."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import TypeVar

from common.errors import ObjectDamagedError, PipelineError, UnreadableError
from common.store.object_key import FIXED_BUCKETS, Location
from common.store.object_store import ObjectStore, ObjectVersion

Result = TypeVar("Result")
_MOST_TRIED = 20  # other objects of a bucket


def read_or_damaged(store: ObjectStore, location: Location, read: Callable[[], Result]) -> Result:
    """The result of `read`, which reads one object.

    Raises ObjectDamagedError if the store fails to read it twice while it reads another object in between.
    Raises UnreadableError if no other object can be read either. The user needs the right to list buckets.
    """
    try:
        return read()
    except UnreadableError:
        if not _reads_another(store, location):
            raise
    try:
        return read()
    except UnreadableError:
        raise ObjectDamagedError(
            f"An object of bucket {location.bucket} is damaged on the disk of the object store."
        ) from None


def _reads_another(store: ObjectStore, damaged: Location) -> bool:
    """Whether another object can be read: of the same bucket, or else of any."""
    buckets = [damaged.bucket, *(name for name in FIXED_BUCKETS if name != damaged.bucket)]
    return any(_is_read(store, version) for name in buckets for version in _others(store, name, damaged))


def _others(store: ObjectStore, bucket: str, damaged: Location) -> Iterator[ObjectVersion]:
    try:
        for listed in islice(store.list_prefix(bucket, ""), _MOST_TRIED):
            if listed.version.location != damaged and listed.version.size:
                yield listed.version
    except PipelineError:
        return


def _is_read(store: ObjectStore, version: ObjectVersion) -> bool:
    pieces = store.stream(version)
    try:
        return bool(next(pieces, b""))
    except PipelineError:
        return False
    finally:
        pieces.close()
