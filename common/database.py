"""The database: one pool, queries by name from .sql files, and errors of ours only."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from common.errors import DependencyAwayError, PermanentError, PipelineError

Row = DictRow
# The pool logs connection errors with the driver's text; the health answer tells them in ours.
logging.getLogger("psycopg").setLevel(logging.CRITICAL + 1)


@cache
def queries(path: Path) -> Mapping[str, LiteralString]:
    """The queries of a .sql file, by the name after each ``-- name:``."""
    parts = path.read_text(encoding="utf-8").split("-- name: ")[1:]
    named = (part.partition("\n") for part in parts)
    return {name.strip(): text.strip() for name, _, text in named}


class Database:
    """A pool of connections to Postgres; safe to share between threads.

    Every method raises DependencyAwayError when the server does not answer.
    """

    def __init__(self, url: str, *, connections: int = 4, timeout: float = 5) -> None:
        self._pool: ConnectionPool[Connection[Row]] = ConnectionPool(
            url,
            min_size=1,
            max_size=connections,
            timeout=timeout,
            open=False,
            # A server that was restarted leaves dead connections behind; look before use.
            check=ConnectionPool.check_connection,
            kwargs={
                "row_factory": dict_row,
                "connect_timeout": 3,
                "options": "-c statement_timeout=30s -c timezone=UTC",
            },
        )

    def close(self) -> None:
        self._pool.close()

    def all(self, query: LiteralString, **values: object) -> list[Row]:
        """Every row of a query."""
        with self.transaction() as cursor:
            return cursor.execute(query, values).fetchall()

    def one(self, query: LiteralString, **values: object) -> Row | None:
        """The first row of a query, or None."""
        with self.transaction() as cursor:
            return cursor.execute(query, values).fetchone()

    def run(self, query: LiteralString, **values: object) -> int:
        """Run a statement; returns how many rows it touched."""
        with self.transaction() as cursor:
            return cursor.execute(query, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[Cursor[Row]]:
        """A cursor inside one transaction, committed at the end."""
        with _database_errors():
            self._pool.open()
            with self._pool.connection() as connection, connection.cursor() as cursor:
                yield cursor

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Hold an advisory lock of that name; False if another session has it."""
        with self.transaction() as cursor:
            cursor.execute("select pg_try_advisory_xact_lock(hashtext(%s)) as mine", [name])
            row = cursor.fetchone()
            yield bool(row and row["mine"])

    def ping(self) -> None:
        """Raise unless the server answers."""
        self.one("select 1 as alive")


@contextmanager
def _database_errors() -> Iterator[None]:
    """Turn the driver's errors into ours; their texts may quote values, so none is passed on."""
    try:
        yield
    except PipelineError:
        raise
    except PoolTimeout:
        raise DependencyAwayError("The database does not answer; see DATABASE_URL.") from None
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        name = error.diag.constraint_name or type(error).__name__
        raise PermanentError(f"The database refused a value ({name}).") from None
    except psycopg.Error as error:
        raise DependencyAwayError(f"The database failed ({type(error).__name__}).") from None
