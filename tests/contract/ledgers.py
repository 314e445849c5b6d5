"""The ledgers of functions, in memory and in Postgres, with a way to let time pass."""

from collections.abc import Callable
from dataclasses import dataclass

from common.database import Database
from common.ledger.ledger import Claim, ExistingItem, Ledger, Settlement, State
from common.ledger.postgres_ledger import PostgresLedger
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.in_memory.clock import Clock
from tests.in_memory.ledger import InMemoryLedger, LedgerTable

LEASE = 60.0
LOCATION = Location("raw", "incoming/Doe^Jane Müller 100%+1.dcm")
VERSION = ObjectVersion(LOCATION, "etag-1", 7)
MOVED_TO = Location("raw", "processed/x")
DONE = Settlement(State.DONE, outcome="extracted", sop_instance_uid="2.25.1", moved_to=MOVED_TO)


@dataclass(frozen=True)
class Ledgers:
    """The ledgers of functions on one table, and a way to let time pass."""

    of: Callable[[str], Ledger]
    advance: Callable[[float], None]


def make_ledgers(database: Database | None) -> Ledgers:
    """The ledgers in Postgres, or in memory if there is no database."""
    if database is None:
        clock = Clock()
        table = LedgerTable(clock)
        return Ledgers(lambda function: InMemoryLedger(function, table), clock.advance)

    def advance(seconds: float) -> None:
        # To move all times in the table back has the same effect as to move the clock forward.
        database.run(
            "update ledger_item set lease_until = lease_until - make_interval(secs => %(s)s), "
            "due_at = due_at - make_interval(secs => %(s)s), "
            "started_at = started_at - make_interval(secs => %(s)s)",
            s=seconds,
        )

    return Ledgers(lambda function: PostgresLedger(database, function=function), advance)


def claimed(ledger: Ledger, version: ObjectVersion = VERSION) -> Claim:
    claim = ledger.claim(version, lease_seconds=LEASE)
    assert isinstance(claim, Claim)
    return claim


def existing(ledger: Ledger, version: ObjectVersion = VERSION) -> ExistingItem:
    item = ledger.claim(version, lease_seconds=LEASE)
    assert isinstance(item, ExistingItem)
    return item
