"""Rows of what was found on the NAS, in memory."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from common.nas.storable_name import storable
from common.store.object_key import RAW, Location
from common.store.object_store import ObjectVersion
from functions.poll_nas.source_rows import (
    GONE,
    UPLOAD,
    UPLOAD_GIVEN_UP,
    ArchivedFile,
    Copy,
    KnownFolder,
    ListedFile,
    ListingChanges,
    SourceFolder,
    SourceRows,
    WaitingFile,
)
from tests.in_memory.ledger import LedgerTable
from tests.in_memory.source_files import SourceFile, as_listed, gone_cause, is_changed, is_gone, is_news


@dataclass
class InMemorySourceRows(SourceRows):
    """Folders and files by id."""

    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    folders: dict[int, SourceFolder] = field(default_factory=dict)
    files_of: dict[int, dict[int, SourceFile]] = field(default_factory=dict)  # by folder, by file
    digests: dict[int, str] = field(default_factory=dict)  # of archives
    archive_of: dict[int, int] = field(default_factory=dict)  # of unpacked files, by number
    planned_keys: dict[int, str] = field(default_factory=dict)
    copies: dict[int, Copy] = field(default_factory=dict)
    marks: dict[int, str] = field(default_factory=dict)  # planned, by folder
    folder_causes: dict[int, str] = field(default_factory=dict)  # of the last failed visit, by folder
    absent: set[int] = field(default_factory=set)  # folders that the last listing of the root lacked
    unknown_marks: int | None = None  # marked folders that no row has
    ledger: LedgerTable | None = None  # where what was copied is announced
    _lock: Lock = field(default_factory=Lock)
    _change: Lock = field(default_factory=Lock)

    @property
    def causes(self) -> dict[int, str]:
        """Why files are skipped, for tests."""
        files = [file for files in self.files_of.values() for file in files.values()]
        return {file.id: file.cause for file in files if file.cause}

    @contextmanager
    def lock(self) -> Iterator[Callable[[], bool] | None]:
        mine = self._lock.acquire(blocking=False)
        try:
            yield (lambda: True) if mine else None
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
        wanted = {storable(name) for name in names}
        known: dict[tuple[str | None, str], SourceFolder] = {}
        for folder in sorted(self.folders.values(), key=lambda folder: folder.generation):
            if (folder.mark or folder.name) in wanted:
                known[folder.mark, folder.name] = folder
        return [KnownFolder(**vars(folder), has_waiting=self._waits(folder)) for folder in known.values()]

    def _waits(self, folder: SourceFolder) -> bool:
        return any(file.state == "waiting" for file in self.files_of[folder.id].values())

    def files(self, folder: SourceFolder) -> list[SourceFile]:
        """The newest row of each path, for tests."""
        newest: dict[str, SourceFile] = {}
        own = [file for file in self.files_of[folder.id].values() if file.id not in self.archive_of]
        for file in sorted(own, key=lambda file: file.version):
            newest[file.path] = file
        return [newest[path] for path in sorted(newest)]

    def record_listing(
        self, folder: SourceFolder, listed: Iterable[ListedFile], *, listed_time: datetime | None
    ) -> ListingChanges:
        began, listing = self.clock(), {file.path: file for file in listed}
        newest = {file.path: file for file in self.files(folder)}
        gone = [file for file in newest.values() if is_gone(file, listing)]
        changed = [file for file in newest.values() if is_changed(file, listing.get(file.path))]
        news = [file for file in listing.values() if is_news(newest.get(file.path), file)]
        for file in gone:
            self._close(file, gone_cause(file))
        for file in newest.values():
            if file.state == "waiting" and file.path in listing:
                self._put(as_listed(file, listing[file.path]))
        for file in news:
            self._add(folder, file)
        quiet_since = self.folders[folder.id].quiet_since
        is_quiet = not (gone or changed or news) and quiet_since <= began
        quiet_since = quiet_since if is_quiet else self.clock()
        row = self._changed(folder, looked_at=began, quiet_since=quiet_since, listed_time=listed_time)
        self.folder_causes.pop(folder.id, None)
        skipped = sum(file.cause is not None and not file.is_blocked for file in news)
        return ListingChanges(
            row, len(listing), len(news), skipped, len(changed), **self._count_waiting(folder)
        )

    def _count_waiting(self, folder: SourceFolder) -> dict[str, Any]:
        left = [file for file in self.files(folder) if file.state == "waiting"]
        causes = [file.cause for file in left if file.blocked]
        return {"waiting": len(left), "blocked": len(causes), "cause": max(causes, default=None)}

    def _close(self, file: SourceFile, cause: str) -> None:
        """Skip a waiting file, and those unpacked from it."""
        self._put(replace(file, state="skipped", cause=cause, blocked=False))
        for each in list(self.files_of[file.folder_id].values()):
            if self.archive_of.get(each.id) == file.id and each.state == "waiting":
                self._put(replace(each, state="skipped", cause=GONE))

    def record_unknown_marks(self, number: int) -> None:
        self.unknown_marks = number

    def record_present(self, names: Iterable[str]) -> int:
        present, closed = {storable(name) for name in names}, 0
        for folder in self.folders.values():
            waiting = [file for file in self.files_of[folder.id].values() if file.state == "waiting"]
            if (folder.mark or folder.name) in present:
                self.absent.discard(folder.id)
            elif folder.id in self.absent:
                closed += len(waiting)
                for file in waiting:
                    self._close(file, GONE)
            elif waiting and folder.name:
                self.absent.add(folder.id)
        return closed

    def give_up_uploads(self, folder: SourceFolder) -> int:
        uploads = [file for file in self.files(folder) if file.state == "waiting" and file.cause == UPLOAD]
        for file in uploads:
            self._close(file, UPLOAD_GIVEN_UP)
        return len(uploads)

    def _add(self, folder: SourceFolder, file: ListedFile) -> None:
        number = sum(map(len, self.files_of.values())) + 1
        before = [each for each in self._of_name(folder.name) if each.path == file.path]
        own = [each.version for each in before if each.folder_id == folder.id]
        self.files_of[folder.id][number] = SourceFile(
            number,
            folder.id,
            file.path,
            max(own, default=0) + 1,
            file.size,
            file.modified_at,
            "skipped" if file.cause and not file.is_blocked else "waiting",
            file.cause,
            max((each.id for each in before), default=None),
            file.is_blocked,
        )

    def _of_name(self, name: str) -> list[SourceFile]:
        folders = [folder.id for folder in self.folders.values() if folder.name == name]
        return [file for number in folders for file in self.files_of[number].values()]

    def _put(self, file: SourceFile) -> None:
        self.files_of[file.folder_id][file.id] = file

    def record_failed_visit(self, folder: SourceFolder, *, cause: str) -> None:
        self._changed(folder, looked_at=self.clock())
        self.folder_causes[folder.id] = cause

    def waiting(self, folder: SourceFolder) -> Iterator[list[WaitingFile]]:
        waiting = [file for file in self.files(folder) if file.state == "waiting" and not file.blocked]
        fresh = [file for file in waiting if file.tried_at is None]
        failed = [
            file
            for file in waiting
            if file.tried_at and not folder.looked_at <= file.tried_at <= self.clock()
        ]
        for files in (
            sorted(fresh, key=lambda file: file.id),
            sorted(failed, key=lambda file: (file.tried_at, file.id)),
        ):
            if files:
                yield [
                    WaitingFile(file.id, file.path, file.version, file.size, file.modified_at, file.tried_at)
                    for file in files
                ]

    def record_failed_copy(self, file_id: int, *, cause: str) -> None:
        files = self._files_with(file_id)
        files[file_id] = replace(files[file_id], cause=cause, tried_at=self.clock())

    def known_keys(self, keys: Iterable[str]) -> set[str]:
        return {*self.planned_keys.values()}.intersection(keys)

    def plan_copies(self, keys: Iterable[tuple[int, str]]) -> None:
        self.planned_keys.update(keys)

    def record_copies(self, copies: Iterable[Copy]) -> None:
        for copy in copies:
            files = self._files_with(copy.file_id)
            files[copy.file_id] = replace(files[copy.file_id], state="copied", cause=None)
            self.copies[copy.file_id] = copy
            if self.ledger is not None:
                location = Location(RAW, copy.raw_key)
                self.ledger.announce("extract", ObjectVersion(location, copy.etag, files[copy.file_id].size))

    def plan_unpacked(self, file: ArchivedFile) -> int | None:
        with self._change:
            files = self._files_with(file.archive_id)
            archive = files[file.archive_id]
            version = archive.version
            known = next(
                (row for row in files.values() if (row.path, row.version) == (file.path, version)), None
            )
            if known and known.id not in self.archive_of:
                return None
            state = (known.state, known.size, known.modified_at) if known else None
            if state == ("copied", file.size, archive.modified_at):
                return None
            number = known.id if known else sum(map(len, self.files_of.values())) + 1
            files[number] = SourceFile(
                number,
                archive.folder_id,
                storable(file.path),
                version,
                file.size,
                archive.modified_at,
                "skipped" if file.cause else "waiting",
                file.cause,
            )
            self.archive_of[number] = file.archive_id
            if file.cause is None:
                self.planned_keys[number] = file.raw_key
            return None if file.cause else number

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
