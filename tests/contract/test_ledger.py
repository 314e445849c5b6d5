"""The ledger's contract, in memory and in Postgres: claims, leases, settlements."""

import pytest

from common.database import Database
from common.errors import TextBox, TextFound
from common.ledger.ledger import ExistingItem, Ledger, Settlement, State
from common.ledger.postgres_ledger import PostgresLedger
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.contract.ledgers import DONE, LEASE, LOCATION, MOVED_TO, Ledgers, claimed, existing


def test_new_item_is_claimed(ledger: Ledger) -> None:
    """A new version goes to the first worker that claims it."""
    claim = claimed(ledger)
    assert (1, 0, 0) == (claim.attempts, claim.crashes, claim.releases)


def test_leased_item_is_running(ledger: Ledger) -> None:
    """While the lease lasts, another claim gets the item's number and its state, running."""
    claim = claimed(ledger)
    assert ExistingItem(claim.id, State.RUNNING, None, None, None) == existing(ledger)


def test_settled_item_is_never_claimed_again(ledger: Ledger) -> None:
    """A claim of a settled item gets its outcome and location."""
    claim = claimed(ledger)
    assert ledger.settle(claim, DONE)
    assert ExistingItem(claim.id, State.DONE, "extracted", None, MOVED_TO) == existing(ledger)


@pytest.mark.parametrize("state", [State.HELD, State.REFUSED, State.QUARANTINED])
def test_item_set_aside_stays_with_its_cause(ledger: Ledger, state: State) -> None:
    """A held, refused or quarantined item stays so, with its cause."""
    ledger.settle(claimed(ledger), Settlement(state, cause="No DICOM.", next_step="Send again."))
    found = existing(ledger)
    assert (state, "No DICOM.", None) == (found.state, found.cause, found.moved_to)


def test_what_was_found_in_pictures_is_stored_without_text(database: Database) -> None:
    """The finding and the places of a held item are in its row, and gone once it is settled otherwise."""
    ledger = PostgresLedger(database, function="extract")
    boxes = (TextBox(2, 10, 20, 30, 12, "identity"), TextBox(1, 0, 0, 8, 8, "text"))
    held = Settlement(State.HELD, cause="A word was read.", text_found=TextFound("identity", boxes))
    claim = claimed(ledger)
    assert ledger.settle(claim, held)
    query = "select text_finding, text_boxes from ledger_item where id = %(id)s"
    row = database.one(query, id=claim.id) or {}
    expected = {"frame": 2, "left": 10, "top": 20, "width": 30, "height": 12, "finding": "identity"}
    assert ("identity", expected, 2) == (row["text_finding"], row["text_boxes"][0], len(row["text_boxes"]))
    database.run(
        "update ledger_item set state = 'retry', due_at = now(), releases = 1, blank = '[[1, 2, 3, 4]]' "
        "where id = %(id)s",
        id=claim.id,
    )
    due = ledger.claim_due(lease_seconds=LEASE)
    assert due is not None
    assert (1, ((1, 2, 3, 4),)) == (due[0].releases, due[0].blank)
    assert ledger.settle(due[0], DONE)
    assert {"text_finding": None, "text_boxes": None} == database.one(query, id=claim.id)


def test_other_content_and_other_functions_are_items_of_their_own(ledgers: Ledgers) -> None:
    """An item is one version of one object for one function."""
    ids = {
        claimed(ledgers.of("extract")).id,
        claimed(ledgers.of("quality")).id,
        claimed(ledgers.of("extract"), ObjectVersion(LOCATION, "etag-2", 7)).id,
        claimed(ledgers.of("extract"), ObjectVersion(Location("metadata", LOCATION.key), "etag-1", 7)).id,
    }
    assert 4 == len(ids)


def test_size_does_not_identify_an_item(ledger: Ledger) -> None:
    """An event without a size means the same item."""
    claim = claimed(ledger)
    assert claim.id == existing(ledger, ObjectVersion(LOCATION, "etag-1", 0)).id


def test_lease_that_ran_out_counts_as_a_crash(ledgers: Ledgers) -> None:
    """After its lease an item can be claimed again; the earlier attempt counts as a crash."""
    ledger = ledgers.of("extract")
    first = claimed(ledger)
    ledgers.advance(LEASE + 1)
    second = claimed(ledger)
    assert (first.id, 2, 1) == (second.id, second.attempts, second.crashes)
    assert first.lease != second.lease


def test_crashes_in_a_row_are_counted(ledgers: Ledgers) -> None:
    """Each crash counts until an attempt ends properly."""
    ledger = ledgers.of("extract")
    crashes = []
    for _ in range(4):
        crashes.append(claimed(ledger).crashes)
        ledgers.advance(LEASE + 1)
    assert [0, 1, 2, 3] == crashes


def test_worker_that_lost_its_lease_can_not_write(ledgers: Ledgers) -> None:
    """A worker that lost its lease can neither settle, nor renew, nor schedule a retry."""
    ledger = ledgers.of("extract")
    late = claimed(ledger)
    ledgers.advance(LEASE + 1)
    owner = claimed(ledger)
    assert not ledger.settle(late, DONE)
    assert not ledger.renew(late, lease_seconds=LEASE)
    assert not ledger.schedule_retry(late, "late", seconds=0, crashed=False)
    assert State.RUNNING == existing(ledger).state
    assert ledger.settle(owner, DONE)


def test_a_worker_that_ends_late_did_not_crash(ledgers: Ledgers) -> None:
    """The crash counted for it is subtracted again, also if the item waits for a retry."""
    ledger = ledgers.of("extract")
    first = claimed(ledger)
    ledgers.advance(LEASE + 1)
    second = claimed(ledger)
    ledgers.advance(LEASE + 1)
    third = claimed(ledger)
    assert 2 == third.crashes
    assert not ledger.settle(first, DONE)
    assert ledger.schedule_retry(third, "crashed itself", seconds=0, crashed=True)
    assert not ledger.schedule_retry(second, "late", seconds=0, crashed=False)
    assert 1 == claimed(ledger).crashes


def test_worker_may_settle_late_if_nobody_took_its_item(ledgers: Ledgers) -> None:
    """After its lease ran out, a worker may still settle if nobody claimed the item."""
    ledger = ledgers.of("extract")
    claim = claimed(ledger)
    ledgers.advance(LEASE + 1)
    assert ledger.settle(claim, DONE)


def test_item_is_settled_once(ledger: Ledger) -> None:
    """A second settlement changes nothing."""
    claim = claimed(ledger)
    ledger.settle(claim, DONE)
    assert not ledger.settle(claim, Settlement(State.QUARANTINED, cause="late"))
    assert not ledger.schedule_retry(claim, "late", seconds=0, crashed=True)
    assert State.DONE == existing(ledger).state


def test_renewed_lease_lasts(ledgers: Ledgers) -> None:
    """A renewed lease lasts from its renewal."""
    ledger = ledgers.of("extract")
    claim = claimed(ledger)
    ledgers.advance(LEASE - 10)
    assert ledger.renew(claim, lease_seconds=LEASE)
    ledgers.advance(LEASE - 10)
    assert State.RUNNING == existing(ledger).state


def test_item_that_waits_for_a_retry_can_be_claimed_early(ledger: Ledger) -> None:
    """An event that is sent again before the item is due gets it."""
    claim = claimed(ledger)
    assert ledger.schedule_retry(claim, "away", seconds=30, crashed=False)
    again = claimed(ledger)
    assert (claim.id, 2, 0) == (again.id, again.attempts, again.crashes)


def test_fault_of_the_code_counts_as_a_crash(ledger: Ledger) -> None:
    """Faults in a row are counted; a temporary failure in between resets the count."""
    crashes = []
    for crashed in (True, True, False, True):
        claim = claimed(ledger)
        crashes.append(claim.crashes)
        ledger.schedule_retry(claim, "fault", seconds=0, crashed=crashed)
    assert [0, 1, 2, 0] == crashes
