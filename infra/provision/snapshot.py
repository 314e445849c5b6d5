"""A read-only snapshot of the database, for what is shown to people."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.rows import DictRow, dict_row

from common.database import connect


@contextmanager
def read_snapshot(url: str) -> Iterator[psycopg.Connection[DictRow]]:
    """Connect for reading; all queries see the database as it is at the first one."""
    with connect(url, row_factory=dict_row) as connection:
        connection.execute("set transaction isolation level repeatable read, read only")
        yield connection
