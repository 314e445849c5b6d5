"""The objects of de-identified images, by the pseudonymous UID and the frame."""

import re
from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

from common.database import Database, queries
from common.errors import ObjectMissingError
from common.store.object_key import SUBOPTIMAL, Location, frame_number
from common.store.object_store import ObjectStore, ObjectVersion

_SQL = queries(Path(__file__).with_suffix(".sql"))
_UID = re.compile(r"[0-9.]{1,64}", re.ASCII)
_TRIES = 2  # an image that is moved just now is at its other location at the second try
_LARGEST_FRAME = 2**31 - 1


Content = TypeVar("Content")


def with_image(
    database: Database,
    store: ObjectStore,
    uid: str,
    frame: int,
    use: Callable[[ObjectVersion], Content],
    *,
    images_prefix: str,
) -> Content | None:
    """What `use` makes of the version of an image; None if there is no such image."""
    for _ in range(_TRIES):
        location = _location(database, uid, frame, images_prefix)
        if location is None:
            return None
        try:
            return use(store.stat(location))
        except ObjectMissingError:
            continue
    return None


def open_version(store: ObjectStore, version: ObjectVersion) -> tuple[ObjectVersion, Generator[bytes]]:
    """A version and its content in pieces, of which the first one was read."""
    pieces = store.stream(version)
    return version, _pieces(next(pieces, b""), pieces)


def _location(database: Database, uid: str, frame: int, images_prefix: str) -> Location | None:
    """Where an image lies; None for whatever is not an image of this name in a bucket of images."""
    if not _UID.fullmatch(uid) or not 0 < frame <= _LARGEST_FRAME:
        return None
    row = database.one(_SQL["location"], uid=uid, frame=frame)
    if row is None or not (row["bucket"] == SUBOPTIMAL or row["bucket"].startswith(images_prefix)):
        return None
    return Location(row["bucket"], row["key"]) if frame_number(row["key"]) == (uid, frame) else None


def _pieces(first: bytes, others: Generator[bytes]) -> Generator[bytes]:
    with closing(others):
        yield first
        yield from others
