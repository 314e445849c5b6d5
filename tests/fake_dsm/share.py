"""The files of a fake DSM, in memory, and what File Station answers about them."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import RLock
from typing import Any

LONG_AGO = datetime(2024, 3, 1, tzinfo=UTC)


@dataclass
class Node:
    """A file, or a folder with its entries."""

    modified_at: datetime
    data: bytes = b""
    repeats: int = 1  # of the data, for files too large for memory
    entries: "dict[str, Node] | None" = None


class DsmError(Exception):
    """An error number, and whether DSM hides it within 1200."""

    def __init__(self, code: int, *, within: bool = False) -> None:
        super().__init__(code)
        self.code, self.within = code, within


@dataclass
class Share:
    """A tree of folders below /share."""

    top: Node = field(default_factory=lambda: Node(LONG_AGO, entries={"share": Node(LONG_AGO, entries={})}))
    may_write: bool = True
    lock: RLock = field(default_factory=RLock)

    def write(self, path: str, data: bytes, modified_at: datetime = LONG_AGO, *, repeats: int = 1) -> None:
        """Put a file, with the folders above it."""
        with self.lock:
            *folders, name = path.strip("/").split("/")
            place = self.top
            for folder in folders:
                place = place.entries.setdefault(folder, Node(LONG_AGO, entries={}))
            if name not in place.entries:
                place.modified_at = max(place.modified_at, modified_at)
            place.entries[name] = Node(modified_at, data, repeats)

    def remove(self, path: str) -> None:
        """Take a file or folder away."""
        with self.lock:
            parent, _, name = path.rpartition("/")
            del self.find(parent).entries[name]

    def find(self, path: str) -> Node:
        """What is at a path; 408 if nothing is."""
        node = self.top
        for part in path.strip("/").split("/"):
            if node.entries is None or part not in node.entries:
                raise DsmError(408)
            node = node.entries[part]
        return node

    def answer(self, api: str, values: dict[str, Any]) -> dict[str, Any]:
        """The data of a successful answer; raises DsmError."""
        with self.lock:
            return getattr(self, "_" + api)(**values)

    def _list(
        self, folder_path: str, *, offset: int, limit: int, additional: Any, **_: str
    ) -> dict[str, Any]:
        node = self.find(folder_path)
        if node.entries is None:
            raise DsmError(408)
        # Windows' and Synology's own order: not by code point.
        names = sorted(node.entries, key=str.lower)
        page = names[offset : offset + limit] if limit else names[offset:]
        files = [_shown(f"{folder_path}/{name}", name, node.entries[name], additional) for name in page]
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
        told = {"volume_status": {"freespace": 5_000_000_000, "readonly": False, "totalspace": 9_000_000_000}}
        more = told if isinstance(additional, list) and "volume_status" in additional else {}
        shares = [
            {"isdir": True, "name": name, "path": "/" + name, "additional": more} for name in self.top.entries
        ]
        return {"offset": 0, "shares": shares, "total": len(shares)}

    def _rename(self, path: str, name: str) -> dict[str, Any]:
        parent, _, old = path.rpartition("/")
        self._writable()
        try:
            node = self.find(path)
        except DsmError as error:
            raise DsmError(error.code, within=True) from None
        siblings = self.find(parent).entries
        if name in siblings:
            raise DsmError(414, within=True)
        siblings[name] = siblings.pop(old)
        return {"files": [_shown(f"{parent}/{name}", name, node, ())]}

    def _create(self, folder_path: str, name: str) -> dict[str, Any]:
        self._writable()
        entries = self.find(folder_path).entries
        if name in entries:
            raise DsmError(414, within=True)
        entries[name] = Node(LONG_AGO, entries={})
        return {"folders": []}

    def _delete(self, path: str, *, recursive: bool = True) -> dict[str, Any]:
        self._writable()
        node = self.find(path)
        if node.entries and not recursive:
            raise DsmError(900)
        self.remove(path)
        return {}

    def _writable(self) -> None:
        if not self.may_write:
            raise DsmError(407, within=True)


def _shown(path: str, name: str, node: Node, additional: Any) -> dict[str, Any]:
    shown: dict[str, Any] = {"isdir": node.entries is not None, "name": name, "path": path}
    if isinstance(additional, list):  # DSM ignores a list joined by commas
        times = {"mtime": int(node.modified_at.timestamp())}
        told = {"size": len(node.data) * node.repeats, "time": times}
        shown["additional"] = {wanted: told[wanted] for wanted in additional}
    return shown
