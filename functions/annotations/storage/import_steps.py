"""Runs the statements of an import one after the other, in one transaction."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from psycopg import Cursor

from common.database import Row, queries

_FOLDER = Path(__file__).parent
_SQL = {
    name: query
    for file in ("label_rows.sql", "direct_import.sql", "staged_import.sql")
    for name, query in queries(_FOLDER / file).items()
}


class Steps:
    """The statements of one transaction, by name; the heartbeat is called after each of them."""

    def __init__(self, cursor: Cursor[Row], heartbeat: Callable[[], None]) -> None:
        self._cursor, self.heartbeat = cursor, heartbeat

    def __call__(self, name: str, values: dict[str, Any] | None = None) -> Cursor[Row]:
        cursor = self._cursor.execute(_SQL[name], values)
        self.heartbeat()
        return cursor

    def copy(self, name: str, batches: Iterable[str]) -> None:
        """Copy text into a table.

        The server waits for the text, so it has more time than for a statement. It ends the copy, too, once
        the client has given up: the client's limit is for each piece, and it closes the connection.
        """
        self._cursor.execute(_SQL["begin_copy"])
        with self._cursor.copy(_SQL[name]) as copy:
            for batch in batches:
                copy.write(batch)
        self._cursor.execute(_SQL["end_copy"])

    def lines(self, name: str) -> Iterator[int]:
        """The numbers that a statement copies out; only a few of them are in memory at a time."""
        with self._cursor.copy(_SQL[name]) as copy:
            yield from (int(row[0]) for row in copy.rows())

    def savepoint(self) -> AbstractContextManager[object]:
        """A block whose statements are undone if it raises."""
        return self._cursor.connection.transaction()

    def one(self, name: str, values: dict[str, Any] | None = None) -> Row:
        """The row of a statement that returns one row."""
        row = self(name, values).fetchone()
        return row if row is not None else {}
