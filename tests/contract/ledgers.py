"""The ledgers of functions, in memory and in Postgres, with a way to let time pass."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from common.database import Database
from common.ledger.ledger import Claim, ExistingItem, Ledger, Settlement, State
from common.ledger.postgres_ledger import PostgresLedger
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.in_memory.clock import Clock
from tests.in_memory.ledger import InMemoryLedger, LedgerTable

LEASE = 60.0
PLACE = Location("raw", "incoming/Doe^Jane Müller 100%+1.dcm")
VERSION = ObjectVersion(PLACE, "etag-1", 7)
GONE_TO = Location("raw", "processed/x")
DONE = Settlement(State.DONE, outcome="extracted", sop_instance_uid="2.25.1", moved_to=GONE_TO)


@dataclass(frozen=True)
class Ledgers:
    """The ledgers of functions on one table, and a way to let time pass."""

    of: Callable[[str], Ledger]
    advance: Callable[[float], None]


def make_ledgers(request: pytest.FixtureRequest) -> Ledgers:
    """Ledgers of the kind that a fixture asks for."""
    if request.param == "memory":
        clock = Clock()
        table = LedgerTable(clock)
        return Ledgers(lambda function: InMemoryLedger(function, table), clock.advance)
    database: Database = request.getfixturevalue("database")

    def advance(seconds: float) -> None:
        # Every moment in the table so much earlier is the same as so much later now.
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


def known(ledger: Ledger, version: ObjectVersion = VERSION) -> ExistingItem:
    known = ledger.claim(version, lease_seconds=LEASE)
    assert isinstance(known, ExistingItem)
    return known
