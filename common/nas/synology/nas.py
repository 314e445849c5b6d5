"""A share of a Synology NAS, accessed through the File Station API of its DSM."""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO

from common.errors import DependencyAwayError
from common.nas.nas import EARLIEST, Nas, NasFile, NasFolder, listed_below, time_of
from common.nas.synology.errors import EXISTS, MISSING, request_refused
from common.nas.synology.file_station import FileStation, expected_form
from common.nas.system_names import is_system_name

_PAGE = 1000  # entries of a folder in one request
_UNUSABLE = "(a name that no file can have)"
_NAME_FAULT = "The NAS lists names here that no file or folder can have; rename them."
Entry = dict[str, Any]


class SynologyNas(Nas):
    """The folder `root` (/share/path) of a DSM; safe to share between threads."""

    def __init__(self, station: FileStation, *, root: str, check_md5: bool = False) -> None:
        self._station = station
        self._root = root
        self._check_md5 = check_md5  # whether files are compared with the MD5 that DSM computes

    def list_folders(self) -> list[NasFolder]:
        entries = self._entries(self._root)
        with expected_form():
            folders = [
                NasFolder(_name(entry), _modified_at(entry))
                for entry in entries
                if entry["isdir"] and _is_usable(entry)
            ]
        return sorted(folders, key=lambda folder: folder.name)

    def list_files(self, folder: str) -> Iterator[NasFile]:
        return listed_below(partial(self._files, folder))

    def _files(self, folder: str, below: str, descend: Callable[[str], None]) -> Iterator[NasFile]:
        """The files directly in a folder; `descend` is called with each folder in it."""
        has_unusable = False
        for entry in self._entries(f"{self._path(folder)}/{below}".rstrip("/")):
            with expected_form():
                is_folder = entry["isdir"]
                if not _is_usable(entry):
                    has_unusable = True
                    continue
                name = _name(entry)
                size = 0 if is_folder else int(entry["additional"]["size"])
                file = NasFile(f"{below}{name}", size, _modified_at(entry))
            if not is_folder or (folder and is_system_name(name)):
                yield file
            elif folder:
                descend(f"{file.path}/")
        if has_unusable:
            yield NasFile(f"{below}{_UNUSABLE}", 0, EARLIEST, _NAME_FAULT)

    def open(self, folder: str, path: str) -> BinaryIO:
        download = self._station.checked_download if self._check_md5 else self._station.download
        return download(f"{self._path(folder)}/{path}")

    def rename_folder(self, folder: str, name: str) -> None:
        try:
            code = self._station.change("Rename", "rename", path=self._path(folder), name=name)
        except DependencyAwayError:
            # The folder may have been renamed although the answer was lost.
            if self._is_renamed(folder, name):
                return
            raise
        if code and not (code == MISSING and self._is_renamed(folder, name)):
            raise request_refused(code)
        if not self._exists(name):
            raise DependencyAwayError("The NAS reported that a folder was renamed, but does not list it.")

    def make_folder(self, name: str) -> None:
        code = self._station.change("CreateFolder", "create", folder_path=self._root, name=name)
        if code:
            raise request_refused(code)

    def remove_empty_folder(self, name: str) -> None:
        if next(iter(self.list_files(name)), None) is not None:
            raise request_refused(EXISTS)
        # Not recursive: DSM refuses if files were added to the folder since.
        code = self._station.change("Delete", "delete", path=self._path(name), recursive=False)
        if code:
            raise request_refused(code)

    def free_bytes(self) -> int | None:
        share = "/" + self._root.split("/")[1]
        data = self._station.query("list_share", additional=["volume_status"])
        with expected_form():
            for entry in data["shares"]:
                if entry["path"] == share:
                    return int(entry["additional"]["volume_status"]["freespace"])
        return None

    def clock(self) -> datetime | None:
        """The time of the last answer, by the clock of the NAS."""
        if self._station.clock is None:
            self._exists("")
        return self._station.clock

    def device_id(self) -> str | None:
        """The device id that replaces the one-time code, if DSM gave one at the login."""
        return self._station.device_id()

    def close(self) -> None:
        """Log out, and close the connections."""
        self._station.close()

    def _path(self, folder: str) -> str:
        return f"{self._root}/{folder}" if folder else self._root

    def _entries(self, path: str) -> Iterator[Entry]:
        """The entries of a folder, page by page; raises DependencyAwayError if the listing is incomplete."""
        with expected_form():
            yield from self._pages(path)

    def _pages(self, path: str) -> Iterator[Entry]:
        offset, total, before = 0, 1, set[str]()
        while offset < total:
            data = self._station.query(
                "list",
                folder_path=path,
                offset=offset,
                limit=_PAGE,
                sort_by="name",
                sort_direction="asc",
                additional=["size", "time"],
            )
            page = data.get("files") or []
            names = {_name(entry) for entry in page}
            is_complete = len(names) == len(page) and (page or data["total"] <= offset)
            # A new entry shifts the following ones, so the last of a page are listed again in the next.
            if not is_complete or names & before or (offset and data["total"] != total):
                raise DependencyAwayError("A folder on the NAS changed while it was listed.")
            yield from page
            offset, total, before = offset + len(page), data["total"], names
        if offset != total:
            raise DependencyAwayError("A folder on the NAS changed while it was listed.")

    def _is_renamed(self, folder: str, name: str) -> bool:
        return self._exists(name) and not self._exists(folder)

    def _exists(self, name: str) -> bool:
        """Whether a folder is in the root; DSM reports a missing path within a successful answer."""
        data = self._station.query("getinfo", path=[self._path(name)])
        with expected_form():
            (found,) = data["files"]
            return not found.get("code")


def _name(entry: Entry) -> str:
    return str(entry["name"])


def _is_usable(entry: Entry) -> bool:
    """Whether the name of an entry can be one component of a path, and is Unicode."""
    name = _name(entry)
    is_unicode = name.encode("utf-8", "replace").decode() == name
    return is_unicode and name not in {"", ".", ".."} and "/" not in name and "\0" not in name


def _modified_at(entry: Entry) -> datetime:
    return time_of(int(entry["additional"]["time"]["mtime"]))
