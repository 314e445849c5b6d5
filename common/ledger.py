"""The ledger: who works on which object version, and what became of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import LiteralString, Protocol
from uuid import UUID

from common.errors import UNKNOWN, Subject
from common.object_key import Location
from common.object_store import ObjectVersion

LONGEST_SECONDS = 3600.0  # a lease or a wait, where nobody knows better


class State(StrEnum):
    """What a ledger row says of its item."""

    RUNNING = "running"
    DONE = "done"
    RETRY = "retry"
    HELD = "held"
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Claim:
    """A lease on one item: nobody else works on it until the lease runs out."""

    id: int
    lease: UUID
    attempts: int  # this one included
    crashes: int  # attempts before this one, in a row, that never came back
    releases: int  # how often a person let it pass the gate
    source: str | None = None  # what it came of: file-N of the NAS, or item-N put into raw directly


@dataclass(frozen=True)
class Known:
    """An item that is not for us: settled, or leased to someone else."""

    id: int
    state: State
    outcome: str | None
    cause: str | None
    moved_to: Location | None  # where the object went
    source: str | None = field(default=None, compare=False)  # what it came of


@dataclass(frozen=True)
class Record:
    """Rows that are written with a settlement, or not at all: a call of a function of the database."""

    call: LiteralString  # as in "record_verdict(%(frame)s)"
    values: Mapping[str, object]  # by the names in the call; none is a name of the settlement's own


@dataclass(frozen=True)
class Settlement:
    """How an item ends."""

    state: State
    outcome: str | None = None
    cause: str | None = None
    next_step: str | None = None
    sop_instance_uid: str | None = None
    moved_to: Location | None = None
    subject: Subject = UNKNOWN
    announces: tuple[tuple[str, ObjectVersion], ...] = ()  # functions, and what was made for them
    record: Record | None = None
    leaves: bool = False  # whether the object is still to be deleted, in a place that nobody lists


@dataclass(frozen=True)
class Leaving:
    """A settled item whose object was not seen gone from where it was."""

    id: int
    version: ObjectVersion
    moved_to: Location | None  # None: it goes for good


class Ledger(Protocol):
    """One function's rows of the ledger. Raises DependencyAwayError when it does not answer."""

    def claim(self, version: ObjectVersion, *, lease_seconds: float) -> Claim | Known:
        """Take the item if it is new, to be retried, or its lease ran out."""

    def claim_due(self, *, lease_seconds: float) -> tuple[Claim, ObjectVersion] | None:
        """Take the item that has been due longest, or one whose lease ran out; None if there is none.

        A size that nobody told is 0.
        """

    def expect(self, version: ObjectVersion) -> None:
        """Remember an item that nobody has time for now, as due; one that is known stays as it is.

        If that was set aside, its object lies in its old place once more, and is to leave again.
        """

    def find(self, location: Location) -> Known | None:
        """The newest item of that bucket and key."""

    def renew(self, claim: Claim, *, lease_seconds: float) -> bool:
        """Make the lease last longer; False if someone else has the item now."""

    def settle(self, claim: Claim, settlement: Settlement) -> bool:
        """End the claim, write its record and make what it announces due as by `expect`, all or nothing.

        False if someone else has the item now. Then the item stays theirs: the worker was not lost, so
        what counts as its crash is taken back. Raises ConflictError if the record contradicts what is
        stored; then the claim stands.
        """

    def leaving(self, *, limit: int) -> list[Leaving]:
        """Settled items whose objects are still to be deleted."""

    def left(self, item_id: int) -> None:
        """The object is gone from where it was."""

    def retry_later(self, claim: Claim, cause: str, *, seconds: float, crashed: bool) -> bool:
        """End the claim for now; the item is due again after so many seconds. False as in settle."""

    def has_due(self) -> bool:
        """Whether anything is to be retried now, its lease ran out, or its object is still to be deleted."""

    def busy(self, versions: Iterable[ObjectVersion]) -> set[ObjectVersion]:
        """Those of the versions that are leased, or to be retried now or later."""

    def ping(self) -> None:
        """Raise unless the ledger answers."""
