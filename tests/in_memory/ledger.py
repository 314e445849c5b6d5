"""The ledger in memory, with a clock that tests can set."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from threading import RLock
from uuid import UUID, uuid4

from common.errors import DependencyAwayError
from common.ledger.ledger import (
    LONGEST_SECONDS,
    NEWEST_EVERY,
    Claim,
    ExistingItem,
    Ledger,
    PendingDelete,
    PixelRectangle,
    Settlement,
    State,
)
from common.stage.stage import ERASED
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.in_memory.database_call import InMemoryCall


@dataclass(frozen=True)
class Row:
    """One item of one function."""

    id: int
    function: str
    location: Location
    etag: str
    started_at: datetime
    size: int = 0  # unknown
    state: State = State.RUNNING
    attempts: int = 1
    crashes: int = 0
    lease: UUID | None = None
    lease_until: datetime | None = None
    due_at: datetime | None = None
    settlement: Settlement | None = None
    cause: str | None = None
    releases: int = 0
    blank: tuple[PixelRectangle, ...] = ()
    pending_delete: bool = False

    def is_free(self, now: datetime) -> bool:
        """Whether another worker may claim it: it waits for a retry, or its lease ran out."""
        return self.state is State.RETRY or self.has_expired(now)

    def is_due(self, now: datetime) -> bool:
        """Whether it is due."""
        return (self.state is State.RETRY and _is_over(self.due_at, now)) or self.has_expired(now)

    def was_moved(self) -> bool:
        """Whether it is settled and its object was moved or erased."""
        end = self.settlement
        if end is None or self.state not in {State.DONE, State.HELD, State.REFUSED, State.QUARANTINED}:
            return False
        return end.moved_to is not None or end.outcome == ERASED

    def has_expired(self, now: datetime) -> bool:
        """Whether its lease ran out."""
        return self.state is State.RUNNING and _is_over(self.lease_until, now)


@dataclass
class LedgerTable:
    """The rows of all functions."""

    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    away: bool = False
    rows: dict[int, Row] = field(default_factory=dict)
    lock: RLock = field(default_factory=RLock)

    def answer(self) -> None:
        """Raise if `away` is set."""
        if self.away:
            raise DependencyAwayError("The database does not answer; see DATABASE_URL.")

    def announce(self, function: str, version: ObjectVersion, *, before: timedelta = timedelta()) -> None:
        """Insert a row that is due at once, and so much before others, unless there is one."""
        with self.lock:
            self.answer()
            known = self._row(function, version)
            if known is not None and known.was_moved():
                self.rows[known.id] = replace(known, pending_delete=True)
            elif known is None:
                number, now = len(self.rows) + 1, self.clock()
                row = Row(number, function, version.location, version.etag, now, version.size, attempts=0)
                self.rows[number] = replace(row, state=State.RETRY, due_at=now - before)

    def _row(self, function: str, version: ObjectVersion) -> Row | None:
        name = (function, version.location, version.etag)
        rows = self.rows.values()
        return next((row for row in rows if (row.function, row.location, row.etag) == name), None)

    def reopen(self, item_id: int) -> None:
        """Change a row as `dcm2set replay` does: it is due again, and still says where the object is."""
        row = self.rows[item_id]
        moved_to = row.settlement.moved_to if row.settlement else None
        self.rows[item_id] = replace(
            row,
            state=State.RETRY,
            due_at=self.clock(),
            crashes=0,
            settlement=Settlement(State.RETRY, moved_to=moved_to),
            cause=None,
        )

    def release(self, item_id: int, blank: tuple[PixelRectangle, ...] = ()) -> None:
        """Change a row as `dcm2set release` does."""
        row = self.rows[item_id]
        self.rows[item_id] = replace(row, releases=row.releases + 1, blank=blank or row.blank)
        self.reopen(item_id)


@dataclass
class InMemoryLedger(Ledger):
    """One function's rows."""

    function: str = "extract"
    table: LedgerTable = field(default_factory=LedgerTable)
    claims: Iterator[int] = field(default_factory=partial(count, 1))  # of due items

    def claim(self, version: ObjectVersion, *, lease_seconds: float) -> Claim | ExistingItem:
        with self.table.lock:
            self.table.answer()
            now = self.table.clock()
            row = self._row(version.location, version.etag)
            if row is not None and not row.is_free(now):
                return _existing_item(row)
            if row is None:
                number = len(self.table.rows) + 1
                row = Row(
                    number, self.function, version.location, version.etag, now, version.size, attempts=0
                )
            return self._lease(row, lease_seconds)

    def claim_due(self, *, lease_seconds: float) -> tuple[Claim, ObjectVersion] | None:
        with self.table.lock:
            self.table.answer()
            due = self._due()
            if not due:
                return None
            newest = [row for row in due if row.due_at] if next(self.claims) % NEWEST_EVERY == 0 else []
            row = newest[-1] if newest else due[0]
            return self._lease(row, lease_seconds), ObjectVersion(row.location, row.etag, row.size)

    def _lease(self, row: Row, lease_seconds: float) -> Claim:
        now, lease = self.table.clock(), uuid4()
        leased = self.table.rows[row.id] = replace(
            row,
            state=State.RUNNING,
            attempts=row.attempts + 1,
            crashes=row.crashes + (row.attempts > 0 and row.state is State.RUNNING),
            lease=lease,
            lease_until=now + timedelta(seconds=lease_seconds),
            due_at=None,
            started_at=now,
        )
        return Claim(leased.id, lease, leased.attempts, leased.crashes, leased.releases, blank=leased.blank)

    def announce(self, version: ObjectVersion) -> None:
        self.table.announce(self.function, version, before=timedelta(days=30))

    def find(self, location: Location) -> ExistingItem | None:
        self.table.answer()
        found = self._row(location, None)
        return _existing_item(found) if found else None

    def renew(self, claim: Claim, *, lease_seconds: float) -> bool:
        until = self.table.clock() + timedelta(seconds=lease_seconds)
        return self._change(claim, lease_until=until)

    def settle(self, claim: Claim, settlement: Settlement) -> bool:
        if self._has_lease(claim):
            if isinstance(settlement.database_call, InMemoryCall):
                settlement.database_call.write()
            for function, version in settlement.announces:
                self.table.announce(function, version)
        ended = {"lease": None, "lease_until": None, "due_at": None, "crashes": 0}
        return self._end(
            claim,
            state=settlement.state,
            settlement=settlement,
            cause=settlement.cause,
            pending_delete=settlement.pending_delete,
            **ended,
        )

    def pending_deletes(self, *, limit: int) -> list[PendingDelete]:
        self.table.answer()
        rows = [row for row in self._own() if row.pending_delete][:limit]
        return [
            PendingDelete(
                row.id,
                ObjectVersion(row.location, row.etag, 0),
                row.settlement.moved_to if row.settlement else None,
            )
            for row in rows
        ]

    def mark_deleted(self, item_id: int) -> None:
        with self.table.lock:
            self.table.answer()
            self.table.rows[item_id] = replace(self.table.rows[item_id], pending_delete=False)

    def schedule_retry(self, claim: Claim, cause: str, *, seconds: float, crashed: bool) -> bool:
        return self._end(
            claim,
            state=State.RETRY,
            cause=cause,
            lease=None,
            lease_until=None,
            crashes=self.table.rows[claim.id].crashes + 1 if crashed else 0,
            due_at=self.table.clock() + timedelta(seconds=seconds),
        )

    def has_due(self) -> bool:
        self.table.answer()
        return bool(self._due() or self.pending_deletes(limit=1))

    def _due(self) -> list[Row]:
        """Oldest first: due retries before items whose lease ran out."""
        now = self.table.clock()
        return sorted(
            (row for row in self._own() if row.is_due(now)),
            key=lambda row: (row.has_expired(now), row.due_at or row.started_at),
        )

    def unsettled(self, versions: Iterable[ObjectVersion]) -> set[ObjectVersion]:
        self.table.answer()
        busy = {(row.location, row.etag) for row in self._own() if row.state in {State.RUNNING, State.RETRY}}
        return {version for version in versions if (version.location, version.etag) in busy}

    def ping(self) -> None:
        self.table.answer()

    def _own(self) -> list[Row]:
        with self.table.lock:
            return [row for row in self.table.rows.values() if row.function == self.function]

    def _row(self, location: Location, etag: str | None) -> Row | None:
        rows = [row for row in self._own() if row.location == location and etag in (None, row.etag)]
        return max(rows, key=lambda row: row.id, default=None)

    def _end(self, claim: Claim, **values: object) -> bool:
        """Change the row of a claim; for a late worker only subtract the crash counted for it."""
        with self.table.lock:
            if self._change(claim, **values):
                return True
            row = self.table.rows[claim.id]
            if row.lease != claim.lease and row.state in {State.RUNNING, State.RETRY}:
                self.table.rows[claim.id] = replace(row, crashes=max(0, row.crashes - 1))
            return False

    def _change(self, claim: Claim, **values: object) -> bool:
        """Change the row of a claim, unless another worker has the item now."""
        with self.table.lock:
            if not self._has_lease(claim):
                return False
            self.table.rows[claim.id] = replace(self.table.rows[claim.id], **values)  # type: ignore[arg-type]
            return True

    def _has_lease(self, claim: Claim) -> bool:
        """Whether the claim still has the lease."""
        with self.table.lock:
            self.table.answer()
            row = self.table.rows[claim.id]
            return row.lease == claim.lease and row.state is State.RUNNING


def _is_over(moment: datetime | None, now: datetime) -> bool:
    """Whether a time has come, or is so late that the clock must have been moved back since."""
    if moment is None:
        return False
    return moment <= now or moment > now + timedelta(seconds=LONGEST_SECONDS)


def _existing_item(row: Row) -> ExistingItem:
    end = row.settlement
    return ExistingItem(
        row.id, row.state, end.outcome if end else None, row.cause, end.moved_to if end else None
    )
