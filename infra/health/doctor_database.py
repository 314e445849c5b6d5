"""Tries whether values of every type that is used come back from the database as they were sent."""

from datetime import UTC, date, datetime, timedelta
from typing import LiteralString
from uuid import UUID

from psycopg import Connection, sql
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from common.database import connect
from common.errors import PipelineError

_OLDEST = 13
# A value of each type; its text would change if the server wrote fewer digits, or another form.
_VALUES: dict[LiteralString, object] = {
    "text": "é%\\",
    "text[]": ["a", "b c", None],
    "boolean": True,
    "int": -1,
    "bigint": 2**40,
    "bigint[]": [1, 2**40],
    "real": 1.2345678,
    "float8": 0.1 + 0.2,
    "timestamptz": datetime(2024, 3, 1, 12, 0, 0, 1, tzinfo=UTC),
    "timestamptz[]": [datetime(2024, 3, 1, 12, tzinfo=UTC)],
    "date": date(2024, 3, 1),
    "interval": timedelta(days=1, hours=-26),
    "bytea": b"\\\0\xff",
    "uuid": UUID(int=1),
    "jsonb": Jsonb({"a": [1, None, "é"]}),
}


def tried_values(url: str) -> str:
    """Send values of every type, and compare what comes back; returns the name and version of the server.

    Raises PipelineError, which names the types at fault, or the version if it is too old.
    """
    with connect(url, autocommit=True) as connection:
        major = connection.info.server_version // 10000
        if major < _OLDEST:
            raise PipelineError(f"DATABASE_URL is a PostgreSQL {major}; {_OLDEST} or newer is needed.")
        other = [name for name, value in _VALUES.items() if not _comes_back(connection, name, value)]
    if other:
        raise PipelineError(
            f"Values of {', '.join(other)} come back otherwise than they were sent: DateStyle, "
            "extra_float_digits and the like can't be set for a session; see the database and its pooler."
        )
    return f"PostgreSQL {major}"


def _comes_back(connection: Connection[TupleRow], name: LiteralString, value: object) -> bool:
    try:
        row = connection.execute(sql.SQL("select %s::" + name), [value]).fetchone()
    except NotImplementedError:  # psycopg reads times and intervals in one form only
        return False
    return row == (value.obj if isinstance(value, Jsonb) else value,)
