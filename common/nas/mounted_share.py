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
    """The share as the operating system shows it; the mount options set its time limits."""

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
        return None  # a mounted share has no clock of its own

    def close(self) -> None:
        """Nothing is open."""


def _files(top: Path, *, deep: bool) -> Iterator[NasFile]:
    pending = [""]  # folders to list, below the top
    while pending:
        below = pending.pop()
        with os.scandir(top / below) as entries:
            for entry in entries:
                path = f"{below}{entry.name}"
                # Links are left out: they may point to files outside the share.
                if entry.is_file(follow_symlinks=False):
                    stat = entry.stat(follow_symlinks=False)
                    yield NasFile(path, stat.st_size, _modified_at(stat))
                elif deep and entry.is_dir(follow_symlinks=False):
                    if is_system_name(entry.name):
                        yield NasFile(path, 0, _modified_at(entry.stat(follow_symlinks=False)))
                    else:
                        pending.append(f"{path}/")


def _modified_at(stat: os.stat_result) -> datetime:
    return datetime.fromtimestamp(stat.st_mtime, UTC)


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
