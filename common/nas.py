"""The NAS as the pipeline needs it: a small port, and the one for a mounted folder."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import unquote, urlsplit

from common.errors import DependencyAwayError, SettingsError, TransientError


@dataclass(frozen=True)
class NasFile:
    """One file as the NAS lists it. Names that are no Unicode carry surrogates (PEP 383)."""

    path: str  # below its folder, with "/"
    size: int  # bytes
    modified_at: datetime  # aware, the NAS clock


class Nas(Protocol):
    """Folders of files.

    Every method raises DependencyAwayError when the NAS does not answer.
    """

    def list_folders(self) -> list[str]:
        """The names of the folders in the root, sorted."""

    def list_files(self, folder: str) -> Iterator[NasFile]:
        """The files of a folder, to any depth; of the root itself if `folder` is empty."""

    def open(self, folder: str, path: str) -> BinaryIO:
        """A file's content as a stream; the caller closes it."""

    def rename_folder(self, folder: str, name: str) -> None:
        """Give a folder in the root another name; no error if that has happened already."""


class FolderNas(Nas):
    """A NAS share mounted as a folder (SMB, NFS)."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def list_folders(self) -> list[str]:
        with _nas_errors(), os.scandir(self._root) as entries:
            return sorted(entry.name for entry in entries if entry.is_dir(follow_symlinks=False))

    def list_files(self, folder: str) -> Iterator[NasFile]:
        with _nas_errors():
            yield from self._files(self._root / folder, "", deep=bool(folder))

    def _files(self, place: Path, prefix: str, *, deep: bool) -> Iterator[NasFile]:
        with os.scandir(place) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                # A link may lead out of the share, so links are no files of it.
                if entry.is_dir(follow_symlinks=False):
                    if deep:
                        yield from self._files(Path(entry.path), f"{prefix}{entry.name}/", deep=True)
                elif entry.is_file(follow_symlinks=False):
                    stat = entry.stat(follow_symlinks=False)
                    modified_at = datetime.fromtimestamp(stat.st_mtime, UTC)
                    yield NasFile(f"{prefix}{entry.name}", stat.st_size, modified_at)

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


def nas_from_url(url: str) -> Nas:
    """The NAS that DCM2SET_NAS_URL names."""
    parts = urlsplit(url)
    if parts.scheme != "file" or parts.netloc not in {"", "localhost"} or not parts.path:
        raise SettingsError("DCM2SET_NAS_URL is wrong: expected file:///path of the mounted share.")
    return FolderNas(Path(unquote(parts.path)))


@contextmanager
def _nas_errors() -> Iterator[None]:
    """The system's texts name paths, which may tell a patient; none is passed on."""
    try:
        yield
    except OSError as error:
        raise DependencyAwayError(
            f"The NAS can't be read ({type(error).__name__}); see DCM2SET_NAS_URL."
        ) from None
