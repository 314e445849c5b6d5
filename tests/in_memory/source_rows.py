"""Rows of what was found on the NAS, in memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock

from common.nas import NasFile
from functions.poll_nas.source_rows import (
    GONE,
    FoundFile,
    KnownFolder,
    SourceFile,
    SourceFolder,
    SourceRows,
    storable,
)


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
    digests: dict[int, str] = field(default_factory=dict)  # of archives
    archive_of: dict[int, int] = field(default_factory=dict)  # of unpacked files, by number
    planned_keys: dict[int, str] = field(default_factory=dict)
    copies: dict[int, CopiedFile] = field(default_factory=dict)
    marks: dict[int, str] = field(default_factory=dict)  # planned, by folder
    _lock: Lock = field(default_factory=Lock)
    _change: Lock = field(default_factory=Lock)

    @property
    def causes(self) -> dict[int, str]:
        """Why files are skipped, for tests to look at."""
        files = [file for files in self.files_of.values() for file in files.values()]
        return {file.id: file.cause for file in files if file.cause}

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
        self.folders[number] = SourceFolder(number, name, generation, now, now, None, None, None)
        self.files_of[number] = {}
        return self.folders[number]

    def known_folders(self, names: Iterable[str]) -> list[KnownFolder]:
        asked = {storable(name) for name in names}
        known: dict[tuple[str | None, str], SourceFolder] = {}
        for folder in sorted(self.folders.values(), key=lambda folder: folder.generation):
            if (folder.mark or folder.name) in asked:
                known[folder.mark, folder.name] = folder
        return [KnownFolder(**vars(folder), has_waiting=self._waits(folder)) for folder in known.values()]

    def _waits(self, folder: SourceFolder) -> bool:
        return any(file.state == "waiting" for file in self.files_of[folder.id].values())

    def files(self, folder: SourceFolder) -> list[SourceFile]:
        newest: dict[str, SourceFile] = {}
        own = [file for file in self.files_of[folder.id].values() if file.id not in self.archive_of]
        for file in sorted(own, key=lambda file: file.version):
            newest[file.path] = file
        return [newest[path] for path in sorted(newest)]

    def record_look(
        self,
        folder: SourceFolder,
        found: Iterable[FoundFile],
        changed: Iterable[tuple[int, NasFile]],
        gone: Iterable[int],
        *,
        listed_time: datetime | None = None,
    ) -> SourceFolder:
        files, now, is_quiet = self.files_of[folder.id], self.clock(), True
        for number in gone:
            is_quiet = False
            if files[number].state == "waiting":
                files[number] = replace(files[number], state="skipped", cause=GONE)
        for each in found:
            is_quiet = False
            number = sum(map(len, self.files_of.values())) + 1
            state, file = "skipped" if each.cause else "waiting", each.file
            path = storable(file.path)
            files[number] = SourceFile(
                number, path, each.version, file.size, file.modified_at, state, each.cause
            )
        for number, file in changed:
            is_quiet = False
            if files[number].state == "waiting":
                files[number] = replace(files[number], size=file.size, modified_at=file.modified_at)
        quiet_since = self.folders[folder.id].quiet_since
        quiet_since = quiet_since if is_quiet and quiet_since <= now else now
        return self._changed(folder, looked_at=now, quiet_since=quiet_since, listed_time=listed_time)

    def plan_copy(self, file_id: int, *, raw_key: str) -> None:
        self.planned_keys[file_id] = raw_key

    def record_copy(self, file_id: int, *, raw_key: str, etag: str, sha256: str) -> None:
        files = self._files_with(file_id)
        files[file_id] = replace(files[file_id], state="copied")
        self.copies[file_id] = CopiedFile(raw_key, etag, sha256)

    def plan_unpacked(
        self, archive_id: int, *, path: str, size: int, raw_key: str, cause: str | None = None
    ) -> int | None:
        with self._change:
            files = self._files_with(archive_id)
            archive = files[archive_id]
            known = [file for file in files.values() if (file.path, file.version) == (path, archive.version)]
            if known and known[0].id not in self.archive_of:
                return None
            if known and (known[0].state, known[0].size, known[0].modified_at) == (
                "copied",
                size,
                archive.modified_at,
            ):
                return None
            number = known[0].id if known else sum(map(len, self.files_of.values())) + 1
            state = "skipped" if cause else "waiting"
            files[number] = SourceFile(
                number, storable(path), archive.version, size, archive.modified_at, state, cause
            )
            self.archive_of[number] = archive_id
            if cause is None:
                self.planned_keys[number] = raw_key
            return None if cause else number

    def record_skipped(self, file_id: int, *, cause: str, sha256: str | None = None) -> None:
        files = self._files_with(file_id)
        files[file_id] = replace(files[file_id], state="skipped", cause=cause)
        if sha256 is not None:
            self.digests[file_id] = sha256

    def _files_with(self, file_id: int) -> dict[int, SourceFile]:
        return next(files for files in self.files_of.values() if file_id in files)

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
