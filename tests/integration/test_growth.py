"""Frequent operations read only rows of current work, not of all settled files, nor of all that wait.

`benchmarks/growth.py` measures the time with a million settled files. These tests count the rows that
Postgres reads, which is the same on every machine.
"""

import logging
from collections.abc import Callable, Iterator

import psycopg
import pytest

from common.ledger.ledger import NEWEST_EVERY, Settlement, State
from common.process.json_log import logger
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.contract.tables import Tables
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
    yield from _pipeline(home, due=0)


def _pipeline(home: RunningHome, *, due: int) -> Iterator[PipelineOnDatabase]:
    operator = home.endpoints["database_url"]
    url = database_with_settled_files(operator, SETTLED, due=due)
    level = logger().level
    logger().setLevel(logging.WARNING)
    pipeline = PipelineOnDatabase(url, home.store)
    yield pipeline
    pipeline.close()
    logger().setLevel(level)
    drop_database(operator, url)


def _read_since(before: dict[str, int], pipeline: PipelineOnDatabase) -> dict[str, int]:
    """Return the rows read per table; this ends the pipeline's sessions."""
    pipeline.close()
    after = _rows_read(pipeline.url)
    return {table: number - before.get(table, 0) for table, number in after.items()}


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
    read = _read_since(before, pipeline)
    assert any(read.values()), "no rows were counted"
    assert {table: number for table, number in read.items() if number > MAX_ROWS} == {}


@pytest.fixture
def backlog(home: RunningHome) -> Iterator[PipelineOnDatabase]:
    """The pipeline's ports on a database where many files are due for extract, beside settled ones."""
    yield from _pipeline(home, due=SETTLED)


def test_a_claim_does_not_read_all_that_is_due(backlog: PipelineOnDatabase) -> None:
    """Neither of the oldest item nor of the newest."""
    number = 2 * NEWEST_EVERY
    before = _rows_read(backlog.url)
    for _ in range(number):
        found = backlog.ledger("extract").claim_due(lease_seconds=60)
        assert found is not None
        assert backlog.ledger("extract").settle(found[0], Settlement(State.DONE, outcome="skipped"))
    assert number <= _read_since(before, backlog)["ledger_item"] <= MAX_ROWS


@pytest.mark.parametrize("function", ["store_metadata", "quality", "annotations"])
def test_a_function_without_due_items_reads_none_of_the_others(
    backlog: PipelineOnDatabase, function: str
) -> None:
    """Nor those that are settled."""
    before = _rows_read(backlog.url)
    assert backlog.ledger(function).claim_due(lease_seconds=60) is None
    assert _read_since(before, backlog).get("ledger_item", 0) <= MAX_ROWS


def test_the_sweep_does_not_read_all_that_is_due(backlog: PipelineOnDatabase) -> None:
    """It asks all the time which functions have something to do, and which objects are known."""
    before = _rows_read(backlog.url)
    with_due = [name for name in backlog.databases if backlog.pending.has_due(name)]
    assert with_due == ["extract"]
    listed = [ObjectVersion(Location("raw", f"incoming/{number}"), "e", 1) for number in range(1, 11)]
    assert backlog.pending.ledger("extract").unsettled(listed) == set(listed)
    assert len(listed) <= _read_since(before, backlog)["ledger_item"] <= MAX_ROWS


def test_images_are_allocated_without_reading_full_buckets(pipeline: PipelineOnDatabase) -> None:
    """A site has 2,500 buckets for a million images."""
    pipeline.operator.run(
        "insert into image_bucket (bucket, allocated, capacity, created_at) "
        "select 'images-full-' || n, 1, 1, now() - make_interval(secs => n) from generate_series(1, %(n)s) n",
        n=SETTLED,
    )
    pipeline.operator.run(
        "insert into image_bucket (bucket, allocated, capacity) values ('images-new', 0, 9)"
    )
    pipeline.operator.run("analyze image_bucket")
    before = _rows_read(pipeline.url)
    (image,) = Tables(pipeline.databases["extract"]).allocate(SETTLED + 1)
    assert image.bucket == "images-new"
    assert 1 <= _read_since(before, pipeline)["image_bucket"] <= MAX_ROWS
