"""A share of a Synology NAS through the File Station API of its DSM."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, BinaryIO

from common.errors import DependencyAwayError
from common.nas.nas import Nas, NasFile, NasFolder, is_system_name
from common.nas.synology.errors import EXISTS, MISSING, request_refused
from common.nas.synology.file_station import FileStation, known_form

_PAGE = 1000  # entries of a folder asked for at a time
Entry = dict[str, Any]


class SynologyNas(Nas):
    """The folder `root` (/share/path) of a DSM; safe to share between threads."""

    def __init__(self, station: FileStation, *, root: str) -> None:
        self._station = station
        self._root = root

    def list_folders(self) -> list[NasFolder]:
        entries = self._entries(self._root)
        with known_form():
            folders = [NasFolder(_name(entry), _modified_at(entry)) for entry in entries if entry["isdir"]]
        return sorted(folders, key=lambda folder: folder.name)

    def list_files(self, folder: str) -> Iterator[NasFile]:
        left = [""]  # folders still to be looked into, below the folder
        while left:
            below = left.pop()
            for entry in self._entries(f"{self._place(folder)}/{below}".rstrip("/")):
                with known_form():
                    name, is_folder = _name(entry), entry["isdir"]
                    size = 0 if is_folder else int(entry["additional"]["size"])
                    file = NasFile(f"{below}{name}", size, _modified_at(entry))
                if not is_folder or (folder and is_system_name(name)):
                    yield file
                elif folder:
                    left.append(f"{file.path}/")

    def open(self, folder: str, path: str) -> BinaryIO:
        return self._station.download(f"{self._place(folder)}/{path}")

    def rename_folder(self, folder: str, name: str) -> None:
        try:
            code = self._station.change("Rename", "rename", path=self._place(folder), name=name)
        except DependencyAwayError:
            # Its answer may have been lost alone.
            if self._is_renamed(folder, name):
                return
            raise
        if code and not (code == MISSING and self._is_renamed(folder, name)):
            raise request_refused(code)
        if not self._is_there(name):
            raise DependencyAwayError("The NAS says a folder is renamed, but doesn't show it.")

    def make_folder(self, name: str) -> None:
        code = self._station.change("CreateFolder", "create", folder_path=self._root, name=name)
        if code:
            raise request_refused(code)

    def remove_empty_folder(self, name: str) -> None:
        if next(iter(self.list_files(name)), None) is not None:
            raise request_refused(EXISTS)
        # Not recursive: DSM refuses what came into it since.
        code = self._station.change("Delete", "delete", path=self._place(name), recursive=False)
        if code:
            raise request_refused(code)

    def free_bytes(self) -> int | None:
        share = "/" + self._root.split("/")[1]
        data = self._station.ask("list_share", additional=["volume_status"])
        with known_form():
            for entry in data["shares"]:
                if entry["path"] == share:
                    return int(entry["additional"]["volume_status"]["freespace"])
        return None

    def clock(self) -> datetime | None:
        """The time of the last answer, so of the last listing."""
        if self._station.clock is None:
            self._is_there("")
        return self._station.clock

    def device_id(self) -> str | None:
        """What stands for the one-time code from now on, if one was given at the login."""
        return self._station.device_id()

    def close(self) -> None:
        """Log out, and close the connections."""
        self._station.close()

    def _place(self, folder: str) -> str:
        return f"{self._root}/{folder}" if folder else self._root

    def _entries(self, place: str) -> Iterator[Entry]:
        """What lies in a folder, page by page; an error in the end if it isn't the whole."""
        with known_form():
            yield from self._pages(place)

    def _pages(self, place: str) -> Iterator[Entry]:
        offset, total, before = 0, 1, set[str]()
        while offset < total:
            data = self._station.ask(
                "list",
                folder_path=place,
                offset=offset,
                limit=_PAGE,
                sort_by="name",
                sort_direction="asc",
                additional=["size", "time"],
            )
            page = data.get("files") or []
            names = {_name(entry) for entry in page}
            is_whole = len(names) == len(page) and (page or data["total"] <= offset)
            # An entry that came moves those behind it, so the last of a page are told again.
            if not is_whole or names & before or (offset and data["total"] != total):
                raise DependencyAwayError("A folder on the NAS changed while it was listed.")
            yield from page
            offset, total, before = offset + len(page), data["total"], names
        if offset != total:
            raise DependencyAwayError("A folder on the NAS changed while it was listed.")

    def _is_renamed(self, folder: str, name: str) -> bool:
        return self._is_there(name) and not self._is_there(folder)

    def _is_there(self, name: str) -> bool:
        """Whether a folder is in the root; DSM tells of a missing path within a success."""
        data = self._station.ask("getinfo", path=[self._place(name)])
        with known_form():
            (found,) = data["files"]
            return not found.get("code")


def _name(entry: Entry) -> str:
    """A name that can be one component of a path, in Unicode; ValueError if it is none."""
    name = str(entry["name"])
    name.encode()
    if name in {"", ".", ".."} or "/" in name or "\0" in name:
        raise ValueError
    return name


def _modified_at(entry: Entry) -> datetime:
    return datetime.fromtimestamp(int(entry["additional"]["time"]["mtime"]), UTC)
