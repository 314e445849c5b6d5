"""What is asked all the time reads what is under way, and not all that ever passed.

How long it takes with a million settled files is told by `benchmarks/growth.py`; here the rows
that Postgres read are counted, which is the same on every machine.
"""

import logging
from collections.abc import Callable, Iterator

import psycopg
import pytest

from common.process.json_log import logger
from tests.support.local_home import RunningHome, wait_for
from tests.support.own_database import drop_database
from tests.support.settled_files import LineOnDatabase, database_with_settled_files

SETTLED = 4_000
MOST_ROWS = 400  # a tenth of the files, of the rows of any one table
_READ = """
select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables
"""
_AT_WORK = (
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
)


@pytest.fixture
def line(home: RunningHome) -> Iterator[LineOnDatabase]:
    """The ports of the line on a database full of settled files."""
    operator = home.endpoints["database_url"]
    url = database_with_settled_files(operator, SETTLED)
    level = logger().level
    logger().setLevel(logging.WARNING)
    yield LineOnDatabase(url, home.store)
    logger().setLevel(level)
    drop_database(operator, url)


def _rows_read(url: str) -> dict[str, int]:
    """Rows read of each table so far; complete, because a session that has ended has told its own."""
    with psycopg.connect(url, autocommit=True) as connection:

        def is_alone() -> bool:
            row = connection.execute(_AT_WORK).fetchone()
            return bool(row and row[0] == 0)

        wait_for(is_alone, seconds=30)
        return dict(connection.execute(_READ).fetchall())


@pytest.mark.parametrize("name", ["event", "sweep", "poll", "status"])
def test_what_is_asked_does_not_grow_with_what_is_settled(line: LineOnDatabase, name: str) -> None:
    """Of no table are more rows read than a tenth of the settled files."""
    ask: Callable[[], None] = getattr(line, name)
    before = _rows_read(line.url)
    ask()
    line.database.close()
    after = _rows_read(line.url)
    read = {table: number - before.get(table, 0) for table, number in after.items()}
    assert any(read.values()), "nothing was counted"
    assert {table: number for table, number in read.items() if number > MOST_ROWS} == {}
