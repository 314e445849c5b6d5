"""Refused items: a state of its own, in the balance, never put back by the way, and reversible."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.rows import tuple_row

from common.database import Database, connect, queries
from common.errors import ConflictError, PermanentError
from common.ledger.ledger import ExistingItem, State
from common.ledger.postgres_ledger import PostgresLedger
from common.reconcile.reconcile_rows import ReconcileRows
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from infra.backup import backup
from infra.items.resolve import Decision, resolve
from infra.items.trace_text import trace_text
from infra.provision.snapshot import read_snapshot
from oversight.decisions.chosen import Choice, choose_in_state
from oversight.decisions.replay import choose_items, extracted_before, put_back, refuse, release, undo_refusal
from oversight.trace.trace import trace
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.random_rows import RandomRows

_ARRIVED, _HELD = Location("raw", "incoming/1.dcm"), Location("raw", "held/1.dcm")


def _trace(url: str, name: str, **options: Any) -> dict[str, Any]:
    with read_snapshot(url) as connection:
        return trace(connection, name, **options)


@pytest.fixture
def connection(database: Database, database_url: str) -> Iterator[psycopg.Connection[Any]]:
    """Item 1 is held, and its original lies in raw/held."""
    database.run(
        "insert into ledger_item (function, bucket, key, etag, state, cause, next_step, moved_to_bucket, "
        "moved_to_key, patient_id, settled_at) values ('extract', 'raw', 'incoming/1.dcm', 'e', 'held', "
        "'Text was found.', 'Look at it.', 'raw', 'held/1.dcm', 'P1', now())"
    )
    with connect(database_url) as opened:
        yield opened


def _refused(connection: psycopg.Connection[Any]) -> None:
    (item,) = choose_in_state(connection, Choice([1], function="extract"), "held")
    assert refuse(connection, item, who="nurse", why="Shows a name.")


def test_a_refused_file_is_in_the_balance_and_nowhere_else(
    connection: psycopg.Connection[Any], database: Database
) -> None:
    """It has a number of its own, before and after the rows are summed up, and the balance closes."""
    _refused(connection)
    database.run("select count_settled(5000)")
    for view in ("balance", "balance_recount"):
        row = database.one(f"select * from {view}") or {}
        assert (1, 1, 0, 0) == (
            row["files_found"],
            row["files_refused"],
            row["files_held"],
            row["files_difference"],
        )
    (state,) = database.all("select refused, held, done from ledger_state")
    assert {"refused": 1, "held": 0, "done": 0} == state


def test_a_refused_file_is_never_worked_on(connection: psycopg.Connection[Any], database: Database) -> None:
    """Neither an event nor the backlog claims it; a copy that arrives again is deleted, not extracted."""
    _refused(connection)
    ledger = PostgresLedger(database, function="extract")
    version = ObjectVersion(_ARRIVED, "e", 1)
    found = ledger.claim(version, lease_seconds=60)
    assert isinstance(found, ExistingItem)
    assert (State.REFUSED, _HELD) == (found.state, found.moved_to)
    assert ledger.claim_due(lease_seconds=60) is None
    assert not ledger.has_due()
    ledger.announce(version)
    assert [1] == [each.id for each in ledger.pending_deletes(limit=5)]


def test_no_command_puts_a_refused_item_back(connection: psycopg.Connection[Any], database: Database) -> None:
    """Neither by number nor by function, nor with what another person saw before the refusal."""
    store = InMemoryObjectStore()
    store.ensure_bucket("raw")
    store.put(_HELD, b"original", content_type="application/dicom")
    (seen,) = choose_items(connection, items=[1])
    _refused(connection)
    assert [] == choose_items(connection, items=[1]) == choose_items(connection, function="extract")
    with pytest.raises(ConflictError, match="was decided just now"):
        release(connection, store, seen, who="other", why="No name.")
    with pytest.raises(ConflictError, match="was decided just now"):
        put_back(connection, store, seen)
    assert not refuse(connection, seen, who="other", why="Twice.")
    row = database.one("select state, releases, released_by from ledger_item")
    assert {"state": "refused", "releases": 0, "released_by": None} == row


def test_a_refused_item_is_not_chosen_in_a_conflict(
    connection: psycopg.Connection[Any], database: Database
) -> None:
    """To let it stand, its refusal must be undone first."""
    database.run("insert into item_conflict values (1, 'P1', '1', '1', '1', 'd')")
    _refused(connection)
    with pytest.raises(PermanentError, match="refuse --undo --item 1"):
        resolve(connection, InMemoryObjectStore(), Decision(1, "this", why="It is right.", who="dr"))  # type: ignore[arg-type]
    assert {"state": "refused"} == database.one("select state from ledger_item")


def test_a_refusal_can_be_undone(connection: psycopg.Connection[Any], database: Database) -> None:
    """The item is held again with its cause, and both decisions stay on record."""
    _refused(connection)
    (item,) = choose_in_state(connection, Choice([1], function="extract"), "refused")
    assert undo_refusal(connection, item, who="dr", why="It is a ruler.")
    assert not undo_refusal(connection, item, who="dr", why="Twice.")
    (held,) = choose_in_state(connection, Choice(cause="Text was found."), "held")
    assert (1, _HELD) == (held.id, held.moved_to)
    decisions = database.all("select decision, why, decided_by from refusal order by id")
    assert [("refused", "Shows a name.", "nurse"), ("undone", "It is a ruler.", "dr")] == [
        tuple(row.values()) for row in decisions
    ]


def test_a_trace_tells_the_refusal(connection: psycopg.Connection[Any], database_url: str) -> None:
    """Who refused it and why; its attempt still ended as held."""
    _refused(connection)
    found = _trace(database_url, "1")
    assert ["held"] == [each["state"] for each in found["items"][0]["each_attempt"]]
    text = trace_text(found)
    assert "item 1 refused by nurse: Shows a name." in text
    assert "next step" not in text


def test_reconcile_expects_the_original_of_a_refused_item(
    connection: psycopg.Connection[Any], database: Database
) -> None:
    """It is no surplus object, and missed if it is gone."""
    _refused(connection)
    (expected,) = ReconcileRows(database).expected_at("raw", "held/1.dcm")
    assert ("original", 1, True) == (expected.what, expected.item_id, expected.is_required)


def test_images_of_an_earlier_extraction_are_told(
    connection: psycopg.Connection[Any], database: Database
) -> None:
    """A file that was extracted, replayed and held keeps its images; the person who refuses it must know."""
    items = choose_items(connection, items=[1])
    assert 0 == extracted_before(connection, items)
    database.run(
        "insert into extraction (sop_instance_uid, item_id, content_digest, number_of_frames, "
        "recipe_version, pipeline_version, completed_at) values ('1', 1, 'd', 1, 1, '1', now())"
    )
    assert 1 == extracted_before(connection, items)


def test_the_report_names_refused_files_with_their_cause(
    connection: psycopg.Connection[Any], database_url: str
) -> None:
    """The report for the ethics file counts them apart from held ones."""
    from infra.patients.deidentification_report import read_report

    _refused(connection)
    (entry,) = read_report(database_url)
    assert {"refused": 1} == entry["files"]
    assert ["refused"] == [row["became"] for row in entry["causes"]]


def test_sums_are_equal_to_a_count_when_items_are_refused(database: Database) -> None:
    """Held files that are refused, held again and replayed never leave the sums wrong."""
    rows = RandomRows(database, 7)
    for _ in range(8):
        rows.put_directly()
        rows.found()
        rows.copied()
        rows.claimed()
    rows.run("update ledger_item set state = 'held'")
    for state in ("refused", "held", "retry", "refused"):
        rows.run(f"update ledger_item set state = '{state}' where id %% 2 = 0")
        rows.run("select count_settled(5000)")
        assert rows.numbers("balance_recount") == rows.numbers("balance")
        assert 0 == rows.numbers("balance")["files_difference"]
    assert rows.numbers("balance")["files_refused"] > 0


def test_a_backup_has_the_original_of_a_refused_item(connection: psycopg.Connection[Any]) -> None:
    """It is restored to where it lies, as that of a held one."""
    _refused(connection)
    moved = queries(Path(backup.__file__).with_suffix(".sql"))["moved"]
    assert [("raw", "held/1.dcm")] == connection.cursor(row_factory=tuple_row).execute(moved).fetchall()
