"""The port to the NAS."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

# Files and folders that DSM, macOS and Windows make for themselves. DSM has a folder in @eaDir for each file.
SYSTEM_NAMES = frozenset(["@eadir", "#recycle", "#snapshot", ".ds_store", "thumbs.db"])


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
    modified_at: datetime  # aware, by the clock of the NAS


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
        is yielded as one entry of size 0; its files are not listed.
        """

    def open(self, folder: str, path: str) -> BinaryIO:
        """A file's content as a stream, read from its beginning; the caller closes it.

        Reading raises the same errors as the methods, or OSError.
        """

    def rename_folder(self, folder: str, name: str) -> None:
        """Give a folder in the root another name; no error if that has happened already."""

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


def is_system_name(name: str) -> bool:
    """Whether files and folders of this name belong to an operating system."""
    return name.lower() in SYSTEM_NAMES
