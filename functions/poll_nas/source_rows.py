"""Rows of what was found on the NAS; the poll's state lives here, not on the NAS."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, cast

from psycopg.rows import class_row

from common.database import Database, queries
from common.nas import NasFile

_SQL = queries(Path(__file__).with_suffix(".sql"))
GONE = "gone from the NAS before it was copied"


@dataclass(frozen=True)
class SourceFolder:
    """One folder as found on the NAS."""

    id: int
    name: str
    generation: int  # counts folders under the same name
    quiet_since: datetime  # since when every look found the same
    looked_at: datetime
    listed_time: datetime | None  # its own time of change on the NAS at the last look
    processed_at: datetime | None
    mark: str | None  # its name on the NAS since it was processed


@dataclass(frozen=True)
class KnownFolder(SourceFolder):
    """A folder that a listing of the root shows again."""

    has_waiting: bool  # whether any file of it is still to be copied


@dataclass(frozen=True)
class SourceFile:
    """One content of a file as found on the NAS."""

    id: int
    path: str  # below its folder
    version: int  # counts contents under the same path
    size: int  # bytes
    modified_at: datetime
    state: str  # waiting, copied, skipped
    cause: str | None = None  # why it is skipped


@dataclass(frozen=True)
class FoundFile:
    """A file in a listing that its folder's rows don't have yet."""

    file: NasFile
    version: int
    cause: str | None  # why it is skipped; None if it is to be copied


class SourceRows(Protocol):
    """What the polls have found so far."""

    def lock(self) -> AbstractContextManager[bool]:
        """Hold the poll's lock; False if another poll runs."""

    def folder(self, name: str) -> SourceFolder:
        """The folder's newest row, made if it is new or the last one was marked away."""

    def known_folders(self, names: Iterable[str]) -> list[KnownFolder]:
        """What is known of folders by their names on the NAS: those not marked, and the marked ones."""

    def files(self, folder: SourceFolder) -> list[SourceFile]:
        """The newest row of each path of a folder; none of what was unpacked from an archive."""

    def record_look(
        self,
        folder: SourceFolder,
        found: Iterable[FoundFile],
        changed: Iterable[tuple[int, NasFile]],
        gone: Iterable[int],
        *,
        listed_time: datetime | None = None,
    ) -> SourceFolder:
        """Keep what a look found new, and waiting files that changed or are gone.

        Returns the folder; `quiet_since` is now if anything was found.
        """

    def record_copy(self, file_id: int, *, raw_key: str, etag: str, sha256: str) -> None:
        """A file is verified in raw."""

    def plan_copy(self, file_id: int, *, raw_key: str) -> None:
        """Where a file is about to be copied to, known before its event can come."""

    def plan_unpacked(
        self, archive_id: int, *, path: str, size: int, raw_key: str, cause: str | None = None
    ) -> int | None:
        """A file within an archive, about to be copied or skipped with a cause.

        Returns its number, or None if there is nothing left to do for it.
        """

    def record_skipped(self, file_id: int, *, cause: str, sha256: str | None = None) -> None:
        """A file of which nothing, or nothing more, is copied."""

    def plan_mark(self, folder: SourceFolder, *, mark: str) -> None:
        """The name the folder is about to get on the NAS."""

    def planned_marks(self) -> list[SourceFolder]:
        """Folders that were about to be renamed; `mark` is the planned name."""

    def record_processed(self, folder: SourceFolder, *, mark: str | None) -> None:
        """Every file of the folder is in raw; `mark` is its name on the NAS from now on."""


class PostgresSourceRows(SourceRows):
    """The rows in Postgres."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def lock(self) -> AbstractContextManager[bool]:
        return self._database.lock("poll_nas")

    def folder(self, name: str) -> SourceFolder:
        with self._database.transaction() as cursor:
            rows = cursor.connection.cursor(row_factory=class_row(SourceFolder))
            values = {"name": storable(name)}
            found = rows.execute(_SQL["folder"], values).fetchone()
            if found is None or found.mark is not None:
                found = rows.execute(_SQL["new_folder"], values).fetchone()
            return cast("SourceFolder", found)

    def known_folders(self, names: Iterable[str]) -> list[KnownFolder]:
        with self._database.transaction() as cursor:
            rows = cursor.connection.cursor(row_factory=class_row(KnownFolder))
            values = {"names": [storable(name) for name in names]}
            return rows.execute(_SQL["known_folders"], values).fetchall()

    def files(self, folder: SourceFolder) -> list[SourceFile]:
        with self._database.transaction() as cursor:
            rows = cursor.connection.cursor(row_factory=class_row(SourceFile))
            return rows.execute(_SQL["files"], {"folder_id": folder.id}).fetchall()

    def record_look(
        self,
        folder: SourceFolder,
        found: Iterable[FoundFile],
        changed: Iterable[tuple[int, NasFile]],
        gone: Iterable[int],
        *,
        listed_time: datetime | None = None,
    ) -> SourceFolder:
        new = [
            {
                "folder_id": folder.id,
                "path": storable(each.file.path),
                "version": each.version,
                "size": each.file.size,
                "modified_at": each.file.modified_at,
                "state": "skipped" if each.cause else "waiting",
                "cause": each.cause,
            }
            for each in found
        ]
        other = [
            {"id": file_id, "size": file.size, "modified_at": file.modified_at} for file_id, file in changed
        ]
        lost = list(gone)
        with self._database.transaction() as cursor:
            cursor.execute(_SQL["gone_files"], {"ids": lost, "cause": GONE})
            if new:
                cursor.executemany(_SQL["new_file"], new)
            if other:
                cursor.executemany(_SQL["changed_file"], other)
            rows = cursor.connection.cursor(row_factory=class_row(SourceFolder))
            is_quiet = not (new or other or lost)
            values = {"id": folder.id, "is_quiet": is_quiet, "listed_time": listed_time}
            looked = rows.execute(_SQL["looked"], values).fetchone()
            return cast("SourceFolder", looked)

    def plan_copy(self, file_id: int, *, raw_key: str) -> None:
        self._database.run(_SQL["plan_copy"], id=file_id, raw_key=raw_key)

    def record_copy(self, file_id: int, *, raw_key: str, etag: str, sha256: str) -> None:
        self._database.run(_SQL["copied"], id=file_id, raw_key=raw_key, etag=etag, sha256=sha256)

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

    def record_processed(self, folder: SourceFolder, *, mark: str | None) -> None:
        self._database.run(_SQL["processed"], id=folder.id, mark=storable(mark) if mark else None)

    def plan_mark(self, folder: SourceFolder, *, mark: str) -> None:
        self._database.run(_SQL["plan_mark"], id=folder.id, mark=storable(mark))

    def planned_marks(self) -> list[SourceFolder]:
        with self._database.transaction() as cursor:
            rows = cursor.connection.cursor(row_factory=class_row(SourceFolder))
            return rows.execute(_SQL["planned_marks"]).fetchall()


def storable(name: str) -> str:
    """A name as text Postgres takes: bytes that were no Unicode become backslash escapes.

    Two names never become one: a backslash of the name's own is doubled.
    """
    doubled = name.replace("\\", "\\\\")
    return doubled.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
