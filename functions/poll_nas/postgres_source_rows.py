"""The rows of folders and files of the NAS, in Postgres."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, class_row

from common.database import Database, queries
from common.nas.storable_name import storable
from functions.poll_nas.source_rows import (
    ABSENT,
    FAULT_ENDED,
    GONE,
    UPLOAD,
    UPLOAD_ENDED,
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

_SQL = queries(Path(__file__).with_name("source_rows.sql"))
_BATCH = 500  # files in memory at a time
_CHECK_SECONDS = 1.0  # between two checks of the lock
_NEVER = datetime(1, 1, 2, tzinfo=UTC)
_CAUSES = {
    "gone": GONE,
    "upload": UPLOAD,
    "upload_ended": UPLOAD_ENDED,
    "fault_ended": FAULT_ENDED,
}
Entry = TypeVar("Entry")


class PostgresSourceRows(SourceRows):
    """The rows in Postgres; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def lock(self) -> Iterator[Callable[[], bool] | None]:
        with self._database.transaction() as cursor:
            row = cursor.execute(_SQL["lock"]).fetchone()
            yield _HeldLock(cursor.connection) if row and row["is_locked"] else None

    def folder(self, name: str) -> SourceFolder:
        values = {"name": storable(name)}
        with self._database.transaction() as cursor:
            (found, *_) = [*_read(cursor, SourceFolder, "folder", values), None]
            if found is None or found.mark is not None:
                (found,) = _read(cursor, SourceFolder, "new_folder", values)
            return found

    def known_folders(self, names: Iterable[str]) -> list[KnownFolder]:
        with self._database.transaction() as cursor:
            return _read(cursor, KnownFolder, "known_folders", {"names": [storable(name) for name in names]})

    def record_listing(
        self, folder: SourceFolder, listed: Iterable[ListedFile], *, listed_time: datetime | None
    ) -> ListingChanges:
        values: dict[str, Any] = {"id": folder.id, "listed_time": listed_time} | _CAUSES
        with self._database.transaction() as cursor:
            cursor.execute(_SQL["create_listing"])
            files = _copy_listing(cursor, iter(listed))
            gone = cast("DictRow", cursor.execute(_SQL["gone_files"], values).fetchone())["gone"]
            cursor.execute(_SQL["changed_causes"], values)
            changed = cursor.execute(_SQL["changed_files"], values).rowcount
            new = cast("DictRow", cursor.execute(_SQL["new_files"], values).fetchone())
            values["is_quiet"] = not (gone or changed or new["found"])
            (row,) = _read(cursor, SourceFolder, "visited", values)
            left = cast("DictRow", cursor.execute(_SQL["count_waiting"], values).fetchone())
        return ListingChanges(row, files, new["found"], new["skipped"], changed, **left)

    def record_failed_visit(self, folder: SourceFolder, *, cause: str) -> None:
        self._database.run(_SQL["failed_visit"], id=folder.id, cause=cause)

    def record_present(self, names: Iterable[str]) -> int:
        values: dict[str, Any] = {"names": [storable(name) for name in names], "gone": GONE, "absent": ABSENT}
        with self._database.transaction() as cursor:
            cursor.execute(_SQL["present_folders"], values)
            closed = cursor.execute(_SQL["close_absent_folders"], values).rowcount
            cursor.execute(_SQL["closed_folders"])
            cursor.execute(_SQL["absent_folders"], values)
        return closed

    def record_unknown_marks(self, number: int) -> None:
        self._database.run(_SQL["unknown_marks"], number=number)

    def give_up_uploads(self, folder: SourceFolder) -> int:
        return self._database.run(
            _SQL["give_up_uploads"], id=folder.id, upload=UPLOAD, given_up=UPLOAD_GIVEN_UP
        )

    def waiting(self, folder: SourceFolder) -> Iterator[list[WaitingFile]]:
        values: dict[str, Any] = {"id": folder.id, "most": _BATCH, "last": 0}
        while batch := self._waiting("waiting", values):
            yield batch
            values["last"] = batch[-1].id
        values |= {"last": 0, "tried_at": _NEVER, "before": folder.looked_at}
        while batch := self._waiting("failed_copies", values):
            yield batch
            values |= {"last": batch[-1].id, "tried_at": batch[-1].tried_at}

    def _waiting(self, query: str, values: dict[str, Any]) -> list[WaitingFile]:
        with self._database.transaction() as cursor:
            return _read(cursor, WaitingFile, query, values)

    def known_keys(self, keys: Iterable[str]) -> set[str]:
        rows = self._database.all(_SQL["known_keys"], keys=list(keys))
        return {row["raw_key"] for row in rows}

    def plan_copies(self, keys: Iterable[tuple[int, str]]) -> None:
        ids, raw_keys = zip(*keys, strict=True)
        self._database.run(_SQL["plan_copies"], ids=list(ids), raw_keys=list(raw_keys))

    def record_failed_copy(self, file_id: int, *, cause: str) -> None:
        self._database.run(_SQL["failed_copy"], id=file_id, cause=cause)

    def record_copies(self, copies: Iterable[Copy]) -> None:
        rows = [(copy.file_id, copy.raw_key, copy.etag, copy.sha256) for copy in copies]
        columns = zip(("ids", "raw_keys", "etags", "sha256s"), zip(*rows, strict=True), strict=True)
        self._database.run(_SQL["copied"], **{name: list(column) for name, column in columns})

    def plan_unpacked(self, file: ArchivedFile) -> int | None:
        row = self._database.one(
            _SQL["plan_unpacked"],
            archive_id=file.archive_id,
            path=storable(file.path),
            size=file.size,
            raw_key=None if file.cause else file.raw_key,
            state="skipped" if file.cause else "waiting",
            cause=file.cause,
        )
        return row["id"] if row and row["state"] == "waiting" else None

    def record_skipped(self, file_id: int, *, cause: str, sha256: str | None = None) -> None:
        self._database.run(_SQL["skipped"], id=file_id, cause=cause, sha256=sha256)

    def plan_mark(self, folder: SourceFolder, *, mark: str) -> None:
        self._database.run(_SQL["plan_mark"], id=folder.id, mark=storable(mark))

    def planned_marks(self) -> list[SourceFolder]:
        with self._database.transaction() as cursor:
            return _read(cursor, SourceFolder, "planned_marks", {})

    def record_processed(self, folder: SourceFolder, *, mark: str | None) -> None:
        self._database.run(_SQL["processed"], id=folder.id, mark=storable(mark) if mark else None)


@dataclass
class _HeldLock:
    """Checks that the session with the lock is still alive; without it another poll may run."""

    connection: Connection[DictRow]
    checked_at: float = field(default_factory=time.monotonic)
    is_held: bool = True

    def __call__(self) -> bool:
        if self.is_held and time.monotonic() - self.checked_at > _CHECK_SECONDS:
            self.checked_at = time.monotonic()
            try:
                self.connection.execute(_SQL["alive"])
            except psycopg.Error:
                self.is_held = False
        return self.is_held


def _read(cursor: Cursor[DictRow], kind: type[Entry], query: str, values: dict[str, Any]) -> list[Entry]:
    rows = cursor.connection.cursor(row_factory=class_row(kind))
    return rows.execute(_SQL[query], values).fetchall()


def _copy_listing(cursor: Cursor[DictRow], listed: Iterator[ListedFile]) -> int:
    """Copy a listing into the database in batches; return the number of its files."""
    number = 0
    # One COPY a batch: a listing may take minutes, but a statement may not.
    while batch := list(islice(listed, _BATCH)):
        with cursor.copy(_SQL["copy_listing"]) as rows:
            for file in batch:
                rows.write_row((file.path, file.size, file.modified_at, file.cause, file.is_blocked))
        number += len(batch)
    return number
