"""The pictures of an export: downloaded in parallel or linked from an earlier export, and verified."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import ObjectDamagedError, ObjectMissingError
from common.store.damage import read_or_damaged
from common.store.object_key import Location
from common.store.object_store import ObjectStore

REDRAWN, GONE, ERASED = "drawn again since", "gone from the store", "erased on request"
DAMAGED = "damaged in the store"
PART = ".part"
_BATCH = 1000


@dataclass(frozen=True)
class WantedImage:
    """One picture that the export must contain."""

    file_name: str  # relative to the folder
    key: str
    location: Location  # in the object store
    sha256: str


@dataclass
class ImageFiles:
    """Downloads or links pictures into a folder. Files that already have the right content are kept."""

    folder: Path
    store: ObjectStore
    linked: Mapping[str, Path] = field(default_factory=dict)  # files of an earlier export by SHA-256
    at_a_time: int = 8

    def fetch_all(self, images: Iterable[WantedImage], advance: Callable[[], None]) -> dict[str, str]:
        """Fetch all pictures. Return the causes of missing ones by key."""
        missing: dict[str, str] = {}

        def fetch_one(image: WantedImage) -> None:
            cause = self.fetch(image)
            if cause is not None:
                missing[image.key] = cause
            advance()

        with ThreadPoolExecutor(self.at_a_time) as threads:
            for batch in _batches(images):
                list(threads.map(fetch_one, batch))
        return dict(sorted(missing.items()))

    def fetch(self, image: WantedImage) -> str | None:
        """Fetch one picture. Return None, or the cause if it is missing."""
        target = self.folder / image.file_name
        if file_digest(target) == image.sha256:
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + PART)
        part.unlink(missing_ok=True)
        if not self._is_linked(image.sha256, part):
            body = picture_or_cause(self.store, image)
            if isinstance(body, str):
                return body
            part.write_bytes(body)
        part.replace(target)
        return None

    def _is_linked(self, sha256: str, part: Path) -> bool:
        source = self.linked.get(sha256)
        if source is None or file_digest(source) != sha256:
            return False
        try:
            os.link(source, part)
        except OSError:  # another file system or no hard links
            shutil.copyfile(source, part)
        return True


def picture_or_cause(store: ObjectStore, image: WantedImage) -> bytes | str:
    """Read a picture from the store and verify it. Return its bytes, or the cause if it is missing."""
    location = image.location
    try:
        body = read_or_damaged(store, location, lambda: store.read_now(location))
    except ObjectMissingError:
        return GONE
    except ObjectDamagedError:
        return DAMAGED
    return body if hashlib.sha256(body).hexdigest() == image.sha256 else REDRAWN


def write_atomically(path: Path, body: bytes) -> None:
    """Write a file completely or not at all; a file that already has the content is kept."""
    if path.is_file() and path.read_bytes() == body:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + PART)
    part.unlink(missing_ok=True)
    part.write_bytes(body)
    part.replace(path)


def file_digest(path: Path) -> str | None:
    """Return the SHA-256 of a file in hex; None if it is missing or not a regular file."""
    if path.is_symlink():
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _batches(images: Iterable[WantedImage]) -> Iterable[list[WantedImage]]:
    """Yield images in batches, because a queue of all could hold millions."""
    batch: list[WantedImage] = []
    for image in images:
        batch.append(image)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch
