"""A NAS in memory: folders of files with sizes and times."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from common.errors import DependencyAwayError
from common.nas.nas import EARLIEST, NameTakenError, Nas, NasFile, NasFolder, UnreadableError
from common.nas.system_names import is_system_name

_LONG_AGO = datetime(2024, 3, 1, tzinfo=UTC)
_NO_RIGHT = "The user that runs dcm2set may not read this on the mounted share; give it the right to."


@dataclass
class InMemoryNas(Nas):
    """Files by folder and path; the root's own files lie in the folder ''."""

    folders: dict[str, dict[str, tuple[bytes, datetime]]] = field(default_factory=lambda: {"": {}})
    touched: dict[str, datetime] = field(
        default_factory=dict
    )  # when an entry of a folder was last added or removed
    now: datetime | None = None  # by the clock of the NAS
    away: bool = False
    unreadable: set[str] = field(default_factory=set)  # "folder/path" of files and folders without the right

    def write(self, folder: str, path: str, data: bytes, *, modified_at: datetime = _LONG_AGO) -> None:
        """Write a file; overwrites an existing one."""
        files = self.folders.setdefault(folder, {})
        top = path.partition("/")[0]
        if not any(known.partition("/")[0] == top for known in files):
            self._touch(folder)
        files[path] = (data, modified_at)

    def remove(self, folder: str, path: str) -> None:
        """Remove a file."""
        del self.folders[folder][path]
        self._touch(folder)

    def list_folders(self) -> list[NasFolder]:
        self._answer()
        names = sorted(name for name in self.folders if name)
        return [NasFolder(name, self.touched.get(name, _LONG_AGO)) for name in names]

    def names(self) -> list[str]:
        """The names of the folders, for tests."""
        return [folder.name for folder in self.list_folders()]

    def list_files(self, folder: str) -> Iterator[NasFile]:
        files, seen = self._folder(folder), set[str]()
        for path, (data, modified_at) in list(files.items()):
            system = _system_folder(path)
            above = self._unreadable_folder(folder, path)
            if above is not None:
                if above not in seen:
                    seen.add(above)
                    yield NasFile(above, 0, EARLIEST, _NO_RIGHT)
            elif system is None:
                yield NasFile(path, len(data), modified_at)
            elif system not in seen:
                seen.add(system)
                yield NasFile(system, 0, modified_at)

    def open(self, folder: str, path: str) -> BinaryIO:
        files = self._folder(folder)
        if path not in files:
            raise UnreadableError("The NAS can't be read (FileNotFoundError); see DCM2SET_NAS_URL.")
        if f"{folder}/{path}" in self.unreadable or self._unreadable_folder(folder, path):
            raise UnreadableError(_NO_RIGHT)
        return io.BytesIO(files[path][0])

    def _unreadable_folder(self, folder: str, path: str) -> str | None:
        """The topmost folder above a file that can't be listed; None if all can."""
        parts = path.split("/")[:-1]
        paths = ("/".join(parts[:number]) for number in range(1, len(parts) + 1))
        return next((above for above in paths if f"{folder}/{above}" in self.unreadable), None)

    def rename_folder(self, folder: str, name: str) -> None:
        self._answer()
        if folder not in self.folders and name in self.folders:
            return
        if name in self.folders:
            raise NameTakenError
        self.folders[name] = self._folder(folder)
        self.touched[name] = self.touched.pop(folder, _LONG_AGO)
        del self.folders[folder]

    def make_folder(self, name: str) -> None:
        self._answer()
        if name in self.folders:
            raise DependencyAwayError("The NAS can't be read (FileExistsError); see DCM2SET_NAS_URL.")
        self.folders[name] = {}

    def remove_empty_folder(self, name: str) -> None:
        if self._folder(name):
            raise DependencyAwayError("The NAS can't be read (OSError); see DCM2SET_NAS_URL.")
        del self.folders[name]

    def free_bytes(self) -> int | None:
        self._answer()
        return 1_000_000_000

    def clock(self) -> datetime | None:
        return self.now

    def close(self) -> None:
        self._answer()

    def _touch(self, folder: str) -> None:
        self.touched[folder] = self.touched.get(folder, _LONG_AGO) + timedelta(seconds=1)

    def _answer(self) -> None:
        if self.away:
            raise DependencyAwayError("The NAS can't be read (OSError); see DCM2SET_NAS_URL.")

    def _folder(self, name: str) -> dict[str, tuple[bytes, datetime]]:
        self._answer()
        if name not in self.folders:
            raise DependencyAwayError("The NAS can't be read (FileNotFoundError); see DCM2SET_NAS_URL.")
        return self.folders[name]


def _system_folder(path: str) -> str | None:
    """The topmost system folder in the path of a file; None if there is none."""
    parts = path.split("/")[:-1]
    for number, part in enumerate(parts, 1):
        if is_system_name(part):
            return "/".join(parts[:number])
    return None
