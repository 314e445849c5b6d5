"""Frequent operations read only rows of current work, not of all settled files.

`benchmarks/growth.py` measures the time with a million settled files. These tests count the rows that
Postgres reads, which is the same on every machine.
"""

import logging
from collections.abc import Callable, Iterator

import psycopg
import pytest

from common.process.json_log import logger
from tests.support.local_home import RunningHome, wait_for
from tests.support.own_database import drop_database
from tests.support.settled_files import PipelineOnDatabase, database_with_settled_files

SETTLED = 4_000
MAX_ROWS = 400  # per table; a tenth of the files
_READ = """
select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables
"""
_OTHER_SESSIONS = (
    "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
)


@pytest.fixture
def pipeline(home: RunningHome) -> Iterator[PipelineOnDatabase]:
    """The pipeline's ports on a database with many settled files."""
    operator = home.endpoints["database_url"]
    url = database_with_settled_files(operator, SETTLED)
    level = logger().level
    logger().setLevel(logging.WARNING)
    yield PipelineOnDatabase(url, home.store)
    logger().setLevel(level)
    drop_database(operator, url)


def _rows_read(url: str) -> dict[str, int]:
    """Return the rows read per table, after all other sessions have ended and reported theirs."""
    with psycopg.connect(url, autocommit=True) as connection:

        def is_alone() -> bool:
            row = connection.execute(_OTHER_SESSIONS).fetchone()
            return bool(row and row[0] == 0)

        wait_for(is_alone, seconds=30)
        return dict(connection.execute(_READ).fetchall())


@pytest.mark.parametrize("name", ["event", "sweep", "poll", "status", "trace"])
def test_frequent_operations_do_not_read_settled_files(pipeline: PipelineOnDatabase, name: str) -> None:
    """No table has more rows read than a tenth of the settled files."""
    operation: Callable[[], None] = getattr(pipeline, name)
    before = _rows_read(pipeline.url)
    operation()
    pipeline.database.close()
    after = _rows_read(pipeline.url)
    read = {table: number - before.get(table, 0) for table, number in after.items()}
    assert any(read.values()), "no rows were counted"
    assert {table: number for table, number in read.items() if number > MAX_ROWS} == {}
