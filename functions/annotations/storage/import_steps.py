"""The statements that keep a label file, one after the other in one transaction."""

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from psycopg import Cursor

from common.database import Row, queries

_SQL = queries(Path(__file__).with_name("label_rows.sql"))


class Steps:
    """The statements of one transaction; whoever waits for it is told in between that it goes on."""

    def __init__(self, cursor: Cursor[Row], renew: Callable[[], None]) -> None:
        self._cursor, self.renew = cursor, renew

    def __call__(self, name: str, values: dict[str, Any] | None = None) -> Cursor[Row]:
        done = self._cursor.execute(_SQL[name], values)
        self.renew()
        return done

    def copy(self, name: str, batches: Iterable[str]) -> None:
        """Copy text into a table."""
        with self._cursor.copy(_SQL[name]) as copy:
            for batch in batches:
                copy.write(batch)

    def all_or_nothing(self) -> AbstractContextManager[object]:
        """A block whose statements count together, or not at all if it raises."""
        return self._cursor.connection.transaction()

    def one(self, name: str, values: dict[str, Any] | None = None) -> Row:
        """The row of a statement that has one."""
        row = self(name, values).fetchone()
        return row if row is not None else {}
