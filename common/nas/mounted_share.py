"""A NAS share mounted as a folder (SMB, NFS)."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from common.errors import DependencyAwayError, TransientError
from common.nas.nas import Nas, NasFile, NasFolder, is_system_name


class FolderNas(Nas):
    """The share as the operating system shows it; its time limits are the mount's."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list_folders(self) -> list[NasFolder]:
        with _nas_errors(), os.scandir(self._root) as entries:
            folders = [
                NasFolder(entry.name, _modified_at(entry.stat(follow_symlinks=False)))
                for entry in entries
                if entry.is_dir(follow_symlinks=False)
            ]
        return sorted(folders, key=lambda folder: folder.name)

    def list_files(self, folder: str) -> Iterator[NasFile]:
        with _nas_errors():
            yield from _files(self._root / folder, deep=bool(folder))

    def open(self, folder: str, path: str) -> BinaryIO:
        with _nas_errors():
            return (self._root / folder / path).open("rb")

    def rename_folder(self, folder: str, name: str) -> None:
        old, new = self._root / folder, self._root / name
        with _nas_errors():
            if not old.exists() and new.exists():
                return
            if new.exists():
                raise TransientError("A folder on the NAS can't be marked: the marked name is taken.")
            old.rename(new)

    def make_folder(self, name: str) -> None:
        with _nas_errors():
            (self._root / name).mkdir()

    def remove_empty_folder(self, name: str) -> None:
        with _nas_errors():
            (self._root / name).rmdir()

    def free_bytes(self) -> int | None:
        with _nas_errors():
            return shutil.disk_usage(self._root).free

    def clock(self) -> datetime | None:
        return None  # a mount tells no time of its own

    def close(self) -> None:
        """Nothing is held open."""


def _files(top: Path, *, deep: bool) -> Iterator[NasFile]:
    left = [""]  # folders still to be looked into, below the top
    while left:
        below = left.pop()
        with os.scandir(top / below) as entries:
            for entry in entries:
                path = f"{below}{entry.name}"
                # A link may lead out of the share, so links are no files of it.
                if entry.is_file(follow_symlinks=False):
                    stat = entry.stat(follow_symlinks=False)
                    yield NasFile(path, stat.st_size, _modified_at(stat))
                elif deep and entry.is_dir(follow_symlinks=False):
                    if is_system_name(entry.name):
                        yield NasFile(path, 0, _modified_at(entry.stat(follow_symlinks=False)))
                    else:
                        left.append(f"{path}/")


def _modified_at(stat: os.stat_result) -> datetime:
    return datetime.fromtimestamp(stat.st_mtime, UTC)


@contextmanager
def _nas_errors() -> Iterator[None]:
    """The system's texts name paths, which may tell a patient; none is passed on."""
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
