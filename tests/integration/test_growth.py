"""Frequent operations read only rows of current work, not of all settled files, nor of all that wait.

`benchmarks/growth.py` measures the time with a million settled files. These tests count the rows that
Postgres reads, which is the same on every machine.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from common.database import Database
from common.ledger.ledger import NEWEST_EVERY, Settlement, State
from common.ledger.postgres_ledger import PostgresLedger
from common.process.json_log import logger
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from infra.provision.function_card import function_cards
from infra.provision.roles import create_roles
from tests.support.local_home import RunningHome, wait_for
from tests.support.own_database import drop_database, own_database
from tests.support.settled_files import PipelineOnDatabase, database_with_settled_files

SETTLED = 4_000
MAX_ROWS = 400  # per table; a tenth of the files
_READ = """
select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables
"""
_DUE = """
insert into ledger_item (function, bucket, key, etag, size, state, attempts, due_at)
select 'extract', 'raw', 'incoming/' || number, 'e', 1, 'retry', 0, now() - make_interval(secs => %s - number)
from generate_series(1, %s) number
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


@pytest.fixture
def backlog(home: RunningHome) -> Iterator[tuple[str, dict[str, str]]]:
    """The operator's URL of a database in which many files are due, and the URLs of the functions."""
    passwords = {card.function: "of-this-test" for card in function_cards()}
    with own_database(home.endpoints["database_url"]) as url:
        roles = create_roles(url, passwords)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_DUE, [SETTLED, SETTLED])
            connection.execute("vacuum analyze")
        yield (
            url,
            {
                function: make_conninfo(url, user=role, password=passwords[function])
                for function, role in roles.items()
            },
        )


def test_work_on_a_due_file_does_not_read_the_others(backlog: tuple[str, dict[str, str]]) -> None:
    """With the rights of the function, because row policies take part in the plan of a query."""
    operator, urls = backlog
    before = _rows_read(operator)
    with closing(Database(urls["extract"])) as database:
        ledger = PostgresLedger(database, function="extract")
        for _ in range(2 * NEWEST_EVERY):  # the oldest and the newest
            found = ledger.claim_due(lease_seconds=60)
            assert found is not None
            assert ledger.settle(found[0], Settlement(State.DONE, outcome="skipped"))
    after = _rows_read(operator)
    assert 2 * NEWEST_EVERY <= after["ledger_item"] - before["ledger_item"] <= MAX_ROWS


def test_the_sweep_does_not_read_all_that_is_due(backlog: tuple[str, dict[str, str]]) -> None:
    """It asks all the time which functions have something to do, and which objects are known."""
    operator, urls = backlog
    before = _rows_read(operator)
    with closing(Database(urls["sweep"])) as database:
        ledger = PostgresLedger(database, function="extract")
        assert ledger.has_due()
        assert not PostgresLedger(database, function="quality").has_due()
        listed = [ObjectVersion(Location("raw", f"incoming/{number}"), "e", 1) for number in range(1, 101)]
        assert ledger.unsettled(listed) == set(listed)
    after = _rows_read(operator)
    assert len(listed) <= after["ledger_item"] - before["ledger_item"] <= MAX_ROWS
