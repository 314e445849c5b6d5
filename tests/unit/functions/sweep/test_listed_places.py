"""What is listed in the object store again and again: only places that hold what is pending."""

from collections.abc import Iterator

from common.store.object_key import ANNOTATIONS, FIXED_BUCKETS, METADATA, RAW, Location
from common.store.object_store import ListedObject
from functions.sweep.pending_items import PendingItems
from functions.sweep.resend import OWNERS
from infra.health import status
from infra.provision.function_card import function_cards
from tests.in_memory.image_allocation import InMemoryAllocation
from tests.in_memory.label_rows import InMemoryLabelRows
from tests.in_memory.ledger import InMemoryLedger, LedgerTable
from tests.in_memory.object_store import InMemoryObjectStore
from tests.in_memory.pending_database import PendingDatabase
from tests.in_memory.verdict_rows import InMemoryVerdictRows


class Listed(InMemoryObjectStore):
    """A store that keeps what it is asked to list, and how much it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[tuple[str, str]] = set()
        self.answered = 0

    def list_prefix(self, bucket: str, prefix: str) -> Iterator[ListedObject]:
        self.asked.add((bucket, prefix))
        for found in super().list_prefix(bucket, prefix):
            self.answered += 1
            yield found


def _store() -> Listed:
    store = Listed()
    for bucket in FIXED_BUCKETS:
        store.ensure_bucket(bucket)
    for number in range(50):
        store.put(Location(RAW, f"nas/a/{number}"), b"x", content_type="text/plain")
        store.put(Location(METADATA, f"P/1/2/{number}.json"), b"x", content_type="text/plain")
        for bucket in (RAW, ANNOTATIONS):
            store.put(Location(bucket, f"processed/a/{number}"), b"x", content_type="text/plain")
            store.put(Location(bucket, f"held/a/{number}"), b"x", content_type="text/plain")
    store.put(Location(RAW, "incoming/a"), b"x", content_type="text/plain")
    store.put(Location(ANNOTATIONS, "team/a.csv"), b"x", content_type="text/plain")
    return store


PLACES = {(RAW, "incoming/"), (ANNOTATIONS, "team/")}


def test_a_sweep_lists_what_is_pending_alone() -> None:
    """However much was processed or is held, a sweep asks for the places of what waits."""
    store, table = _store(), LedgerTable()
    allocation = InMemoryAllocation(store)
    verdicts, labels = InMemoryVerdictRows(allocation), InMemoryLabelRows(allocation)
    pending = PendingItems(
        store=store,
        database=PendingDatabase(table, allocation, verdicts, labels),  # type: ignore[arg-type]
        ledger=lambda function: InMemoryLedger(function, table),
        grace_seconds=-1,
        attempt_days=1,
    )
    found = [version for function in OWNERS for version in pending.find(function, limit=10)]
    assert 2 == len(found)
    assert (PLACES, 2) == (store.asked, store.answered)


def test_the_status_lists_what_is_pending_alone() -> None:
    """The status asks for the same places."""
    store = _store()
    found = [listed for card in function_cards() for listed in status._listed(store, card)]  # noqa: SLF001
    assert 2 == len(found)
    assert (PLACES, 2) == (store.asked, store.answered)
