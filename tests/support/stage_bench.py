"""A stage on in-memory ports, whose work a test defines."""

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
INPUT_LOCATION = Location(RAW, KEY)
PROCESSED_LOCATION = Location(RAW, "processed/folder/file.dcm")
HELD_LOCATION = Location(RAW, "held/folder/file.dcm")
QUARANTINE_LOCATION = Location(QUARANTINE, f"raw/{KEY}")


class WorkerKilled(BaseException):
    """Stands for the end of the process: no handler for Exception runs."""


def raise_error(error: BaseException) -> Outcome:
    """Work that fails; for a lambda, which can have no raise statement."""
    raise error


def move_on(item: Item) -> Outcome:
    """Work that succeeds and moves its input."""
    return Outcome("extracted", move_to=processed(item.version.location))


@dataclass
class StageBench:
    """A stage, its in-memory ports and the items it worked on."""

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

    def put(self, data: bytes = b"content", location: Location = INPUT_LOCATION) -> ObjectVersion:
        """Put an object, by default the input of these tests."""
        return self.store.put(location, data, content_type="application/octet-stream")

    def event(self, version: ObjectVersion | None = None) -> Result:
        """Handle the event of a version, by default of the current version of the input."""
        version = version or self.store.stat(INPUT_LOCATION)
        return self.stage.handle(
            EventRecord(version.location.bucket, version.location.key, version.etag, version.size)
        )

    def row(self) -> Row:
        """The only row of the ledger."""
        (row,) = self.table.rows.values()
        return row

    def state(self) -> State:
        return self.row().state

    def locations(self) -> list[tuple[str, str]]:
        """The bucket and key of every object."""
        return [(bucket, key) for bucket in (RAW, QUARANTINE) for key in self.store.keys(bucket)]
