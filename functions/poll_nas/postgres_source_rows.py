"""The rows of the NAS in Postgres."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar, cast

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, class_row

from common.database import Database, queries
from functions.poll_nas.source_rows import (
    GONE,
    Copy,
    KnownFolder,
    ListedFile,
    Look,
    SourceFolder,
    SourceRows,
    WaitingFile,
    storable,
)

_SQL = queries(Path(__file__).with_name("source_rows.sql"))
_PIECE = 500  # files in memory at a time
_LOOK_SECONDS = 1.0  # after the lock
Record = TypeVar("Record")


class PostgresSourceRows(SourceRows):
    """The rows in Postgres; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def lock(self) -> Iterator[Callable[[], bool] | None]:
        with self._database.transaction() as cursor:
            row = cursor.execute(_SQL["lock"]).fetchone()
            yield _HeldLock(cursor.connection) if row and row["mine"] else None

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

    def look(
        self, folder: SourceFolder, listed: Iterable[ListedFile], *, listed_time: datetime | None
    ) -> Look:
        values: dict[str, Any] = {"id": folder.id, "listed_time": listed_time, "cause": GONE}
        with self._database.transaction() as cursor:
            cursor.execute(_SQL["listing"])
            files = _copied_in(cursor, iter(listed))
            gone = cursor.execute(_SQL["gone_files"], values).rowcount
            changed = cursor.execute(_SQL["changed_files"], values).rowcount
            new = cast("DictRow", cursor.execute(_SQL["new_files"], values).fetchone())
            values["is_quiet"] = not (gone or changed or new["found"])
            (row,) = _read(cursor, SourceFolder, "looked", values)
            left = cast("DictRow", cursor.execute(_SQL["number_waiting"], values).fetchone())
        return Look(row, files, new["found"], new["skipped"], changed, left["waiting"])

    def record_failed_look(self, folder: SourceFolder) -> None:
        self._database.run(_SQL["failed_look"], id=folder.id)

    def waiting(self, folder: SourceFolder) -> Iterator[list[WaitingFile]]:
        values, last = {"id": folder.id, "most": _PIECE}, 0
        while True:
            with self._database.transaction() as cursor:
                piece = _read(cursor, WaitingFile, "waiting", values | {"last": last})
            if not piece:
                return
            yield piece
            last = piece[-1].id

    def plan_copies(self, keys: Iterable[tuple[int, str]]) -> None:
        numbers, raw_keys = zip(*keys, strict=True)
        self._database.run(_SQL["plan_copies"], ids=list(numbers), raw_keys=list(raw_keys))

    def record_copies(self, copies: Iterable[Copy]) -> None:
        rows = [(copy.file_id, copy.raw_key, copy.etag, copy.sha256) for copy in copies]
        columns = zip(("ids", "raw_keys", "etags", "sha256s"), zip(*rows, strict=True), strict=True)
        self._database.run(_SQL["copied"], **{name: list(column) for name, column in columns})

    def plan_unpacked(
        self, archive_id: int, *, path: str, size: int, raw_key: str, cause: str | None = None
    ) -> int | None:
        row = self._database.one(
            _SQL["plan_unpacked"],
            archive_id=archive_id,
            path=storable(path),
            size=size,
            raw_key=None if cause else raw_key,
            state="skipped" if cause else "waiting",
            cause=cause,
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
    """Whether the session that holds the lock is still there; without it another poll may run."""

    connection: Connection[DictRow]
    looked_at: float = field(default_factory=time.monotonic)
    is_held: bool = True

    def __call__(self) -> bool:
        if self.is_held and time.monotonic() - self.looked_at > _LOOK_SECONDS:
            self.looked_at = time.monotonic()
            try:
                self.connection.execute(_SQL["alive"])
            except psycopg.Error:
                self.is_held = False
        return self.is_held


def _read(cursor: Cursor[DictRow], kind: type[Record], query: str, values: dict[str, Any]) -> list[Record]:
    rows = cursor.connection.cursor(row_factory=class_row(kind))
    return rows.execute(_SQL[query], values).fetchall()


def _copied_in(cursor: Cursor[DictRow], listed: Iterator[ListedFile]) -> int:
    """Put a listing into the database piece by piece; how many files it has."""
    number = 0
    # A listing may take minutes, and a statement may not.
    while piece := list(islice(listed, _PIECE)):
        with cursor.copy(_SQL["copy_listing"]) as rows:
            for file in piece:
                rows.write_row((file.path, file.size, file.modified_at, file.cause))
        number += len(piece)
    return number
