"""A file that is put back is not lost, however soon extract works on it."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from common.database import Database, connect
from common.ledger.postgres_ledger import PostgresLedger
from common.reconcile.difference import SURPLUS, Difference, Finding
from common.stage.item import Outcome, Result
from common.stage.stage import Stage
from common.store.event_record import EventRecord
from common.store.object_key import Location, processed
from infra.reconcile.advice import advised
from infra.reconcile.mend import redraw
from oversight.decisions.replay import choose_items, put_back
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.local_home import wait_for

_ARRIVED, _PROCESSED = Location("raw", "incoming/1.dcm"), Location("raw", "processed/1.dcm")
_WAITING = "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest.fixture
def connection(database: Database, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    with connect(database_url) as opened:
        yield opened


@pytest.fixture
def store() -> InMemoryObjectStore:
    """A store with one processed original."""
    store = InMemoryObjectStore()
    store.ensure_bucket("raw")
    store.put(_PROCESSED, b"original", content_type="application/dicom")
    return store


@pytest.fixture
def answers(store: InMemoryObjectStore, database: Database) -> Iterator[list[Future[Result]]]:
    """The answers of an extract at top speed: a write ends only once it has worked on it, or must wait."""
    found: list[Future[Result]] = []
    stage = Stage(
        function="extract",
        work=lambda item: Outcome("extracted", move_to=processed(item.version.location)),
        accepts=lambda at: at == _ARRIVED,
        store=store,
        ledger=PostgresLedger(database, function="extract"),
        lease_seconds=60,
        retry_seconds=1,
    )
    with ThreadPoolExecutor(1) as worker:

        def send(bucket: str, key: str, etag: str, size: int) -> None:
            if Location(bucket, key) == _ARRIVED:
                answer = worker.submit(stage.handle, EventRecord(bucket, key, etag, size))
                found.append(answer)
                assert wait_for(lambda: answer.done() or database.one(_WAITING) is not None, seconds=30)

        store.on_created = send
        yield found


def test_a_replayed_original_is_kept(
    connection: psycopg.Connection[Any],
    database: Database,
    store: InMemoryObjectStore,
    answers: list[Future[Result]],
) -> None:
    """Extract gets the item only once its object was deleted where it was, and moves it there again."""
    database.run(
        "insert into ledger_item (function, bucket, key, etag, state, outcome, moved_to_bucket, "
        "moved_to_key, settled_at) "
        "values ('extract', 'raw', 'incoming/1.dcm', %(etag)s, 'done', 'extracted', 'raw', "
        "'processed/1.dcm', now())",
        etag=store.stat(_PROCESSED).etag,
    )
    put_back(connection, store, choose_items(connection, items=[1])[0])
    (answer,) = answers
    assert "done" == answer.result(timeout=30).body["status"]
    assert ["processed/1.dcm"] == list(store.buckets["raw"])


def test_a_surplus_original_is_kept(
    connection: psycopg.Connection[Any],
    database: Database,
    store: InMemoryObjectStore,
    answers: list[Future[Result]],
) -> None:
    """Its place is empty before extract gets the copy, and has it again afterwards."""
    surplus = Difference(SURPLUS, "object", "raw", "processed/1.dcm")
    finding = Finding(1, surplus, datetime.now(UTC), is_confirmed=True)
    assert 1 == redraw(connection, store, advised(database, [finding]))  # type: ignore[arg-type]
    (answer,) = answers
    assert "done" == answer.result(timeout=30).body["status"]
    assert ["processed/1.dcm"] == list(store.buckets["raw"])


def test_an_interrupted_replay_is_due_again(
    connection: psycopg.Connection[Any], database: Database, store: InMemoryObjectStore
) -> None:
    """If the object could not be moved, the item is due a minute later; then the next sweep finds it."""
    database.run(
        "insert into ledger_item (function, bucket, key, etag, state, moved_to_bucket, moved_to_key, "
        "settled_at) "
        "values ('extract', 'raw', 'incoming/1.dcm', 'e', 'held', 'raw', 'processed/1.dcm', now())"
    )
    (item,) = choose_items(connection, items=[1])

    def fail(*_: object) -> None:
        raise ConnectionError

    store.on_created = fail
    with pytest.raises(ConnectionError):
        put_back(connection, store, item)
    connection.rollback()
    (row,) = database.all("select state, due_at > now() as is_later from ledger_item")
    assert {"state": "retry", "is_later": True} == row
