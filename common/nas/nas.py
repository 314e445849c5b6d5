"""The port to the NAS."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO, Protocol

from common.errors import DependencyAwayError, TransientError

# Times outside of these are set to the nearest of them. SMB can give a file the year 30828, and a time of the
# last day of year 9999 has no datetime in time zones to the east.
EARLIEST = datetime(1601, 1, 1, tzinfo=UTC)  # the zero of SMB's times
LATEST = datetime(9999, 12, 30, tzinfo=UTC)


class UnreadableError(DependencyAwayError):
    """One file or folder on the NAS can't be read; the others can."""


class NameTakenError(TransientError):
    """A folder on the NAS can't get this name, because another file or folder has it."""

    def __init__(self) -> None:
        super().__init__("A folder on the NAS can't be marked: the marked name is taken.")


@dataclass(frozen=True)
class NasFolder:
    """A folder in the NAS root, as listed."""

    name: str
    modified_at: datetime  # when an entry was last added or removed directly in it


@dataclass(frozen=True)
class NasFile:
    """One file, as listed. Bytes that are not Unicode are surrogates in its path (PEP 383)."""

    path: str  # below its folder, with "/"
    size: int  # bytes
    modified_at: datetime  # aware, by the clock of the NAS, between EARLIEST and LATEST
    fault: str | None = None  # why this file, or the files of the folder at this path, could not be listed


class Nas(Protocol):
    """Folders of files; safe to share between threads.

    Every method raises DependencyAwayError when the NAS does not answer, SettingsError when
    it refuses the account, and TransientError when the request is not possible now.
    """

    def list_folders(self) -> list[NasFolder]:
        """The folders in the root, sorted by name."""

    def list_files(self, folder: str) -> Iterator[NasFile]:
        """The files of a folder, to any depth and in no order; of the root itself if `folder` is empty.

        Files are yielded as the NAS lists them, so that a long listing needs little memory. A system folder
        is yielded as one entry of size 0; its files are not listed. A folder below that can't be listed is
        yielded as one entry with a fault, and the others are still listed.
        """

    def open(self, folder: str, path: str) -> BinaryIO:
        """A file's content as a stream, read from its beginning; the caller closes it.

        Raises UnreadableError if only this file can't be read. Reading raises the same errors as the
        methods, or OSError.
        """

    def rename_folder(self, folder: str, name: str) -> None:
        """Give a folder in the root another name; no error if that has happened already.

        Raises NameTakenError if a file or folder has the name, perhaps in other letter case.
        """

    def make_folder(self, name: str) -> None:
        """Make an empty folder in the root."""

    def remove_empty_folder(self, name: str) -> None:
        """Remove a folder in the root; fails if it is not empty."""

    def free_bytes(self) -> int | None:
        """The free space on the volume; None if the NAS does not report it."""

    def clock(self) -> datetime | None:
        """The time by the clock of `modified_at`; None if the NAS does not report it."""

    def close(self) -> None:
        """Log out, if there was a login."""


def time_of(seconds: float) -> datetime:
    """The time that many seconds after 1970, set to EARLIEST or LATEST if it lies beyond."""
    if math.isnan(seconds):
        return EARLIEST
    return datetime.fromtimestamp(min(max(seconds, EARLIEST.timestamp()), LATEST.timestamp()), UTC)


def listed_below(list_folder: Callable[[str, Callable[[str], None]], Iterator[NasFile]]) -> Iterator[NasFile]:
    """The files of a folder to any depth; a folder below that can't be listed is one entry with a fault.

    `list_folder` yields the files directly in the folder at a path below, and calls its second argument
    with the path of each folder in it. Raises UnreadableError if the folder itself can't be listed.
    """
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            yield from list_folder(below, pending.append)
        except UnreadableError as error:
            if not below:
                raise
            yield NasFile(below.rstrip("/"), 0, EARLIEST, str(error))
