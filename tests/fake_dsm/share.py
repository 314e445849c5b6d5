"""The files of a fake DSM, in memory, and the answers of File Station about them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Any

ROOT = "/share/dicom in"  # the folder that tests let dcm2set poll
LONG_AGO = datetime(2024, 3, 1, tzinfo=UTC)


@dataclass
class Node:
    """A file, or a folder with its entries."""

    modified_at: datetime
    data: bytes = b""
    repeats: int = 1  # how often the data is sent, for files too large for memory
    entries: "dict[str, Node] | None" = None
    mtime: float | None = None  # the time that DSM answers, if it is another


class DsmError(Exception):
    """An error code of DSM, and whether DSM wraps it in code 1200."""

    def __init__(self, code: int, *, within: bool = False) -> None:
        super().__init__(code)
        self.code, self.within = code, within


@dataclass
class Share:
    """A tree of folders below /share."""

    top: Node = field(default_factory=lambda: Node(LONG_AGO, entries={"share": Node(LONG_AGO, entries={})}))
    may_write: bool = True
    unreadable: set[str] = field(default_factory=set)  # paths that the account may see, but not read
    lock: RLock = field(default_factory=RLock)

    def write(self, path: str, data: bytes, modified_at: datetime = LONG_AGO, *, repeats: int = 1) -> None:
        """Write a file, and make the folders above it."""
        with self.lock:
            parent, _, name = path.rpartition("/")
            folder = self.make_folder(parent)
            if name not in folder.entries:
                folder.modified_at = max(folder.modified_at, modified_at)
            folder.entries[name] = Node(modified_at, data, repeats)

    def make_folder(self, path: str) -> Node:
        """Make a folder and the folders above it, if they do not exist; returns the folder."""
        with self.lock:
            node = self.top
            for name in path.strip("/").split("/"):
                node = node.entries.setdefault(name, Node(LONG_AGO, entries={}))
            return node

    def remove(self, path: str) -> None:
        """Remove a file or folder."""
        with self.lock:
            parent, _, name = path.rpartition("/")
            del self.find(parent).entries[name]

    def find(self, path: str) -> Node:
        """Return the file or folder at a path; raises DsmError 408 if there is none."""
        node = self.top
        for part in path.strip("/").split("/"):
            if node.entries is None or part not in node.entries:
                raise DsmError(408)
            node = node.entries[part]
        return node

    def answer(self, api: str, values: dict[str, Any]) -> dict[str, Any]:
        """Return the data of a successful answer; raises DsmError."""
        with self.lock:
            return getattr(self, "_" + api)(**values)

    def _list(
        self, folder_path: str, *, offset: int, limit: int, additional: Any, **_: str
    ) -> dict[str, Any]:
        node = self.find(folder_path)
        if folder_path in self.unreadable:
            raise DsmError(407)
        if node.entries is None:
            raise DsmError(408)
        # DSM sorts names without regard to case, not by code point.
        names = sorted(node.entries, key=str.lower)
        page = names[offset : offset + limit] if limit else names[offset:]
        files = [_description(f"{folder_path}/{name}", name, node.entries[name], additional) for name in page]
        return {"files": files, "offset": offset, "total": len(names)}

    def _getinfo(self, path: list[str]) -> dict[str, Any]:
        files = []
        for each in path:
            try:
                node = self.find(each)
                files.append(
                    {"path": each, "isdir": node.entries is not None, "name": each.rpartition("/")[2]}
                )
            except DsmError as error:
                files.append({"path": each, "code": error.code})
        return {"files": files}

    def _list_share(self, additional: Any = ()) -> dict[str, Any]:
        volume = {"freespace": 5_000_000_000, "readonly": False, "totalspace": 9_000_000_000}
        wants_volume = isinstance(additional, list) and "volume_status" in additional
        more = {"volume_status": volume} if wants_volume else {}
        shares = [
            {"isdir": True, "name": name, "path": "/" + name, "additional": more} for name in self.top.entries
        ]
        return {"offset": 0, "shares": shares, "total": len(shares)}

    def _rename(self, path: str, name: str) -> dict[str, Any]:
        parent, _, old = path.rpartition("/")
        self._require_write()
        try:
            node = self.find(path)
        except DsmError as error:
            raise DsmError(error.code, within=True) from None
        siblings = self.find(parent).entries
        if name in siblings:
            raise DsmError(414, within=True)
        siblings[name] = siblings.pop(old)
        return {"files": [_description(f"{parent}/{name}", name, node, ())]}

    def _create(self, folder_path: str, name: str) -> dict[str, Any]:
        self._require_write()
        entries = self.find(folder_path).entries
        if name in entries:
            raise DsmError(414, within=True)
        entries[name] = Node(LONG_AGO, entries={})
        return {"folders": []}

    def _delete(self, path: str, *, recursive: bool = True) -> dict[str, Any]:
        self._require_write()
        node = self.find(path)
        if node.entries and not recursive:
            raise DsmError(900)
        self.remove(path)
        return {}

    def _require_write(self) -> None:
        if not self.may_write:
            raise DsmError(407, within=True)


def _description(path: str, name: str, node: Node, additional: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"isdir": node.entries is not None, "name": name, "path": path}
    if isinstance(additional, list):  # DSM ignores a list joined by commas
        times = {"mtime": int(node.modified_at.timestamp()) if node.mtime is None else node.mtime}
        known = {"size": len(node.data) * node.repeats, "time": times}
        found["additional"] = {wanted: known[wanted] for wanted in additional}
    return found
