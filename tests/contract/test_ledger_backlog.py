"""The ledger's contract: what is due, what is busy, who gets it of many, and a database that is away."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from common.database import Database
from common.errors import DependencyAwayError
from common.ledger import LONGEST_SECONDS, Claim, Known, Ledger, State
from common.object_key import Location
from common.object_store import ObjectVersion
from common.postgres_ledger import PostgresLedger
from tests.contract.conftest import KINDS
from tests.contract.ledgers import DONE, LEASE, PLACE, VERSION, Ledgers, claimed, make_ledgers
from tests.in_memory.ledger import InMemoryLedger, LedgerTable


@pytest.fixture(params=KINDS)
def ledgers(request: pytest.FixtureRequest) -> Ledgers:
    return make_ledgers(request)


@pytest.fixture
def ledger(ledgers: Ledgers) -> Ledger:
    return ledgers.of("extract")


def test_due_lists_retries_whose_time_has_come(ledgers: Ledgers) -> None:
    """An item put off is due after its seconds, and not before."""
    ledger = ledgers.of("extract")
    ledger.retry_later(claimed(ledger), "away", seconds=30, crashed=False)
    assert [] == ledger.due(limit=10)
    ledgers.advance(31)
    assert [ObjectVersion(PLACE, "etag-1", 0)] == ledger.due(limit=10)


def test_due_lists_lost_workers_and_nothing_settled(ledgers: Ledgers) -> None:
    """Items whose lease ran out are due; settled ones and those of other functions are not."""
    ledger = ledgers.of("extract")
    lost = ObjectVersion(Location("raw", "lost"), "e", 0)
    claimed(ledger, lost)
    ledger.settle(claimed(ledger), DONE)
    claimed(ledgers.of("quality"), ObjectVersion(Location("raw", "other"), "e", 0))
    assert [] == ledger.due(limit=10)
    ledgers.advance(LEASE + 1)
    assert [lost] == ledger.due(limit=10)


def test_due_gives_the_oldest_up_to_a_limit(ledgers: Ledgers) -> None:
    """Of many due items the ones that were started first come first."""
    ledger = ledgers.of("extract")
    for number in range(4):
        ledger.retry_later(
            claimed(ledger, ObjectVersion(Location("raw", f"{number}"), "e", 0)),
            "away",
            seconds=0,
            crashed=False,
        )
        ledgers.advance(1)
    assert ["0", "1"] == [version.location.key for version in ledger.due(limit=2)]


def test_an_expected_item_is_due_at_once_and_was_never_tried(ledgers: Ledgers) -> None:
    """What there was no time for is known, and its claim is its first attempt; a known one stays as it is."""
    ledger = ledgers.of("extract")
    ledger.expect(VERSION)
    ledger.expect(VERSION)
    assert [ObjectVersion(PLACE, "etag-1", 0)] == ledger.due(limit=5)
    claim = claimed(ledger, VERSION)
    assert (1, 0) == (claim.attempts, claim.crashes)
    ledger.expect(VERSION)
    found = ledger.find(PLACE)
    assert found is not None
    assert State.RUNNING == found.state
    assert [] == ledger.due(limit=5)


def test_busy_names_what_is_leased_or_waits(ledgers: Ledgers) -> None:
    """Of given versions, those being worked on or put off are busy; new, due and settled ones are not."""
    ledger = ledgers.of("extract")
    new, running, waiting, done, lost = (
        ObjectVersion(Location("raw", name), "e", 5) for name in ("new", "running", "waiting", "done", "lost")
    )
    claimed(ledger, lost)
    ledgers.advance(LEASE + 1)
    claimed(ledger, running)
    ledger.retry_later(claimed(ledger, waiting), "away", seconds=30, crashed=False)
    ledger.settle(claimed(ledger, done), DONE)
    other_content = ObjectVersion(running.location, "f", 5)
    versions = [new, running, waiting, done, lost, other_content]
    assert {running, waiting} == ledger.busy(versions)
    assert set() == ledgers.of("quality").busy(versions)
    assert set() == ledger.busy([])


def test_find_gives_the_newest_content_of_a_key(ledger: Ledger) -> None:
    """Without a version, the newest item of the key is told."""
    assert ledger.find(PLACE) is None
    ledger.settle(claimed(ledger), DONE)
    newer = claimed(ledger, ObjectVersion(PLACE, "etag-2", 7))
    found = ledger.find(PLACE)
    assert found is not None
    assert (newer.id, State.RUNNING) == (found.id, found.state)


def test_of_16_claims_at_once_exactly_one_gets_the_item(ledgers: Ledgers) -> None:
    """However many workers have the same event, one works: on a new item, a retry and a lost one."""
    ledger, workers = ledgers.of("extract"), 16

    def claims() -> list[Claim]:
        barrier = Barrier(workers)

        def claim(_: int) -> Claim | Known:
            barrier.wait()
            return ledger.claim(VERSION, lease_seconds=LEASE)

        with ThreadPoolExecutor(workers) as threads:
            return [each for each in threads.map(claim, range(workers)) if isinstance(each, Claim)]

    (new,) = claims()
    ledger.retry_later(new, "away", seconds=0, crashed=False)
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
        lambda: ledger.due(limit=1),
        lambda: ledger.busy([VERSION]),
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
    ledger.retry_later(claimed(ledger), "away", seconds=30, crashed=False)
    waiting = ObjectVersion(PLACE, "etag-1", 0)
    ledgers.advance(-600)
    assert {leased, VERSION} == ledger.busy([leased, VERSION])
    ledgers.advance(-LONGEST_SECONDS)
    assert {leased, waiting} == set(ledger.due(limit=10))
    assert set() == ledger.busy([leased, VERSION])
    assert isinstance(ledger.claim(leased, lease_seconds=LEASE), Claim)
