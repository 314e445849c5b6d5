"""A NAS share mounted as a folder (SMB, NFS)."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from errno import EACCES, ELOOP, ENOENT, ENOTDIR, ENXIO, EPERM
from functools import partial
from pathlib import Path
from typing import BinaryIO

from common.errors import DependencyAwayError
from common.nas.nas import (
    EARLIEST,
    NameTakenError,
    Nas,
    NasFile,
    NasFolder,
    UnreadableError,
    listed_below,
    time_of,
)
from common.nas.system_names import is_system_name

_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
# On the way down only the right to enter a folder is needed, where the system can open it without reading.
_ENTER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK  # a FIFO would block until it has a writer
_NO_LINK = os.O_NOFOLLOW
_CAUSES = {
    EACCES: "The user that runs dcm2set may not read this on the mounted share; give it the right to.",
    EPERM: "The user that runs dcm2set may not read this on the mounted share; give it the right to.",
    ENOENT: "The NAS no longer has a listed file or folder; if it is still there, rename it, because this "
    "machine can't open its name.",
    ELOOP: "A listed file or folder became a link, and links are not followed.",
    ENOTDIR: "A listed folder became a file or a link; the next poll lists it again.",
    ENXIO: "A listed file is no regular file any more.",
}


class FolderNas(Nas):
    """The share as the operating system shows it; the mount options set its time limits.

    Each folder and file is opened from within the folder above it, and no link below the root is followed.
    So nothing outside of the share is ever read, also if an entry is replaced after it was listed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def list_folders(self) -> list[NasFolder]:
        with _nas_errors(), self._opened([], _LIST) as root, os.scandir(root) as entries:
            folders = [
                NasFolder(entry.name, _modified_at(entry))
                for entry in entries
                if entry.is_dir(follow_symlinks=False)
            ]
        return sorted(folders, key=lambda folder: folder.name)

    def list_files(self, folder: str) -> Iterator[NasFile]:
        return listed_below(partial(self._entries, folder))

    def open(self, folder: str, path: str) -> BinaryIO:
        with self._entry_errors():
            number = self._open([*_parts(folder), *_parts(path)], _READ)
            if not stat.S_ISREG(os.fstat(number).st_mode):
                os.close(number)
                raise OSError(ENXIO, "")
            return os.fdopen(number, "rb")

    def rename_folder(self, folder: str, name: str) -> None:
        ((old,), (new,)) = (_parts(folder), _parts(name))
        with _nas_errors(), self._opened([], _ENTER) as root:
            if _exists(new, root):
                if not _exists(old, root):
                    return
                raise NameTakenError
            if not stat.S_ISDIR(os.stat(old, dir_fd=root, follow_symlinks=False).st_mode):
                raise NotADirectoryError
            os.rename(old, new, src_dir_fd=root, dst_dir_fd=root)

    def make_folder(self, name: str) -> None:
        with _nas_errors(), self._opened([], _ENTER) as root:
            os.mkdir(name, dir_fd=root)

    def remove_empty_folder(self, name: str) -> None:
        with _nas_errors(), self._opened([], _ENTER) as root:
            os.rmdir(name, dir_fd=root)

    def free_bytes(self) -> int | None:
        with _nas_errors():
            return shutil.disk_usage(self._root).free

    def clock(self) -> datetime | None:
        return None  # a mounted share has no clock of its own

    def close(self) -> None:
        """Nothing is open."""

    def _entries(self, folder: str, below: str, descend: Callable[[str], None]) -> Iterator[NasFile]:
        """The files directly in a folder; `descend` is called with each folder in it."""
        with self._entry_errors():
            parts = [*_parts(folder), *_parts(below)]
            with self._opened(parts, _LIST) as number, os.scandir(number) as entries:
                for entry in entries:
                    path = f"{below}{entry.name}"
                    # Links are left out: they may point to files outside the share.
                    if entry.is_file(follow_symlinks=False):
                        yield _listed_file(entry, path)
                    elif folder and entry.is_dir(follow_symlinks=False):
                        if is_system_name(entry.name):
                            yield NasFile(path, 0, _modified_at(entry))
                        else:
                            descend(f"{path}/")

    @contextmanager
    def _opened(self, parts: Sequence[str], flags: int) -> Iterator[int]:
        """A folder below the root, open until the block ends."""
        number = self._open(parts, flags)
        try:
            yield number
        finally:
            os.close(number)

    def _open(self, parts: Sequence[str], flags: int) -> int:
        """Open a file or folder, each part of its path from within the folder before it."""
        number = os.open(self._root, _ENTER if parts else flags)
        for left, part in enumerate(parts, 1 - len(parts)):
            above = number
            try:
                number = os.open(part, (_ENTER if left else flags) | _NO_LINK, dir_fd=above)
            finally:
                os.close(above)
        return number

    @contextmanager
    def _entry_errors(self) -> Iterator[None]:
        """Turn OSErrors into UnreadableError if the root can still be listed, else as _nas_errors does."""
        try:
            yield
        except OSError as error:
            with _nas_errors(), self._opened([], _LIST) as root, closing(os.scandir(root)) as entries:
                next(entries, None)
            cause = f"A file or folder can't be read from the mounted share ({type(error).__name__})."
            raise UnreadableError(_CAUSES.get(error.errno or 0, cause)) from None


def _parts(path: str) -> list[str]:
    """The components of a path below the root; raises UnreadableError for one that leads elsewhere."""
    parts = path.rstrip("/").split("/") if path else []
    if any(part in {"", ".", ".."} or "\0" in part for part in parts):
        raise UnreadableError("A name on the NAS can't be a file's or folder's name; rename it.")
    return parts


def _exists(name: str, root: int) -> bool:
    try:
        os.stat(name, dir_fd=root, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _listed_file(entry: os.DirEntry[str], path: str) -> NasFile:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError as error:
        return NasFile(path, 0, EARLIEST, _CAUSES.get(error.errno or 0, _CAUSES[EACCES]))
    return NasFile(path, found.st_size, time_of(found.st_mtime))


def _modified_at(entry: os.DirEntry[str]) -> datetime:
    """The time of a folder; EARLIEST if it can't be read, because its visit tells why."""
    with suppress(OSError):
        return time_of(entry.stat(follow_symlinks=False).st_mtime)
    return EARLIEST


@contextmanager
def _nas_errors() -> Iterator[None]:
    """Turn OSErrors into errors of the pipeline, without their texts, whose paths may name a patient."""
    try:
        yield
    except PermissionError:
        raise DependencyAwayError(
            "The mounted share refuses this (PermissionError); see DCM2SET_NAS_URL, and "
            "DCM2SET_NAS_PROCESSED_MARK (none) if folders may not be renamed."
        ) from None
    except OSError as error:
        raise DependencyAwayError(
            f"The NAS can't be read ({type(error).__name__}); see DCM2SET_NAS_URL."
        ) from None
