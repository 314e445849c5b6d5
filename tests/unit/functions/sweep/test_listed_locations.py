"""Only locations with pending objects are listed repeatedly."""

from collections.abc import Iterator

from common.store.object_key import ANNOTATIONS, FIXED_BUCKETS, METADATA, RAW, Location
from common.store.object_store import ListedObject
from functions.sweep.pending_items import PendingItems
from functions.sweep.resend import FUNCTIONS
from infra.health import status
from infra.provision.function_card import function_cards
from tests.in_memory.image_allocation import InMemoryAllocation
from tests.in_memory.label_rows import InMemoryLabelRows
from tests.in_memory.ledger import InMemoryLedger, LedgerTable
from tests.in_memory.object_store import InMemoryObjectStore
from tests.in_memory.pending_database import PendingDatabase
from tests.in_memory.verdict_rows import InMemoryVerdictRows


class ListingStore(InMemoryObjectStore):
    """A store that records which prefixes are listed, and how many objects it returns."""

    def __init__(self) -> None:
        super().__init__()
        self.prefixes: set[tuple[str, str]] = set()
        self.returned = 0

    def list_prefix(self, bucket: str, prefix: str, *, after: str | None = None) -> Iterator[ListedObject]:
        self.prefixes.add((bucket, prefix))
        for found in super().list_prefix(bucket, prefix, after=after):
            self.returned += 1
            yield found


def _store() -> ListingStore:
    store = ListingStore()
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


PENDING_PREFIXES = {(RAW, "incoming/"), (ANNOTATIONS, "team/")}


def test_a_sweep_lists_only_pending_objects() -> None:
    """A sweep lists only prefixes with waiting objects, however many were processed or are held."""
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
    found = [version for function in FUNCTIONS for version in pending.find_missed(function, limit=10)]
    assert 2 == len(found)
    assert (PENDING_PREFIXES, 2) == (store.prefixes, store.returned)


def test_the_status_lists_only_pending_objects() -> None:
    """The status lists the same prefixes."""
    store = _store()
    found = [listed for card in function_cards() for listed in status.listed_objects(store, card)]
    assert 2 == len(found)
    assert (PENDING_PREFIXES, 2) == (store.prefixes, store.returned)
