"""The ledger's contract: what is due, what is busy, who gets it of many, and a database that is away."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from common.database import Database
from common.errors import DependencyAwayError
from common.ledger.ledger import LONGEST_SECONDS, Claim, ExistingItem, Ledger, Settlement, State
from common.ledger.postgres_ledger import PostgresLedger
from common.stage.stage import ERASED
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.contract.conftest import KINDS
from tests.contract.ledgers import DONE, GONE_TO, LEASE, PLACE, VERSION, Ledgers, claimed, make_ledgers
from tests.in_memory.ledger import InMemoryLedger, LedgerTable

HELD = Settlement(State.HELD, moved_to=GONE_TO)
ERASED_END = Settlement(State.DONE, outcome=ERASED)
DONE_IN_PLACE = Settlement(State.DONE, outcome="extracted")


@pytest.fixture(params=KINDS)
def ledgers(request: pytest.FixtureRequest) -> Ledgers:
    return make_ledgers(request)


@pytest.fixture
def ledger(ledgers: Ledgers) -> Ledger:
    return ledgers.of("extract")


def _taken(ledger: Ledger) -> list[ObjectVersion]:
    """Everything that is due, in the order in which it is taken."""
    has_due, found = ledger.has_due(), []
    while due := ledger.claim_due(lease_seconds=LEASE):
        found.append(due[1])
    assert has_due == bool(found)
    return found


def test_retries_are_taken_once_their_time_has_come(ledgers: Ledgers) -> None:
    """An item put off is due after its seconds, and not before; taking it is another attempt."""
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


def test_lost_items_are_taken_and_nothing_settled(ledgers: Ledgers) -> None:
    """Items whose lease ran out are due, which counts as a crash; settled ones and others' are not."""
    ledger = ledgers.of("extract")
    lost = ObjectVersion(Location("raw", "lost"), "e", 0)
    claimed(ledger, lost)
    ledger.settle(claimed(ledger), DONE)
    claimed(ledgers.of("quality"), ObjectVersion(Location("raw", "other"), "e", 0))
    assert [] == _taken(ledger)
    ledgers.advance(LEASE + 1)
    due = ledger.claim_due(lease_seconds=LEASE)
    assert due is not None
    assert (lost, 1) == (due[1], due[0].crashes)


def test_the_one_that_has_been_due_longest_is_taken_first(ledgers: Ledgers) -> None:
    """Of many due items the order is that in which they became due."""
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


def test_an_expected_item_is_due_at_once_and_was_never_tried(ledgers: Ledgers) -> None:
    """What there was no time for is known, and its claim is its first attempt; a known one stays as it is."""
    ledger = ledgers.of("extract")
    ledger.announce(VERSION)
    ledger.announce(VERSION)
    assert ledger.has_due()
    claim = claimed(ledger, VERSION)
    assert (1, 0) == (claim.attempts, claim.crashes)
    ledger.announce(VERSION)
    found = ledger.find(PLACE)
    assert found is not None
    assert State.RUNNING == found.state
    assert [] == _taken(ledger)


def test_what_a_settlement_announces_is_due_at_once(ledgers: Ledgers) -> None:
    """Each function has what was made for it to do; what it knows already stays as it is."""
    made = [ObjectVersion(Location("images-1", f"{number}.png"), "e", 9) for number in (1, 2)]
    document = ObjectVersion(Location("metadata", "a.json"), "d", 3)
    quality, metadata = ledgers.of("quality"), ledgers.of("store_metadata")
    assert quality.settle(claimed(quality, made[0]), DONE)
    announces = (("store_metadata", document), *(("quality", version) for version in made))
    ledger = ledgers.of("extract")
    assert ledger.settle(claimed(ledger), replace(DONE, announces=announces))
    assert ([made[1]], [document], []) == (_taken(quality), _taken(metadata), _taken(ledger))


def test_busy_names_what_is_leased_or_waits(ledgers: Ledgers) -> None:
    """Of given versions, those in work, lost or to be retried are busy; new and settled ones are not."""
    ledger = ledgers.of("extract")
    new, running, waiting, done, lost = (
        ObjectVersion(Location("raw", name), "e", 5) for name in ("new", "running", "waiting", "done", "lost")
    )
    claimed(ledger, lost)
    ledgers.advance(LEASE + 1)
    claimed(ledger, running)
    ledger.schedule_retry(claimed(ledger, waiting), "away", seconds=30, crashed=False)
    ledger.settle(claimed(ledger, done), DONE)
    other_content = ObjectVersion(running.location, "f", 5)
    versions = [new, running, waiting, done, lost, other_content]
    assert {running, waiting, lost} == ledger.unsettled(versions)
    assert set() == ledgers.of("quality").unsettled(versions)
    assert set() == ledger.unsettled([])


def test_find_gives_the_newest_content_of_a_key(ledger: Ledger) -> None:
    """Without a version, the newest item of the key is told."""
    assert ledger.find(PLACE) is None
    ledger.settle(claimed(ledger), DONE)
    newer = claimed(ledger, ObjectVersion(PLACE, "etag-2", 7))
    found = ledger.find(PLACE)
    assert found is not None
    assert (newer.id, State.RUNNING) == (found.id, found.state)


def test_of_many_that_take_what_is_due_each_gets_another(ledgers: Ledgers) -> None:
    """However many workers look at the same moment, each item is taken once, and none waits for another."""
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


def test_of_16_claims_at_once_exactly_one_gets_the_item(ledgers: Ledgers) -> None:
    """However many workers have the same event, one works: on a new item, a retry and a lost one."""
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
    """A ledger that is there answers."""
    ledger.ping()


@pytest.mark.parametrize("kind", KINDS)
def test_ledger_that_does_not_answer(kind: str) -> None:
    """Every call to a database that is away raises DependencyAwayError, without its URL."""
    if kind == "memory":
        ledger: Ledger = InMemoryLedger("extract", LedgerTable(away=True))
    else:
        database = Database("postgresql://user:secret@127.0.0.1:1/none", timeout=0.2)
        ledger = PostgresLedger(database, function="extract")
    for call in (
        lambda: ledger.claim(VERSION, lease_seconds=1),
        lambda: ledger.find(PLACE),
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


def test_a_clock_moved_back_keeps_nothing_waiting(ledgers: Ledgers) -> None:
    """A lease or a wait that ends farther ahead than any may is over: the clock was moved since."""
    ledger = ledgers.of("extract")
    leased = ObjectVersion(Location("raw", "leased"), "e", 0)
    claimed(ledger, leased)
    ledger.schedule_retry(claimed(ledger), "away", seconds=30, crashed=False)
    ledgers.advance(-600)
    assert not ledger.has_due()
    ledgers.advance(-LONGEST_SECONDS)
    assert {leased.location, PLACE} == {version.location for version in _taken(ledger)}


def test_what_is_still_to_be_deleted_is_due_until_it_is_gone(ledgers: Ledgers) -> None:
    """A settled item whose object lies where nobody lists it is told until it was seen gone."""
    ledger = ledgers.of("extract")
    claim = claimed(ledger)
    assert ledger.settle(claim, replace(DONE, pending_delete=True))
    assert ledger.has_due()
    assert not ledgers.of("quality").has_due()
    (leaving,) = ledger.pending_deletes(limit=5)
    assert (claim.id, PLACE, "etag-1", GONE_TO) == (
        leaving.id,
        leaving.version.location,
        leaving.version.etag,
        leaving.moved_to,
    )
    ledger.mark_deleted(claim.id)
    assert ([], False) == (ledger.pending_deletes(limit=5), ledger.has_due())


@pytest.mark.parametrize("end", [DONE, HELD, ERASED_END, DONE_IN_PLACE])
def test_what_was_set_aside_and_is_announced_again_leaves_again(ledgers: Ledgers, end: Settlement) -> None:
    """Its maker put it once more, not knowing what became of it; what stays where it is stays as it is."""
    ledger = ledgers.of("extract")
    claim = claimed(ledger)
    assert ledger.settle(claim, end)
    assert not ledger.has_due()
    ledger.announce(VERSION)
    assert ledger.claim_due(lease_seconds=LEASE) is None
    leaving = [(each.id, each.moved_to) for each in ledger.pending_deletes(limit=5)]
    assert ([] if end is DONE_IN_PLACE else [(claim.id, end.moved_to)]) == leaving
    found = ledger.find(PLACE)
    assert found is not None
    assert end.state == found.state
