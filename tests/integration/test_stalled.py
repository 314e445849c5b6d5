"""Stalled items are shown by age, each kind with what to do."""

import secrets
from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import dict_row

from infra.health.stalled import STALLED_SECONDS, read_stalled, stalled_findings, stalled_text
from tests.support.local_home import RunningHome
from tests.support.own_database import own_database

_ITEM = """
insert into ledger_item
    (function, bucket, key, etag, state, cause, lease_until, first_seen_at, started_at, settled_at)
values (%s, 'raw', %s, 'e', %s, %s, now() + make_interval(secs => %s), now() - make_interval(secs => %s),
    now() - make_interval(secs => %s), case when %s = 'done' then now() end)
"""
OLD = STALLED_SECONDS + 60


@pytest.fixture
def connection(home: RunningHome) -> Iterator[psycopg.Connection]:
    """A database of the test's own."""
    with (
        own_database(home.endpoints["database_url"]) as url,
        psycopg.connect(url, row_factory=dict_row) as own,
    ):
        yield own


def _item(
    connection: psycopg.Connection, function: str, state: str, *, lease: float, age: float, cause: str | None
) -> None:
    key = f"incoming/{secrets.token_hex(4)}"
    connection.execute(_ITEM, [function, key, state, cause, lease, age, age, state])


def test_nothing_young_is_stalled(connection: psycopg.Connection) -> None:
    """Items that were claimed or retried recently are not stalled."""
    _item(connection, "extract", "running", lease=30, age=5, cause=None)
    _item(connection, "extract", "retry", lease=0, age=30, cause="away")
    assert [] == read_stalled(connection, {"extract": [3.0]}, uncopied=[9.0])


def test_every_kind_is_counted(connection: psycopg.Connection) -> None:
    """For each function and kind: how many, how old, and the most frequent cause."""
    for _ in range(2):
        _item(connection, "extract", "retry", lease=0, age=OLD, cause="Bucket away.")
    _item(connection, "extract", "running", lease=-OLD / 2, age=2 * OLD, cause=None)
    _item(connection, "quality", "running", lease=30, age=OLD, cause=None)
    _item(connection, "quality", "done", lease=0, age=OLD, cause=None)
    found = read_stalled(connection, {"store_metadata": [OLD, 1.0], "quality": [OLD]}, uncopied=[OLD])
    assert [
        ("extract", "lost", 1),
        ("extract", "retry", 2),
        ("quality", "long", 1),
        ("store_metadata", "unsent", 1),
        ("quality", "backlog", 1),
        ("poll_nas", "uncopied", 1),
    ] == [(row["function"], row["kind"], row["items"]) for row in found]
    text = stalled_text(found)
    assert text.startswith("Stalled: extract: 1 crashed and not sent again, the oldest for 22 min.")
    assert "extract: 2 fail again and again, the oldest for 11 min (Bucket away.)." in text


def test_doctor_says_what_to_do(connection: psycopg.Connection) -> None:
    """Each kind has a next step; only a backlog that is being worked on is not wrong."""
    _item(connection, "extract", "retry", lease=0, age=OLD, cause="Bucket away.")
    (retry,) = stalled_findings(read_stalled(connection, {}))
    assert not retry.is_good
    assert "Fix the cause" in retry.text
    (unsent,) = stalled_findings(read_stalled(connection, {"quality": [OLD]}))[1:]
    assert (False, "quality items") == (unsent.is_good, unsent.subject)
    assert "POST to it" in unsent.text
    _item(connection, "quality", "done", lease=0, age=1, cause=None)
    assert stalled_findings(read_stalled(connection, {"quality": [OLD]}))[1].is_good


def test_status_and_doctor_show_it(home: RunningHome) -> None:
    """`dcm2set status` shows an old retry by age, and `dcm2set doctor` ends with 1 and the next step."""
    home.wait_until_idle()
    home.rows(
        "insert into ledger_item (function, bucket, key, etag, state, cause, first_seen_at, due_at) "
        "values ('quality', 'images-x', 'stalled', 'e', 'retry', 'A test holds it.', "
        "now() - interval '2 hours', now() + interval '1 minute') returning 1"
    )
    try:
        status, doctor = home.run_cli("status").stdout, home.run_cli("doctor")
        assert "Stalled: quality: 1 fail again and again, the oldest for 120 min (A test holds it.)" in status
        assert 1 == doctor.returncode
        assert "quality items: 1 fail again and again" in doctor.stdout
    finally:
        home.rows("delete from ledger_item where key = 'stalled' returning 1")
