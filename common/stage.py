"""A stage of the line: claim an object, work on it, record and settle, only then move the input.

The order makes any crash harmless: outputs lie under deterministic keys, so doing the work
again writes the same; the input leaves its place last, so it can always be found again. An input
that the ledger knew before its event came may stay where it is.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from common.errors import (
    UNKNOWN,
    ErasedError,
    HoldError,
    ObjectMissingError,
    PermanentError,
    Subject,
    TransientError,
)
from common.event_record import EventRecord
from common.json_log import log_item
from common.kept_lease import kept_lease
from common.ledger import Claim, Known, Ledger, Record, Settlement, State
from common.metrics import count_event
from common.object_key import RAW, Location, held, quarantined
from common.object_store import ObjectStore, ObjectVersion

ERASED = "erased"  # the outcome of what came of a patient erased on request
_MOST_LEFT = 100
MOST_WAITS = 32  # times the first wait after a passing failure
_REPLAY = "Mend the cause, then put it back with: dcm2set replay --item {id}"


@dataclass(frozen=True)
class Item:
    """What a stage works on."""

    id: int  # its number in the ledger
    version: ObjectVersion
    releases: int  # how often a person let it pass the gate
    keep: Callable[[], None]  # call now and then in long work: raises once another worker has the item


@dataclass(frozen=True)
class Outcome:
    """What a stage made of an item."""

    outcome: str
    sop_instance_uid: str | None = None
    cause: str | None = None
    move_to: Location | None = None  # where the input goes; None: it stays
    overwrite: bool = False  # whether the move may replace what is there
    record: Record | None = None  # rows to write once the copy is verified
    announces: tuple[tuple[str, ObjectVersion], ...] = ()  # functions, and what was made for them
    subject: Subject = UNKNOWN
    details: Mapping[str, object] = field(default_factory=dict)  # for the answer


@dataclass(frozen=True)
class Result:
    """One record's answer."""

    body: Mapping[str, object]
    retry: bool = False
    attempt: int | None = None  # None: it was not this event's to work on
    source: str | None = None  # what the item came of, on the NAS or in raw


@dataclass(frozen=True)
class Stage:
    """One function's handling of object events."""

    function: str
    work: Callable[[Item], Outcome]
    accepts: Callable[[Location], bool]
    store: ObjectStore
    ledger: Ledger
    lease_seconds: float
    retry_seconds: float
    max_crashes: int
    is_announced: Callable[[Location], bool] = lambda _: (
        False
    )  # whether who puts an object there tells the ledger

    def handle(self, record: EventRecord) -> Result:
        """Bring one object as far as it gets now; never raises for the object's own faults."""
        started = time.monotonic()
        return self._told(self._handled(record), started)

    def next(self) -> Result | None:
        """Bring the object that has been due longest as far as it gets now; None if none is.

        Raises TransientError if the ledger does not answer.
        """
        started = time.monotonic()
        due = self.ledger.claim_due(lease_seconds=self.lease_seconds)
        if due is None:
            self._leave()
            return None
        claim, version = due
        result = self._settled(claim, version if version.size else self._sized(version))
        return self._told(replace(result, attempt=claim.attempts, source=claim.source), started)

    def _told(self, result: Result, started: float) -> Result:
        """The result, once the log and the metrics know it."""
        seconds = time.monotonic() - started
        told = {name: result.body.get(name) for name in ("item", "status", "outcome", "cause")}
        log_item(
            self.function,
            **told,
            source=result.source,
            attempt=result.attempt,
            milliseconds=round(seconds * 1000),
        )
        is_known = result.attempt is None and told["item"] is not None
        status, outcome = str("known" if is_known else told["status"]), str(told["outcome"] or "")
        count_event(self.function, status=status, outcome=outcome, seconds=seconds)
        return result

    def expect(self, record: EventRecord) -> None:
        """Take note of an object that there is no time for now, so that its turn comes soon."""
        location = Location(record.bucket, record.key)
        if record.etag and self.accepts(location) and not self.is_announced(location):
            with suppress(TransientError, PermanentError):  # the object itself tells a later sweep
                self.ledger.expect(ObjectVersion(location, record.etag, record.size or 0))

    def _leave(self) -> None:
        """What a crash left of finished moves, in places that no listing tells of."""
        for item in self.ledger.leaving(limit=_MOST_LEFT):
            if item.moved_to is None:
                self.store.delete(item.version)
            else:
                self._finish_move(item.moved_to, item.version)
            self.ledger.left(item.id)

    def _sized(self, version: ObjectVersion) -> ObjectVersion:
        """With its size; what is missing, or another version by now, is told once it is read."""
        try:
            return replace(version, size=self.store.stat(version.location).size)
        except (TransientError, ObjectMissingError):
            return version

    def _handled(self, record: EventRecord) -> Result:
        location = Location(record.bucket, record.key)
        if not self.accepts(location):
            # Whatever place it is, it is told to nobody: outside its own, a key may be a NAS path.
            return Result({"status": "ignored", "cause": f"{self.function} does not work on this place."})
        try:
            version = self._version(record)
            if version is None:
                return self._gone(location)
            claim = self.ledger.claim(version, lease_seconds=self.lease_seconds)
        except TransientError as error:
            return _answer(location, "retry", cause=str(error), retry=True)
        except PermanentError as error:  # a name that no store or database takes
            return _answer(location, "refused", cause=str(error))
        if isinstance(claim, Known):
            return replace(self._known(claim, version), source=claim.source)
        return replace(self._settled(claim, version), attempt=claim.attempts, source=claim.source)

    def _version(self, record: EventRecord) -> ObjectVersion | None:
        """The version meant: the event's own, or what lies there now."""
        location = Location(record.bucket, record.key)
        if record.etag is not None and record.size is not None:
            return ObjectVersion(location, record.etag, record.size)
        try:
            there = self.store.stat(location)
        except ObjectMissingError:
            there = None
        if record.etag is not None and (there is None or there.etag != record.etag):
            # Not what was meant: the ledger still has to hear of the version that was.
            return ObjectVersion(location, record.etag, 0)
        return there

    def _gone(self, location: Location) -> Result:
        """No object there and no version named: tell what the ledger knows of it."""
        known = self.ledger.find(location)
        if known is None:
            return _answer(location, "missing", cause="There is no such object.")
        return _answer(location, known.state, item=known.id, outcome=known.outcome, cause=known.cause)

    def _known(self, known: Known, version: ObjectVersion) -> Result:
        """A doubled or late event. What a crash left of a finished move is tidied up."""
        location = version.location
        try:
            if known.outcome == ERASED:
                self.store.delete(version)
            is_settled = known.state not in (State.RUNNING, State.RETRY)
            if is_settled and known.moved_to is not None and known.moved_to != location:
                self._finish_move(known.moved_to, version)
        except TransientError as error:
            return _answer(location, "retry", item=known.id, cause=str(error), retry=True)
        status = "in progress" if known.state in (State.RUNNING, State.RETRY) else known.state
        return _answer(location, status, item=known.id, outcome=known.outcome, cause=known.cause)

    def _finish_move(self, target: Location, version: ObjectVersion) -> None:
        try:
            self.store.stat(target)
        except ObjectMissingError:
            return  # the copy is elsewhere by now: nothing may be deleted
        self.store.delete(version)

    def _settled(self, claim: Claim, version: ObjectVersion) -> Result:
        try:
            try:
                return self._worked(claim, version)
            except PermanentError as error:
                return self._aside(claim, version, State.QUARANTINED, error)
            except HoldError as error:
                return self._aside(claim, version, State.HELD, error)
            except ErasedError as error:
                return self._erased(claim, version, error)
        except ObjectMissingError:
            return self._source_missing(claim, version)
        except TransientError as error:
            return self._later(claim, version, str(error), crashed=False)
        except OSError as error:  # the machine's fault, a full disk for one, and never the file's
            cause = os.strerror(error.errno) if error.errno else type(error).__name__
            return self._later(claim, version, f"The machine refused: {cause}.", crashed=False)
        except Exception as error:  # noqa: BLE001 a fault of our own; its text may quote values
            return self._later(claim, version, f"Unexpected {type(error).__name__}.", crashed=True)

    def _worked(self, claim: Claim, version: ObjectVersion) -> Result:
        if claim.crashes >= self.max_crashes:
            raise PermanentError(
                f"{self.function} was lost {claim.crashes} times in a row while working on it "
                "(out of memory, killed, or a fault in the code)."
            )
        with kept_lease(lambda: self._renewed(claim), seconds=self.lease_seconds) as keep:
            outcome = self.work(Item(claim.id, version, claim.releases, keep))
            moved_to = None
            if outcome.move_to is not None:
                moved_to = self.store.copy(version, outcome.move_to, overwrite=outcome.overwrite).location
        settlement = Settlement(
            State.DONE,
            outcome=outcome.outcome,
            cause=outcome.cause,
            sop_instance_uid=outcome.sop_instance_uid,
            moved_to=moved_to,
            subject=outcome.subject,
            announces=outcome.announces,
            record=outcome.record,
        )
        self._settle(claim, version, settlement, is_gone=moved_to is not None)
        answer: dict[str, Any] = {"outcome": outcome.outcome, "cause": outcome.cause, **outcome.details}
        return _answer(version.location, "done", item=claim.id, **answer)

    def _settle(self, claim: Claim, version: ObjectVersion, settlement: Settlement, *, is_gone: bool) -> None:
        """End the claim; then the input goes from where it was, if it is to be gone.

        Where others put objects, a listing tells of what a crash in between leaves; elsewhere its row has to.
        """
        leaves = is_gone and self.is_announced(version.location)
        if self.ledger.settle(claim, replace(settlement, leaves=leaves)) and is_gone:
            self.store.delete(version)
            if leaves:
                self.ledger.left(claim.id)

    def _renewed(self, claim: Claim) -> bool:
        return self.ledger.renew(claim, lease_seconds=self.lease_seconds)

    def _aside(
        self, claim: Claim, version: ObjectVersion, state: State, error: PermanentError | HoldError
    ) -> Result:
        """Out of the line, but kept: copied, recorded, then moved."""
        location = version.location
        target = held(location) if state is State.HELD else quarantined(location)
        try:
            moved_to = self.store.copy(version, target).location
        except PermanentError:  # the store takes no such name, so nothing can lie there either
            moved_to = None
        settlement = Settlement(
            state,
            cause=str(error),
            next_step=error.next_step or _REPLAY.format(id=claim.id),
            moved_to=moved_to,
            subject=error.subject,
        )
        self._settle(claim, version, settlement, is_gone=moved_to is not None)
        return _answer(location, state, item=claim.id, cause=str(error))

    def _erased(self, claim: Claim, version: ObjectVersion, error: ErasedError) -> Result:
        """Nothing of it stays, but that there was one more file."""
        settlement = Settlement(State.DONE, outcome=ERASED, cause=str(error))
        self._settle(claim, version, settlement, is_gone=True)
        return _answer(version.location, "done", item=claim.id, outcome=ERASED, cause=str(error))

    def _source_missing(self, claim: Claim, version: ObjectVersion) -> Result:
        """The claimed version isn't there: overwritten or deleted by someone else.

        Looked for again while a copy may still be on its way; then a person is told.
        """
        cause = "This version of the object was deleted or overwritten before it was read."
        if claim.attempts <= self.max_crashes:
            return self._later(claim, version, cause, crashed=False)
        settlement = Settlement(State.HELD, cause=cause, next_step="Put the file into its folder again.")
        self.ledger.settle(claim, settlement)
        return _answer(version.location, State.HELD, item=claim.id, cause=cause)

    def _later(self, claim: Claim, version: ObjectVersion, cause: str, *, crashed: bool) -> Result:
        seconds = self.retry_seconds * min(2 ** min(claim.attempts - 1, 16), MOST_WAITS)
        # If the ledger is away too, the lease will run out, and the sweep will find the item.
        with suppress(TransientError):
            self.ledger.retry_later(claim, cause, seconds=seconds, crashed=crashed)
        return _answer(version.location, "retry", item=claim.id, cause=cause, retry=True)


def _answer(location: Location, status: str, *, retry: bool = False, **details: Any) -> Result:
    # A key in raw holds a NAS path, which may tell a patient: the item's number stands for it.
    place = {"bucket": location.bucket} | ({} if location.bucket == RAW else {"key": location.key})
    known = {name: value for name, value in details.items() if value is not None}
    return Result({**place, "status": str(status), **known}, retry=retry)
