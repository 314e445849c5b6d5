"""Access to Postgres: one pool, named queries from .sql files, and errors of the pipeline only."""

import logging
import math
import re
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, LiteralString, TypeVar, overload

import psycopg
from psycopg import Connection, Cursor
from psycopg.rows import DictRow, RowFactory, TupleRow, dict_row, tuple_row
from psycopg_pool import ConnectionPool, PoolTimeout

from common.errors import (
    ConflictError,
    DependencyAwayError,
    PermanentError,
    PipelineError,
    SettingsError,
    TransientError,
)

Row = DictRow
R = TypeVar("R")
# The pool logs connection errors with the driver's text; the health answer reports them in our words.
logging.getLogger("psycopg").setLevel(logging.CRITICAL + 1)


_CONFLICT = "U0001"  # SQLSTATE of conflicts raised by functions in schema.sql files, with their own texts
# What statements and the driver rely on, whatever the database, the role or the environment sets.
# These are no startup options, because PgBouncer refuses those.
SESSION_SETTINGS: Mapping[LiteralString, LiteralString] = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "client_encoding": "UTF8",
    "standard_conforming_strings": "on",
    "default_transaction_isolation": "read committed",
}
_STATEMENT_TIMEOUT = (
    "set_config('statement_timeout', coalesce(%s::text, current_setting('statement_timeout')), false)"
)
_PREPARE = "select " + ", ".join(
    [
        *(f"set_config('{name}', '{value}', false)" for name, value in SESSION_SETTINGS.items()),
        _STATEMENT_TIMEOUT,
    ]
)
_REFUSED_PARAMETER = re.compile(r"unsupported (?:startup parameter[^:]*: (\w+)|(options) startup parameter)")
_CONNECT_SECONDS = 5
_CHECK_SECONDS = 3.0
_FRESH_SECONDS = 1.0  # a connection that answered this recently is not checked


class LimitedConnection(Connection[Row]):
    """A connection with a time limit for each answer, also if the network hangs.

    The server's statement_timeout does not help if the connection itself hangs.
    """

    seconds = 30.0
    answered_at = -math.inf

    def wait(self, gen: Generator[Any, Any, Any], *args: Any, **kwargs: Any) -> Any:
        answer = super().wait(self._limited(gen), *args, **kwargs)
        self.answered_at = time.monotonic()
        return answer

    def _limited(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """The same exchange; the limit is checked each time the driver wakes up, several times a second."""
        deadline = time.monotonic() + self.seconds
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                if time.monotonic() > deadline and not ready:
                    self.pgconn.finish()  # after half an exchange the connection can't be used again
                    raise psycopg.OperationalError("no answer in time")
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value


def _check(connection: LimitedConnection) -> None:
    """Check a connection before its use: a restart of the server or a network fault may have broken it."""
    if time.monotonic() - connection.answered_at < _FRESH_SECONDS:
        return
    usual, connection.seconds = connection.seconds, _CHECK_SECONDS
    try:
        ConnectionPool.check_connection(connection)
    finally:
        connection.seconds = usual


@cache
def queries(path: Path) -> Mapping[str, LiteralString]:
    """The queries of a .sql file, by the names in its lines ``-- name: …``."""
    parts = path.read_text(encoding="utf-8").split("-- name: ")[1:]
    named = (part.partition("\n") for part in parts)
    return {name.strip(): text.strip() for name, _, text in named}


def prepare_session(connection: Connection[Any], *, answer_seconds: float | None = None) -> None:
    """Set the forms of values that psycopg reads, and how long a statement may take, in one round trip."""
    limit = None if answer_seconds is None else str(round(answer_seconds * 1000))
    connection.execute(_PREPARE, [limit])


@overload
def connect(url: str, *, autocommit: bool = False) -> Connection[TupleRow]: ...


@overload
def connect(url: str, *, row_factory: RowFactory[R], autocommit: bool = False) -> Connection[R]: ...


def connect(
    url: str, *, row_factory: RowFactory[Any] = tuple_row, autocommit: bool = False
) -> Connection[Any]:
    """Connect to a database outside of a pool, for the commands of an operator.

    Raises SettingsError, which names the parameter, if a pooler refuses a startup parameter, and
    psycopg.OperationalError if the server does not answer.
    """
    try:
        connection = psycopg.connect(
            url, autocommit=True, row_factory=row_factory, connect_timeout=_CONNECT_SECONDS
        )
    except psycopg.OperationalError as error:
        if found := _REFUSED_PARAMETER.search(str(error)):
            raise SettingsError(
                f"The pooler in DATABASE_URL refuses the startup parameter {found[1] or found[2]}: "
                "remove it from DATABASE_URL and the PG… variables, or add it to the pooler's "
                "ignore_startup_parameters."
            ) from None
        raise
    prepare_session(connection)  # outside of a transaction, because a rollback would undo it
    connection.autocommit = autocommit
    return connection


class Database:
    """A pool of connections to Postgres; safe to share between threads.

    Every method raises DependencyAwayError when the server does not answer, TransientError when
    another session wrote the same row first, PermanentError when a value can't be stored, and
    ConflictError when a function of the schema reports a contradiction. With `prepares`, statements that
    come again are prepared on the server, for which each connection must keep its session.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = 4,
        timeout: float = 5,
        answer_seconds: float = 30,
        prepares: bool = True,
    ) -> None:
        def configure(connection: LimitedConnection) -> None:
            connection.seconds = answer_seconds
            prepare_session(connection, answer_seconds=answer_seconds)

        self._url = url
        self._pool: ConnectionPool[LimitedConnection] = ConnectionPool(
            url,
            connection_class=LimitedConnection,
            min_size=1,
            max_size=connections,
            timeout=timeout,
            open=False,
            check=_check,
            configure=configure,
            kwargs={"row_factory": dict_row, "autocommit": True, "connect_timeout": 3}
            | ({} if prepares else {"prepare_threshold": None}),
        )

    def close(self) -> None:
        self._pool.close()

    def all(self, query: LiteralString, **values: object) -> list[Row]:
        """Every row of a query."""
        with self._cursor() as cursor:
            return cursor.execute(query, values).fetchall()

    def one(self, query: LiteralString, **values: object) -> Row | None:
        """The first row of a query, or None."""
        with self._cursor() as cursor:
            return cursor.execute(query, values).fetchone()

    def run(self, query: LiteralString, **values: object) -> int:
        """Run a statement; returns the number of rows that it changed."""
        with self._cursor() as cursor:
            return cursor.execute(query, values).rowcount

    @contextmanager
    def transaction(self) -> Iterator[Cursor[Row]]:
        """A cursor inside one transaction, committed at the end."""
        with self._cursor() as cursor, cursor.connection.transaction():
            yield cursor

    @contextmanager
    def session(self) -> Iterator[LimitedConnection]:
        """A connection for code that commits itself; what is not committed at the end is rolled back."""
        with _database_errors(self._url):
            self._pool.open()
            with self._pool.connection() as connection:
                connection.autocommit = False
                try:
                    yield connection
                finally:
                    if not connection.closed:
                        connection.rollback()
                        connection.autocommit = True

    @contextmanager
    def snapshot(self) -> Iterator[LimitedConnection]:
        """A connection for reading; all queries see the database as it is at the first one."""
        with self.session() as connection:
            connection.execute("set transaction isolation level repeatable read, read only")
            yield connection

    @contextmanager
    def _cursor(self) -> Iterator[Cursor[Row]]:
        """A cursor in autocommit mode: no round trips for begin and commit."""
        with _database_errors(self._url):
            self._pool.open()
            with self._pool.connection() as connection, connection.cursor() as cursor:
                yield cursor

    @contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Hold an advisory lock for the block; yields False if another session has it."""
        with self.transaction() as cursor:
            cursor.execute("select pg_try_advisory_xact_lock(hashtext(%s)) as is_locked", [name])
            row = cursor.fetchone()
            yield bool(row and row["is_locked"])

    def ping(self) -> None:
        """Raise unless the server answers."""
        self.one("select 1 as alive")


@contextmanager
def _database_errors(url: str) -> Iterator[None]:
    """Turn errors of psycopg into errors of the pipeline, without their texts, which may quote values."""
    try:
        yield
    except PipelineError:
        raise
    except PoolTimeout:
        _raise_refusal(url)
        raise DependencyAwayError("The database does not answer; see DATABASE_URL.") from None
    except psycopg.errors.UniqueViolation as error:
        # Statements whose rows may exist say "on conflict"; here another worker inserted the row just now.
        name = error.diag.constraint_name
        raise TransientError(f"Another worker wrote the same row at the same moment ({name}).") from None
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        name = error.diag.constraint_name or type(error).__name__
        raise PermanentError(f"The database refused a value ({name}).") from None
    except psycopg.Error as error:
        if error.sqlstate == _CONFLICT:
            raise ConflictError(error.diag.message_primary or "", error.diag.message_hint or "") from None
        raise DependencyAwayError(f"The database failed ({type(error).__name__}).") from None


def _raise_refusal(url: str) -> None:
    """Raise SettingsError if a pooler refuses connections; psycopg's pool does not say why it has none."""
    with suppress(psycopg.Error):
        connect(url).close()
