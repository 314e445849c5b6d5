"""The source rows under test, in memory or in Postgres, and direct reads of their table."""

from datetime import UTC, datetime
from typing import Any

from common.database import Database
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from functions.poll_nas.source_rows import Copy, ListedFile, ListingChanges, SourceRows, WaitingFile
from tests.in_memory.source_rows import InMemorySourceRows

TIME = datetime(2024, 3, 1, 12, 30, 15, 250001, UTC)
FILE = ListedFile("a/b.dcm", 7, TIME)
_FILES = "select id, path, version, state, cause, replaces from source_file order by path, version"


class Sources:
    """The rows of a test; `database` is None for those in memory."""

    def __init__(self, database: Database | None) -> None:
        self.rows: SourceRows = InMemorySourceRows() if database is None else PostgresSourceRows(database)
        self._database = database

    def list_files(self, *files: ListedFile, folder: str = "folder") -> ListingChanges:
        """Record a listing of a folder."""
        return self.rows.record_listing(self.rows.folder(folder), iter(files), listed_time=None)

    def waiting(self, folder: str = "folder") -> list[WaitingFile]:
        """The files of a folder that wait to be copied."""
        return [file for batch in self.rows.waiting(self.rows.folder(folder)) for file in batch]

    def copy(self, file: WaitingFile) -> None:
        """Record a verified copy of a file."""
        self.rows.record_copies([Copy(file.id, f"k{file.id}", "e", "s")])

    def states(self) -> dict[str, tuple[Any, ...]]:
        """Version, state and cause of the newest row of each path."""
        return {file["path"]: (file["version"], file["state"], file["cause"]) for file in self._files()}

    def replaced(self) -> dict[int, int | None]:
        """The row that each row replaces, by id."""
        return {file["id"]: file["replaces"] for file in self._files()}

    def unknown_marks(self) -> int | None:
        """How many folders had the mark and no row at the last poll."""
        if isinstance(self.rows, InMemorySourceRows):
            return self.rows.unknown_marks
        assert self._database is not None
        row = self._database.one("select unknown_marks from nas_root")
        return None if row is None else int(row["unknown_marks"])

    def _files(self) -> list[dict[str, Any]]:
        if isinstance(self.rows, InMemorySourceRows):
            files = [file for files in self.rows.files_of.values() for file in files.values()]
            return [vars(file) for file in sorted(files, key=lambda file: file.version)]
        assert self._database is not None
        return self._database.all(_FILES)
