"""Rows of what was found on the NAS, in memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock

from common.nas import NasFile
from functions.poll_nas.source_rows import FoundFile, SourceFile, SourceFolder, SourceRows, storable


@dataclass(frozen=True)
class CopiedFile:
    """Where a file lies in raw."""

    raw_key: str
    etag: str
    sha256: str


@dataclass
class InMemorySourceRows(SourceRows):
    """Folders and files by id."""

    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    folders: dict[int, SourceFolder] = field(default_factory=dict)
    files_of: dict[int, dict[int, SourceFile]] = field(default_factory=dict)  # by folder, by file
    causes: dict[int, str] = field(default_factory=dict)  # why a file is skipped
    planned_keys: dict[int, str] = field(default_factory=dict)
    copies: dict[int, CopiedFile] = field(default_factory=dict)
    marks: dict[int, str] = field(default_factory=dict)  # planned, by folder
    _lock: Lock = field(default_factory=Lock)

    @contextmanager
    def lock(self) -> Iterator[bool]:
        mine = self._lock.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                self._lock.release()

    def folder(self, name: str) -> SourceFolder:
        name = storable(name)
        known = [folder for folder in self.folders.values() if folder.name == name]
        newest = max(known, key=lambda folder: folder.generation, default=None)
        if newest is not None and newest.mark is None:
            return newest
        number, now = len(self.folders) + 1, self.clock()
        generation = newest.generation + 1 if newest else 1
        self.folders[number] = SourceFolder(number, name, generation, now, now, None, None)
        self.files_of[number] = {}
        return self.folders[number]

    def files(self, folder: SourceFolder) -> list[SourceFile]:
        newest: dict[str, SourceFile] = {}
        for file in sorted(self.files_of[folder.id].values(), key=lambda file: file.version):
            newest[file.path] = file
        return [newest[path] for path in sorted(newest)]

    def record_look(
        self,
        folder: SourceFolder,
        found: Iterable[FoundFile],
        changed: Iterable[tuple[int, NasFile]],
        gone: Iterable[int],
    ) -> SourceFolder:
        files, now, is_quiet = self.files_of[folder.id], self.clock(), True
        for number in gone:
            is_quiet = False
            if files[number].state == "waiting":
                self.causes[number] = "gone from the NAS before it was copied"
                files[number] = replace(files[number], state="skipped")
        for each in found:
            is_quiet = False
            number = sum(map(len, self.files_of.values())) + 1
            state, file = "skipped" if each.cause else "waiting", each.file
            files[number] = SourceFile(
                number, storable(file.path), each.version, file.size, file.modified_at, state
            )
            if each.cause:
                self.causes[number] = each.cause
        for number, file in changed:
            is_quiet = False
            if files[number].state == "waiting":
                files[number] = replace(files[number], size=file.size, modified_at=file.modified_at)
        quiet_since = self.folders[folder.id].quiet_since if is_quiet else now
        return self._changed(folder, looked_at=now, quiet_since=quiet_since)

    def plan_copy(self, file_id: int, *, raw_key: str) -> None:
        self.planned_keys[file_id] = raw_key

    def record_copy(self, file_id: int, *, raw_key: str, etag: str, sha256: str) -> None:
        for files in self.files_of.values():
            if file_id in files:
                files[file_id] = replace(files[file_id], state="copied")
        self.copies[file_id] = CopiedFile(raw_key, etag, sha256)

    def plan_mark(self, folder: SourceFolder, *, mark: str) -> None:
        self.marks[folder.id] = storable(mark)

    def planned_marks(self) -> list[SourceFolder]:
        return [
            replace(self.folders[number], mark=mark)
            for number, mark in self.marks.items()
            if self.folders[number].processed_at is None
        ]

    def record_processed(self, folder: SourceFolder, *, mark: str | None) -> None:
        self._changed(folder, processed_at=self.clock(), mark=storable(mark) if mark else None)

    def _changed(self, folder: SourceFolder, **values: object) -> SourceFolder:
        self.folders[folder.id] = replace(self.folders[folder.id], **values)  # type: ignore[arg-type]
        return self.folders[folder.id]
