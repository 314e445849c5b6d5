"""Decisions on the page: stored at once, carried out later, undone until then."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from common.database import Database, connect
from common.errors import ConflictError
from common.store.object_key import Location
from oversight.decisions import pending
from oversight.decisions.chosen import Choice, choose_in_state
from oversight.decisions.replay import release
from tests.in_memory.object_store import InMemoryObjectStore

_ARRIVED, _HELD = Location("raw", "incoming/1.dcm"), Location("raw", "held/1.dcm")
_SINCE = datetime(2026, 5, 1, 12, tzinfo=UTC)
_SEEN = pending.SeenItem(1, _SINCE)


@pytest.fixture
def store() -> InMemoryObjectStore:
    """The original of the held item."""
    store = InMemoryObjectStore()
    store.ensure_bucket("raw")
    store.put(_HELD, b"original", content_type="application/dicom")
    return store


@pytest.fixture
def connection(database: Database, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Item 1 is held."""
    database.run(
        "insert into ledger_item (function, bucket, key, etag, state, cause, next_step, moved_to_bucket, "
        "moved_to_key, attempts, settled_at) values ('extract', 'raw', 'incoming/1.dcm', 'e', 'held', "
        "'Text was found.', 'Look at it.', 'raw', 'held/1.dcm', 1, %(since)s)",
        since=_SINCE,
    )
    with connect(database_url) as opened:
        yield opened


def _audit(database: Database) -> list[tuple[Any, ...]]:
    rows = database.all("select who, via, action, item_id, why from audit_event order by id")
    return [tuple(row.values()) for row in rows]


def _state(database: Database) -> dict[str, Any]:
    return database.one("select state, releases, released_by, blank from ledger_item") or {}


def test_an_undone_decision_leaves_no_trace_outside_the_audit(
    connection: psycopg.Connection[Any], database: Database, store: InMemoryObjectStore
) -> None:
    """Neither in the ledger nor in the store, also once its time has come."""
    before = database.all("select * from ledger_item")
    pending.decide(connection, _SEEN, "release", who="nurse", why="No name.", blank=[(0, 0, 5, 5)])
    assert 0 == pending.carry_out(connection, store, after_seconds=60)
    assert pending.undo(connection, 1, who="nurse")
    assert 0 == pending.carry_out(connection, store, after_seconds=0)
    assert before == database.all("select * from ledger_item")
    assert [("nurse", "page", "decide release", 1, "No name."), ("nurse", "page", "undo", 1, None)] == _audit(
        database
    )


def test_a_release_is_carried_out_with_its_rectangles(
    connection: psycopg.Connection[Any], database: Database, store: InMemoryObjectStore
) -> None:
    """The item is due again, its original is back where it arrived, and the audit says who decided."""
    pending.decide(connection, _SEEN, "release", who="nurse", why="No name.", blank=[(0, 1, 5, 6)])
    assert 1 == pending.carry_out(connection, store, after_seconds=0)
    expected = {"state": "retry", "releases": 1, "released_by": "nurse", "blank": [[0, 1, 5, 6]]}
    assert expected == _state(database)
    assert b"original" == store.read(store.stat(_ARRIVED))
    assert [("decide release"), ("release")] == [row[2] for row in _audit(database)]
    assert 0 == pending.carry_out(connection, store, after_seconds=0)
    assert not pending.undo(connection, 1, who="nurse")


def test_a_refusal_is_carried_out(
    connection: psycopg.Connection[Any], database: Database, store: InMemoryObjectStore
) -> None:
    """The item is refused, as by the command."""
    pending.decide(connection, _SEEN, "refuse", who="nurse", why="A name.")
    assert 1 == pending.carry_out(connection, store, after_seconds=0)
    assert "refused" == _state(database)["state"]


def test_the_second_of_two_persons_is_told(connection: psycopg.Connection[Any], database: Database) -> None:
    """Who was first; the first decision stays."""
    pending.decide(connection, _SEEN, "refuse", who="nurse", why="A name.")
    with pytest.raises(ConflictError, match=r"nurse has decided about item 1 already \(refuse\)"):
        pending.decide(connection, _SEEN, "release", who="dr", why="None.")
    assert not pending.undo(connection, 1, who="dr")
    assert [{"decision": "refuse", "who": "nurse"}] == database.all(
        "select decision, who from pending_decision"
    )


def test_an_item_that_was_held_again_meanwhile_must_be_seen_again(
    connection: psycopg.Connection[Any], database: Database
) -> None:
    """A decision is about what the person saw."""
    earlier = pending.SeenItem(1, _SINCE - timedelta(seconds=1))
    with pytest.raises(ConflictError, match="no longer held as you saw it"):
        pending.decide(connection, earlier, "release", who="nurse", why="No name.")
    assert [] == database.all("select * from pending_decision")


def test_a_decision_in_the_shell_replaces_one_on_the_page(
    connection: psycopg.Connection[Any], database: Database, store: InMemoryObjectStore
) -> None:
    """It is carried out at once, and nothing is left to be carried out."""
    pending.decide(connection, _SEEN, "refuse", who="nurse", why="A name.")
    (item,) = choose_in_state(connection, Choice([1]), "held")
    release(connection, store, item, who="dr", why="It is a ruler.")
    assert 0 == pending.carry_out(connection, store, after_seconds=0)
    assert {"state": "retry", "releases": 1, "released_by": "dr", "blank": None} == _state(database)


def test_a_decision_waits_while_the_original_is_being_moved(
    connection: psycopg.Connection[Any], database: Database, store: InMemoryObjectStore
) -> None:
    """It is not lost: the next run carries it out."""
    database.run("update ledger_item set pending_delete = true")
    pending.decide(connection, _SEEN, "release", who="nurse", why="No name.")
    assert 0 == pending.carry_out(connection, store, after_seconds=0)
    assert {"state": "held", "releases": 0, "released_by": None, "blank": None} == _state(database)
    database.run("update ledger_item set pending_delete = false")
    assert 1 == pending.carry_out(connection, store, after_seconds=0)
