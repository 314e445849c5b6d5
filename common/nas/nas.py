"""The NAS as the pipeline needs it: a small port."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

# What a NAS, macOS or Windows keeps for itself. DSM has a folder in @eaDir for each file beside it.
SYSTEM_NAMES = frozenset(["@eadir", "#recycle", "#snapshot", ".ds_store", "thumbs.db"])


@dataclass(frozen=True)
class NasFolder:
    """A folder in the NAS root as the root's listing shows it."""

    name: str
    modified_at: datetime  # when an entry of its own last came or went; deeper ones don't count


@dataclass(frozen=True)
class NasFile:
    """One file as the NAS lists it. Names that are no Unicode carry surrogates (PEP 383)."""

    path: str  # below its folder, with "/"
    size: int  # bytes
    modified_at: datetime  # aware, the NAS clock


class Nas(Protocol):
    """Folders of files; safe to share between threads.

    Every method raises DependencyAwayError when the NAS does not answer, SettingsError when
    it refuses the account, and TransientError when what was asked for isn't possible now.
    """

    def list_folders(self) -> list[NasFolder]:
        """The folders in the root, sorted by name."""

    def list_files(self, folder: str) -> Iterator[NasFile]:
        """The files of a folder, to any depth and in no order; of the root itself if `folder` is empty.

        They come as the NAS tells them, so that a listing needs no memory of its length. A
        folder of the system's own is told as one entry without a size, and not looked into.
        """

    def open(self, folder: str, path: str) -> BinaryIO:
        """A file's content as a stream, read from its beginning; the caller closes it.

        Reading raises as the methods do, or OSError.
        """

    def rename_folder(self, folder: str, name: str) -> None:
        """Give a folder in the root another name; no error if that has happened already."""

    def make_folder(self, name: str) -> None:
        """Make an empty folder in the root."""

    def remove_empty_folder(self, name: str) -> None:
        """Remove a folder in the root; fails if anything lies in it."""

    def free_bytes(self) -> int | None:
        """The space left on the volume, if the NAS tells."""

    def clock(self) -> datetime | None:
        """The time by the clock that `modified_at` goes by, if the NAS tells."""

    def close(self) -> None:
        """Log out, if there was anything to log in to."""


def is_system_name(name: str) -> bool:
    """Whether a file or folder of that name is the system's own."""
    return name.lower() in SYSTEM_NAMES
