"""A stage on in-memory ports, whose work is the test's own."""

from collections.abc import Callable
from dataclasses import dataclass, field

from common.ledger.ledger import State
from common.stage.item import Item, Outcome, Result
from common.stage.stage import Stage
from common.store.event_record import EventRecord
from common.store.object_key import INCOMING, QUARANTINE, RAW, Location, processed
from common.store.object_store import ObjectVersion
from tests.in_memory.clock import Clock
from tests.in_memory.ledger import InMemoryLedger, LedgerTable, Row
from tests.in_memory.object_store import InMemoryObjectStore

LEASE_SECONDS = 60.0
RETRY_SECONDS = 5.0
MAX_CRASHES = 3
KEY = "incoming/folder/file.dcm"
PLACE = Location(RAW, KEY)
PROCESSED_PLACE = Location(RAW, "processed/folder/file.dcm")
HELD_PLACE = Location(RAW, "held/folder/file.dcm")
QUARANTINE_PLACE = Location(QUARANTINE, f"raw/{KEY}")


class WorkerKilled(BaseException):
    """The process ends here: nothing that follows in it happens."""


def move_on(item: Item) -> Outcome:
    """Work that succeeds and moves its input."""
    return Outcome("extracted", move_to=processed(item.version.location))


@dataclass
class StageBench:
    """A stage, its ports, and how often it worked."""

    work: Callable[[Item], Outcome] = move_on
    clock: Clock = field(default_factory=Clock)
    items: list[Item] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = InMemoryObjectStore(clock=self.clock)
        for bucket in (RAW, QUARANTINE):
            self.store.ensure_bucket(bucket)
        self.table = LedgerTable(self.clock)
        self.ledger = InMemoryLedger("extract", self.table)
        self.stage = Stage(
            function="extract",
            work=self._work,
            accepts=lambda at: at.bucket == RAW and at.key.startswith(INCOMING),
            store=self.store,
            ledger=self.ledger,
            lease_seconds=LEASE_SECONDS,
            retry_seconds=RETRY_SECONDS,
            max_crashes=MAX_CRASHES,
        )

    def _work(self, item: Item) -> Outcome:
        self.items.append(item)
        return self.work(item)

    def put(self, data: bytes = b"content", location: Location = PLACE) -> ObjectVersion:
        """Put an object, by default the one input of these tests."""
        return self.store.put(location, data, content_type="application/octet-stream")

    def event(self, version: ObjectVersion | None = None) -> Result:
        """Send the event of a version, by default of what lies in the input's place."""
        version = version or self.store.stat(PLACE)
        return self.stage.handle(
            EventRecord(version.location.bucket, version.location.key, version.etag, version.size)
        )

    def row(self) -> Row:
        """The only row of the ledger."""
        (row,) = self.table.rows.values()
        return row

    def state(self) -> State:
        return self.row().state

    def places(self) -> list[tuple[str, str]]:
        """Where objects lie: bucket and key."""
        return [(bucket, key) for bucket in (RAW, QUARANTINE) for key in self.store.keys(bucket)]
