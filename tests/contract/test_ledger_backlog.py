"""The ledger's contract: due and unsettled items, concurrent claims, and a database that is away."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from common.database import Database
from common.errors import DependencyAwayError
from common.ledger.ledger import LONGEST_SECONDS, NEWEST_EVERY, Claim, ExistingItem, Ledger, Settlement, State
from common.ledger.postgres_ledger import PostgresLedger
from common.stage.stage import ERASED
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.contract.ledgers import DONE, LEASE, LOCATION, MOVED_TO, VERSION, Ledgers, claimed
from tests.in_memory.ledger import InMemoryLedger, LedgerTable

HELD = Settlement(State.HELD, moved_to=MOVED_TO)
ERASED_END = Settlement(State.DONE, outcome=ERASED)
DONE_NOT_MOVED = Settlement(State.DONE, outcome="extracted")


def _taken(ledger: Ledger) -> list[ObjectVersion]:
    """All due items, in the order in which they are claimed."""
    has_due, found = ledger.has_due(), []
    while due := ledger.claim_due(lease_seconds=LEASE):
        found.append(due[1])
    assert has_due == bool(found)
    return found


def test_retries_are_claimed_once_they_are_due(ledgers: Ledgers) -> None:
    """An item to retry is due after the given seconds, not before; claiming it is another attempt."""
    ledger = ledgers.of("extract")
    first = claimed(ledger)
    ledger.schedule_retry(first, "away", seconds=30, crashed=False)
    assert [] == _taken(ledger)
    ledgers.advance(31)
    due = ledger.claim_due(lease_seconds=LEASE)
    assert due is not None
    claim, version = due
    assert (VERSION, first.id, 2, 0) == (version, claim.id, claim.attempts, claim.crashes)
    assert ledger.settle(claim, DONE)


def test_items_whose_lease_ran_out_are_claimed(ledgers: Ledgers) -> None:
    """They are due, and count a crash; settled items and those of other functions are not due."""
    ledger = ledgers.of("extract")
    expired = ObjectVersion(Location("raw", "expired"), "e", 0)
    claimed(ledger, expired)
    ledger.settle(claimed(ledger), DONE)
    claimed(ledgers.of("quality"), ObjectVersion(Location("raw", "other"), "e", 0))
    assert [] == _taken(ledger)
    ledgers.advance(LEASE + 1)
    due = ledger.claim_due(lease_seconds=LEASE)
    assert due is not None
    assert (expired, 1) == (due[1], due[0].crashes)


def test_the_item_that_has_been_due_longest_is_claimed_first(ledgers: Ledgers) -> None:
    """Due items are claimed in the order in which they became due."""
    ledger = ledgers.of("extract")
    for number in range(4):
        ledger.schedule_retry(
            claimed(ledger, ObjectVersion(Location("raw", f"{number}"), "e", 0)),
            "away",
            seconds=0,
            crashed=False,
        )
        ledgers.advance(1)
    assert ["0", "1", "2", "3"] == [version.location.key for version in _taken(ledger)]


def test_a_late_item_does_not_wait_behind_a_long_backlog(ledgers: Ledgers) -> None:
    """Of a picture that is announced after a hundred others, the fourth claim is the first to take it."""
    ledger = ledgers.of("quality")
    for number in range(100):
        ledger.announce(ObjectVersion(Location("images-1", f"big/{number}.png"), "e", 1))
    ledgers.advance(1)
    late = ObjectVersion(Location("images-1", "late/1.png"), "e", 1)
    ledger.announce(late)
    taken = _taken(ledger)
    assert (101, NEWEST_EVERY - 1) == (len(set(taken)), taken.index(late))


def test_a_file_that_is_put_does_not_wait_behind_those_of_a_function(ledgers: Ledgers) -> None:
    """It is the first, although others were due before and after it; one of four claims takes the others."""
    ledger = ledgers.of("quality")
    before, after = (
        [ObjectVersion(Location("images-1", f"{when}/{number}.png"), "e", 1) for number in range(50)]
        for when in ("before", "after")
    )
    put = [ObjectVersion(Location("images-1", f"put/{number}.png"), "e", 1) for number in range(6)]
    _settle_with(ledgers, before)
    for version in put:
        ledgers.advance(1)
        ledger.announce(version)
    ledgers.advance(1)
    _settle_with(ledgers, after)
    taken = _taken(ledger)
    assert len(set(taken)) == 106
    assert [version for version in taken[:8] if version in put] == put
    assert {version for version in taken[:8] if version not in put} <= set(after)


def _settle_with(ledgers: Ledgers, announced: list[ObjectVersion]) -> None:
    version = ObjectVersion(Location("raw", announced[0].location.key), "e", 1)
    announces = tuple(("quality", each) for each in announced)
    ledger = ledgers.of("extract")
    assert ledger.settle(claimed(ledger, version), replace(DONE, announces=announces))


def test_an_announced_item_is_due_at_once(ledgers: Ledgers) -> None:
    """Its claim is the first attempt; announcing it again changes nothing."""
    ledger = ledgers.of("extract")
    ledger.announce(VERSION)
    ledger.announce(VERSION)
    assert ledger.has_due()
    claim = claimed(ledger, VERSION)
    assert (1, 0) == (claim.attempts, claim.crashes)
    ledger.announce(VERSION)
    found = ledger.find(LOCATION)
    assert found is not None
    assert State.RUNNING == found.state
    assert [] == _taken(ledger)


def test_what_a_settlement_announces_is_due_at_once(ledgers: Ledgers) -> None:
    """Each function gets an item for each object made for it; existing items stay as they are."""
    made = [ObjectVersion(Location("images-1", f"{number}.png"), "e", 9) for number in (1, 2)]
    document = ObjectVersion(Location("metadata", "a.json"), "d", 3)
    quality, metadata = ledgers.of("quality"), ledgers.of("store_metadata")
    assert quality.settle(claimed(quality, made[0]), DONE)
    announces = (("store_metadata", document), *(("quality", version) for version in made))
    ledger = ledgers.of("extract")
    assert ledger.settle(claimed(ledger), replace(DONE, announces=announces))
    assert ([made[1]], [document], []) == (_taken(quality), _taken(metadata), _taken(ledger))


def test_unsettled_items_are_leased_or_wait_for_a_retry(ledgers: Ledgers) -> None:
    """Of the given versions, new and settled ones are left out."""
    ledger = ledgers.of("extract")
    new, running, waiting, done, expired = (
        ObjectVersion(Location("raw", name), "e", 5)
        for name in ("new", "running", "waiting", "done", "expired")
    )
    claimed(ledger, expired)
    ledgers.advance(LEASE + 1)
    claimed(ledger, running)
    ledger.schedule_retry(claimed(ledger, waiting), "away", seconds=30, crashed=False)
    ledger.settle(claimed(ledger, done), DONE)
    other_content = ObjectVersion(running.location, "f", 5)
    versions = [new, running, waiting, done, expired, other_content]
    assert {running, waiting, expired} == ledger.unsettled(versions)
    assert set() == ledgers.of("quality").unsettled(versions)
    assert set() == ledger.unsettled([])


def test_find_gives_the_newest_content_of_a_key(ledger: Ledger) -> None:
    """Without a version, the newest item of the key is returned."""
    assert ledger.find(LOCATION) is None
    ledger.settle(claimed(ledger), DONE)
    newer = claimed(ledger, ObjectVersion(LOCATION, "etag-2", 7))
    found = ledger.find(LOCATION)
    assert found is not None
    assert (newer.id, State.RUNNING) == (found.id, found.state)


def test_concurrent_workers_claim_different_due_items(ledgers: Ledgers) -> None:
    """However many workers claim at the same moment, each item is claimed once, and no worker waits."""
    ledger, workers, items = ledgers.of("extract"), 8, 40
    for number in range(items):
        ledger.announce(ObjectVersion(Location("raw", f"incoming/{number}"), "e", 1))
    barrier = Barrier(workers)

    def work(_: int) -> list[ObjectVersion]:
        barrier.wait()
        found = []
        while due := ledger.claim_due(lease_seconds=LEASE):
            found.append(due[1])
        return found

    with ThreadPoolExecutor(workers) as threads:
        taken = [version for found in threads.map(work, range(workers)) for version in found]
    assert items == len(taken) == len(set(taken))


def test_of_16_concurrent_claims_exactly_one_gets_the_item(ledgers: Ledgers) -> None:
    """Of many workers with the same event one gets the item: a new one, a retry, or after a crash."""
    ledger, workers = ledgers.of("extract"), 16

    def claims() -> list[Claim]:
        barrier = Barrier(workers)

        def claim(_: int) -> Claim | ExistingItem:
            barrier.wait()
            return ledger.claim(VERSION, lease_seconds=LEASE)

        with ThreadPoolExecutor(workers) as threads:
            return [each for each in threads.map(claim, range(workers)) if isinstance(each, Claim)]

    (new,) = claims()
    ledger.schedule_retry(new, "away", seconds=0, crashed=False)
    (retried,) = claims()
    ledgers.advance(LEASE + 1)
    (taken_over,) = claims()
    assert [1, 2, 3] == [new.attempts, retried.attempts, taken_over.attempts]
    assert ledger.settle(taken_over, DONE)
    assert [] == claims()


def test_ping_answers(ledger: Ledger) -> None:
    """A running ledger answers."""
    ledger.ping()


def test_ledger_that_does_not_answer(kind: str) -> None:
    """Every call to a database that is away raises DependencyAwayError, without its URL."""
    if kind == "memory":
        ledger: Ledger = InMemoryLedger("extract", LedgerTable(away=True))
    else:
        database = Database("postgresql://user:secret@127.0.0.1:1/none", timeout=0.2)
        ledger = PostgresLedger(database, function="extract")
    for call in (
        lambda: ledger.claim(VERSION, lease_seconds=1),
        lambda: ledger.find(LOCATION),
        lambda: ledger.claim_due(lease_seconds=1),
        ledger.has_due,
        lambda: ledger.unsettled([VERSION]),
        ledger.ping,
    ):
        with pytest.raises(DependencyAwayError) as caught:
            call()
        assert "secret" not in str(caught.value)
    if kind == "real":
        database.close()


def test_items_are_due_after_the_clock_was_moved_back(ledgers: Ledgers) -> None:
    """If a lease or wait ends later than any can, the clock was moved back, and the item is due."""
    ledger = ledgers.of("extract")
    leased = ObjectVersion(Location("raw", "leased"), "e", 0)
    claimed(ledger, leased)
    ledger.schedule_retry(claimed(ledger), "away", seconds=30, crashed=False)
    ledgers.advance(-600)
    assert not ledger.has_due()
    ledgers.advance(-LONGEST_SECONDS)
    assert {leased.location, LOCATION} == {version.location for version in _taken(ledger)}


def test_a_pending_delete_is_due_until_the_object_is_gone(ledgers: Ledgers) -> None:
    """A settled item is listed as a pending delete until it is marked as deleted."""
    ledger = ledgers.of("extract")
    claim = claimed(ledger)
    assert ledger.settle(claim, replace(DONE, pending_delete=True))
    assert ledger.has_due()
    assert not ledgers.of("quality").has_due()
    (pending,) = ledger.pending_deletes(limit=5)
    assert (claim.id, LOCATION, "etag-1", MOVED_TO) == (
        pending.id,
        pending.version.location,
        pending.version.etag,
        pending.moved_to,
    )
    ledger.mark_deleted(claim.id)
    assert ([], False) == (ledger.pending_deletes(limit=5), ledger.has_due())


@pytest.mark.parametrize("end", [DONE, HELD, ERASED_END, DONE_NOT_MOVED])
def test_an_object_set_aside_and_announced_again_is_deleted_again(ledgers: Ledgers, end: Settlement) -> None:
    """Its maker wrote it again after it had been moved. An object that was not moved stays."""
    ledger = ledgers.of("extract")
    claim = claimed(ledger)
    assert ledger.settle(claim, end)
    assert not ledger.has_due()
    ledger.announce(VERSION)
    assert ledger.claim_due(lease_seconds=LEASE) is None
    pending = [(each.id, each.moved_to) for each in ledger.pending_deletes(limit=5)]
    assert ([] if end is DONE_NOT_MOVED else [(claim.id, end.moved_to)]) == pending
    found = ledger.find(LOCATION)
    assert found is not None
    assert end.state == found.state
