"""Rows of what was found on the NAS; the poll's state lives here, not on the NAS."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

GONE = "gone from the NAS before it was copied"
_ESCAPED = re.compile(r"\\(?:\\|x([0-9a-f]{2}))")


@dataclass(frozen=True)
class SourceFolder:
    """One folder as found on the NAS."""

    id: int
    name: str
    generation: int  # counts folders under the same name
    quiet_since: datetime  # since when every look found the same
    looked_at: datetime
    listed_time: datetime | None  # its own time of change on the NAS at the last look
    processed_at: datetime | None
    mark: str | None  # its name on the NAS since it was processed


@dataclass(frozen=True)
class KnownFolder(SourceFolder):
    """A folder that a listing of the root shows again."""

    has_waiting: bool  # whether any file of it is still to be copied


@dataclass(frozen=True)
class ListedFile:
    """A file as a look at its folder finds it."""

    path: str  # below its folder, as text that Postgres takes
    size: int  # bytes
    modified_at: datetime
    cause: str | None = None  # why it is never copied


@dataclass(frozen=True)
class Look:
    """One listing of a folder against its rows."""

    folder: SourceFolder  # its row afterwards
    files: int  # listed
    found: int  # new, of other content, or back after they were gone
    skipped: int  # found, and never copied
    changed: int  # waiting, and not as listed before
    waiting: int  # to be copied


@dataclass(frozen=True)
class WaitingFile:
    """One content of a file that isn't in raw yet."""

    id: int
    path: str  # below its folder
    version: int  # counts contents under the same path
    size: int  # bytes
    modified_at: datetime


@dataclass(frozen=True)
class Copy:
    """A file whose bytes are in raw, verified."""

    file_id: int
    raw_key: str
    etag: str
    sha256: str


class SourceRows(Protocol):
    """What the polls have found so far."""

    def lock(self) -> AbstractContextManager[Callable[[], bool] | None]:
        """Hold the poll's lock; gives whether it is still held, or None if another poll runs."""

    def folder(self, name: str) -> SourceFolder:
        """The folder's newest row, made if it is new or the last one was marked away."""

    def known_folders(self, names: Iterable[str]) -> list[KnownFolder]:
        """What is known of folders by their names on the NAS: those not marked, and the marked ones."""

    def look(
        self, folder: SourceFolder, listed: Iterable[ListedFile], *, listed_time: datetime | None
    ) -> Look:
        """Compare a listing with the newest row of each path, and keep what is new, changed or gone.

        The listing is read piece by piece; nothing is kept if it fails before its end. The
        folder's `quiet_since` is now if there was any news.
        """

    def record_failed_look(self, folder: SourceFolder) -> None:
        """A folder could not be looked at; others come before it in the next poll."""

    def waiting(self, folder: SourceFolder) -> Iterator[list[WaitingFile]]:
        """What is to be copied of a folder, in pieces; none of what is unpacked from an archive."""

    def plan_copies(self, keys: Iterable[tuple[int, str]]) -> None:
        """Where files are about to be copied to, known before an event can come."""

    def record_copies(self, copies: Iterable[Copy]) -> None:
        """Files are verified in raw."""

    def plan_unpacked(
        self, archive_id: int, *, path: str, size: int, raw_key: str, cause: str | None = None
    ) -> int | None:
        """A file within an archive, about to be copied or skipped with a cause.

        Returns its number, or None if there is nothing left to do for it.
        """

    def record_skipped(self, file_id: int, *, cause: str, sha256: str | None = None) -> None:
        """A file of which nothing, or nothing more, is copied."""

    def plan_mark(self, folder: SourceFolder, *, mark: str) -> None:
        """The name the folder is about to get on the NAS."""

    def planned_marks(self) -> list[SourceFolder]:
        """Folders that were about to be renamed; `mark` is the planned name."""

    def record_processed(self, folder: SourceFolder, *, mark: str | None) -> None:
        """Every file of the folder is in raw; `mark` is its name on the NAS from now on."""


def storable(name: str) -> str:
    """A name as text Postgres takes: bytes that were no Unicode become backslash escapes.

    Two names never become one: a backslash of the name's own is doubled.
    """
    doubled = name.replace("\\", "\\\\")
    return doubled.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def original(text: str) -> str:
    """The name that `storable` made a text of."""
    return _ESCAPED.sub(lambda found: chr(0xDC00 + int(found[1], 16)) if found[1] else "\\", text)
