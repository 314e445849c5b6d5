"""The pictures of an export: fetched several at a time, or linked from an earlier export, each verified."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from common.errors import ObjectMissingError
from common.store.object_key import Location
from common.store.object_store import ObjectStore

REDRAWN, GONE, ERASED = "drawn again since", "gone from the store", "erased on request"
PART = ".part"
_AT_ONCE = 1000


@dataclass(frozen=True)
class WantedImage:
    """One picture to be there."""

    file_name: str  # below the folder
    key: str
    place: Location  # it lies at now
    sha256: str


@dataclass
class ImageFiles:
    """Brings pictures into a folder; what is there already and right stays."""

    folder: Path
    store: ObjectStore
    linked: Mapping[str, Path] = field(default_factory=dict)  # files of an earlier export by SHA-256
    at_a_time: int = 8

    def bring_all(self, images: Iterable[WantedImage], advance: Callable[[], None]) -> dict[str, str]:
        """All pictures; the keys of those that can't be had any more, with the cause."""
        missing: dict[str, str] = {}

        def bring(image: WantedImage) -> None:
            cause = self.bring(image)
            if cause is not None:
                missing[image.key] = cause
            advance()

        with ThreadPoolExecutor(self.at_a_time) as threads:
            for some in _batches(images):
                list(threads.map(bring, some))
        return dict(sorted(missing.items()))

    def bring(self, image: WantedImage) -> str | None:
        """One picture; None, or why it can't be had."""
        target = self.folder / image.file_name
        if file_digest(target) == image.sha256:
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + PART)
        part.unlink(missing_ok=True)
        if not self._is_linked(image.sha256, part):
            try:
                body = self.store.read_now(image.place)
            except ObjectMissingError:
                return GONE
            if hashlib.sha256(body).hexdigest() != image.sha256:
                return REDRAWN
            part.write_bytes(body)
        part.replace(target)
        return None

    def _is_linked(self, sha256: str, part: Path) -> bool:
        source = self.linked.get(sha256)
        if source is None or file_digest(source) != sha256:
            return False
        try:
            os.link(source, part)
        except OSError:  # another file system, or one without hard links
            shutil.copyfile(source, part)
        return True


def file_digest(path: Path) -> str | None:
    """SHA-256 of a file in hex; None if there is no such plain file."""
    if path.is_symlink():
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None


def _batches(images: Iterable[WantedImage]) -> Iterable[list[WantedImage]]:
    """Some at a time: a queue of all would hold millions."""
    some: list[WantedImage] = []
    for image in images:
        some.append(image)
        if len(some) == _AT_ONCE:
            yield some
            some = []
    yield some
