"""The ledger: who works on which object version, and what became of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import LiteralString, Protocol
from uuid import UUID

from common.errors import UNKNOWN, Subject, TextFound
from common.store.object_key import Location
from common.store.object_store import ObjectVersion

PixelRectangle = tuple[int, int, int, int]  # left, top, width, height
LONGEST_SECONDS = 3600.0  # a lease or a wait, where nobody knows better


class State(StrEnum):
    """What a ledger row says of its item."""

    RUNNING = "running"
    DONE = "done"
    RETRY = "retry"
    HELD = "held"
    REFUSED = "refused"  # by a person, after it was held
    QUARANTINED = "quarantined"


@dataclass(frozen=True)
class Claim:
    """A lease on one item: nobody else works on it until the lease runs out."""

    id: int
    lease: UUID
    attempts: int  # including this one
    crashes: int  # earlier attempts in a row that ended without a settlement
    releases: int  # how often a person released it from the burned-in text gate
    source: str | None = None  # what it came of: file-N of the NAS, or item-N put into raw directly
    blank: tuple[PixelRectangle, ...] = ()  # what a person wants to be made black


@dataclass(frozen=True)
class ExistingItem:
    """An item that can't be claimed: settled, leased by another worker, or waiting for a retry."""

    id: int
    state: State
    outcome: str | None
    cause: str | None
    moved_to: Location | None  # where the object was moved to
    source: str | None = field(default=None, compare=False)  # what it came of


@dataclass(frozen=True)
class DatabaseCall:
    """A call of a function of the database, made in the statement that settles an item, or not at all."""

    call: LiteralString  # for example "record_verdict(%(frame)s)"
    values: Mapping[str, object]  # by the names in the call; none of them is a name of the settlement


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
    text_found: TextFound | None = None  # in the pictures of a held file
    announces: tuple[tuple[str, ObjectVersion], ...] = ()  # functions, and the objects made for them
    database_call: DatabaseCall | None = None
    pending_delete: bool = False  # whether the object is still to be deleted, where no listing covers it


@dataclass(frozen=True)
class PendingDelete:
    """A settled item whose object is still to be deleted."""

    id: int
    version: ObjectVersion
    moved_to: Location | None  # where its copy is; None: it is deleted for good


NEWEST_EVERY = 4
"""Of so many claims of due items, one takes the newest item and the others the oldest."""


class Ledger(Protocol):
    """One function's rows of the ledger. Raises DependencyAwayError when it does not answer."""

    def claim(self, version: ObjectVersion, *, lease_seconds: float) -> Claim | ExistingItem:
        """Claim the item if it is new, waits for a retry, or its lease ran out."""

    def claim_due(self, *, lease_seconds: float) -> tuple[Claim, ObjectVersion] | None:
        """Claim the item that has been due longest, or one whose lease ran out; None if there is none.

        One of `NEWEST_EVERY` claims takes the item that became due last, so that neither files that are put
        one by one nor those of a large folder wait for all of the others.
        The size is 0 where the announcement did not say it.
        """

    def announce(self, version: ObjectVersion) -> None:
        """Insert an item that is due before all that functions announced; a known item stays as it is.

        The object of a known item that was moved is at its old location again: its deletion is pending again.
        """

    def find(self, location: Location) -> ExistingItem | None:
        """The newest item of that bucket and key."""

    def renew(self, claim: Claim, *, lease_seconds: float) -> bool:
        """Extend the lease; False if another worker has the item now."""

    def settle(self, claim: Claim, settlement: Settlement) -> bool:
        """End the claim, make the database call and announce what was made, all or nothing.

        False if another worker has the item now. Then the item stays theirs, and is not counted as crashed.
        Raises ConflictError if the call contradicts what is stored; then the claim stands.
        """

    def pending_deletes(self, *, limit: int) -> list[PendingDelete]:
        """Settled items whose objects are still to be deleted."""

    def mark_deleted(self, item_id: int) -> None:
        """Note that the object at its old location is deleted."""

    def schedule_retry(self, claim: Claim, cause: str, *, seconds: float, crashed: bool) -> bool:
        """End the claim for now; the item is due again after that many seconds. False as in settle."""

    def has_due(self) -> bool:
        """Whether an item is due, a lease ran out, or a deletion is pending."""

    def unsettled(self, versions: Iterable[ObjectVersion]) -> set[ObjectVersion]:
        """Those of the versions that are leased, or wait for a retry."""

    def ping(self) -> None:
        """Raise unless the ledger answers."""
