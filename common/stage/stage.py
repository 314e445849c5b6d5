"""A stage of the pipeline: claim an object, work on it, record and settle, and only then move the input.

The order makes any crash harmless. Outputs have deterministic keys, so doing the work again writes the
same objects; the input is deleted last, so it can always be found again. An input that its maker has
announced to the ledger may stay where it is.
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from common.errors import (
    ErasedError,
    HoldError,
    ObjectMissingError,
    PermanentError,
    TransientError,
    WorkerCrashedError,
)
from common.ledger.lease_renewal import renewed_lease
from common.ledger.ledger import Claim, ExistingItem, Ledger, Settlement, State
from common.process.json_log import log_item
from common.process.metrics import count_event
from common.stage.item import Item, Outcome, Result, answer
from common.stage.moved_inputs import MovedInputs
from common.store.event_record import EventRecord
from common.store.object_key import Location, held, quarantined
from common.store.object_store import ObjectStore, ObjectVersion

ERASED = "erased"  # the outcome of an item whose patient was erased on request
MAX_CRASHES = 3  # after as many crashes in a row an item is quarantined
LONGEST_WAIT = 32  # the longest wait before a retry, in multiples of the first one
_REPLAY = "Fix the cause, then put the item back with: dcm2set replay --item {id}"


@dataclass(frozen=True)
class Stage:
    """One function's handling of object events."""

    function: str
    work: Callable[[Item], Outcome]
    accepts: Callable[[Location], bool]
    store: ObjectStore
    ledger: Ledger
    lease_seconds: float
    retry_seconds: float  # the wait before the first retry
    max_crashes: int = MAX_CRASHES
    is_announced: Callable[[Location], bool] = lambda _: False  # whether its maker announces it

    def handle(self, record: EventRecord) -> Result:
        """Work on one object as far as possible now; never raises for a fault of the object."""
        started = time.monotonic()
        return self._logged(self._handled(record), started)

    def next(self) -> Result | None:
        """Work on the item that has been due longest; None if none is due.

        Raises TransientError if the ledger does not answer.
        """
        started = time.monotonic()
        due = self.ledger.claim_due(lease_seconds=self.lease_seconds)
        if due is None:
            self._moved_inputs.delete_moved()
            return None
        claim, version = due
        result = self._settled(claim, version if version.size else self._with_size(version))
        return self._logged(replace(result, attempt=claim.attempts, source=claim.source), started)

    def announce(self, record: EventRecord) -> None:
        """Note an object in the ledger that there is no slot for now; it is due at once."""
        location = Location(record.bucket, record.key)
        if record.etag and self.accepts(location) and not self.is_announced(location):
            with suppress(TransientError, PermanentError):  # a later sweep finds the object itself
                self.ledger.announce(ObjectVersion(location, record.etag, record.size or 0))

    @property
    def _moved_inputs(self) -> MovedInputs:
        return MovedInputs(self.store, self.ledger)

    def _logged(self, result: Result, started: float) -> Result:
        """The result, once it is logged and counted."""
        seconds = time.monotonic() - started
        logged = {name: result.body.get(name) for name in ("item", "status", "outcome", "cause")}
        log_item(
            self.function,
            **logged,
            source=result.source,
            attempt=result.attempt,
            milliseconds=round(seconds * 1000),
        )
        is_known = result.attempt is None and logged["item"] is not None
        status, outcome = str("known" if is_known else logged["status"]), str(logged["outcome"] or "")
        count_event(self.function, status=status, outcome=outcome, seconds=seconds)
        return result

    def _with_size(self, version: ObjectVersion) -> ObjectVersion:
        """The version with its size; unchanged if the object is gone, which reading it will report."""
        try:
            return replace(version, size=self.store.stat(version.location).size)
        except (TransientError, ObjectMissingError):
            return version

    def _handled(self, record: EventRecord) -> Result:
        location = Location(record.bucket, record.key)
        if not self.accepts(location):
            # The key is not repeated: outside the function's own prefixes it may be a NAS path.
            return Result({"status": "ignored", "cause": f"{self.function} does not work on this location."})
        try:
            version = self._version(record)
            if version is None:
                return self._missing(location)
            claim = self.ledger.claim(version, lease_seconds=self.lease_seconds)
        except TransientError as error:
            return answer(location, "retry", cause=str(error), retry=True)
        except PermanentError as error:  # a name that neither a store nor the database takes
            return answer(location, "refused", cause=str(error))
        if isinstance(claim, ExistingItem):
            return replace(self._existing(claim, version), source=claim.source)
        return replace(self._settled(claim, version), attempt=claim.attempts, source=claim.source)

    def _version(self, record: EventRecord) -> ObjectVersion | None:
        """The version that the record means: the one it names, or the one that is in the store now."""
        location = Location(record.bucket, record.key)
        if record.etag is not None and record.size is not None:
            return ObjectVersion(location, record.etag, record.size)
        try:
            current = self.store.stat(location)
        except ObjectMissingError:
            current = None
        if record.etag is not None and (current is None or current.etag != record.etag):
            # Not the version in the store, but the ledger has to know of it.
            return ObjectVersion(location, record.etag, 0)
        return current

    def _missing(self, location: Location) -> Result:
        """Neither an object in the store nor a version in the record: what the ledger knows of the key."""
        known = self.ledger.find(location)
        if known is None:
            return answer(location, "missing", cause="There is no such object.")
        return answer(location, known.state, item=known.id, outcome=known.outcome, cause=known.cause)

    def _existing(self, known: ExistingItem, version: ObjectVersion) -> Result:
        """A doubled or late event. A move that a crash has cut short is completed."""
        location = version.location
        is_settled = known.state not in {State.RUNNING, State.RETRY}
        try:
            if known.outcome == ERASED:
                self.store.delete(version)
            if is_settled and known.moved_to is not None and known.moved_to != location:
                self._moved_inputs.delete_if_copied(known.moved_to, version)
        except TransientError as error:
            return answer(location, "retry", item=known.id, cause=str(error), retry=True)
        status = known.state if is_settled else "in progress"
        return answer(location, status, item=known.id, outcome=known.outcome, cause=known.cause)

    def _settled(self, claim: Claim, version: ObjectVersion) -> Result:
        try:
            try:
                return self._worked(claim, version)
            except PermanentError as error:
                return self._set_aside(claim, version, State.QUARANTINED, error)
            except HoldError as error:
                return self._set_aside(claim, version, State.HELD, error)
            except ErasedError as error:
                return self._erased(claim, version, error)
        except ObjectMissingError:
            return self._input_missing(claim, version)
        except TransientError as error:
            return self._schedule_retry(claim, version, str(error), crashed=False)
        except OSError as error:  # a fault of the machine, for example a full disk, and not of the file
            cause = os.strerror(error.errno) if error.errno else type(error).__name__
            return self._schedule_retry(
                claim, version, f"The operating system reported: {cause}.", crashed=False
            )
        except WorkerCrashedError as error:
            return self._schedule_retry(claim, version, str(error), crashed=True)
        except Exception as error:  # noqa: BLE001 a fault of our own; its text may quote values
            return self._schedule_retry(claim, version, f"Unexpected {type(error).__name__}.", crashed=True)

    def _worked(self, claim: Claim, version: ObjectVersion) -> Result:
        if claim.crashes >= self.max_crashes:
            raise PermanentError(
                f"{self.function} crashed {claim.crashes} times in a row while working on it "
                "(out of memory, killed, or a fault in the code)."
            )
        with renewed_lease(lambda: self._renew(claim), seconds=self.lease_seconds) as heartbeat:
            outcome = self.work(Item(claim.id, version, claim.releases, heartbeat, claim.blank))
            moved_to = outcome.move_to
            if moved_to is not None and not outcome.is_written:
                moved_to = self.store.copy(version, moved_to, overwrite=outcome.overwrite).location
        settlement = Settlement(
            State.DONE,
            outcome=outcome.outcome,
            cause=outcome.cause,
            sop_instance_uid=outcome.sop_instance_uid,
            moved_to=moved_to,
            subject=outcome.subject,
            announces=outcome.announces,
            database_call=outcome.database_call,
        )
        self._settle(claim, version, settlement, is_moved=moved_to is not None)
        details: dict[str, Any] = {"outcome": outcome.outcome, "cause": outcome.cause, **outcome.details}
        return answer(version.location, "done", item=claim.id, **details)

    def _settle(
        self, claim: Claim, version: ObjectVersion, settlement: Settlement, *, is_moved: bool
    ) -> None:
        """End the claim, then delete the input if it was moved.

        A crash in between leaves the input behind. Where others put objects, the sweep's listing finds it;
        elsewhere its row in the ledger says that the deletion is pending.
        """
        pending_delete = is_moved and self.is_announced(version.location)
        if self.ledger.settle(claim, replace(settlement, pending_delete=pending_delete)) and is_moved:
            self.store.delete(version)
            if pending_delete:
                self.ledger.mark_deleted(claim.id)

    def _renew(self, claim: Claim) -> bool:
        return self.ledger.renew(claim, lease_seconds=self.lease_seconds)

    def _set_aside(
        self, claim: Claim, version: ObjectVersion, state: State, error: PermanentError | HoldError
    ) -> Result:
        """Held or quarantined: copied out of the pipeline, recorded, then deleted from it."""
        location = version.location
        target = held(location) if state is State.HELD else quarantined(location)
        try:
            moved_to = self.store.copy(version, target).location
        except PermanentError:  # the store takes no such name, so no object can have it either
            moved_to = None
        settlement = Settlement(
            state,
            cause=str(error),
            next_step=error.next_step or _REPLAY.format(id=claim.id),
            moved_to=moved_to,
            subject=error.subject,
            text_found=error.text_found if isinstance(error, HoldError) else None,
        )
        self._settle(claim, version, settlement, is_moved=moved_to is not None)
        return answer(location, state, item=claim.id, cause=str(error))

    def _erased(self, claim: Claim, version: ObjectVersion, error: ErasedError) -> Result:
        """Nothing of the file stays; the ledger counts it."""
        settlement = Settlement(State.DONE, outcome=ERASED, cause=str(error))
        self._settle(claim, version, settlement, is_moved=True)
        return answer(version.location, "done", item=claim.id, outcome=ERASED, cause=str(error))

    def _input_missing(self, claim: Claim, version: ObjectVersion) -> Result:
        """The claimed version is not in the store: it was overwritten or deleted.

        Looked for again a few times, since a copy may still be on its way; then the item is held.
        """
        cause = "This version of the object was deleted or overwritten before it was read."
        if claim.attempts <= self.max_crashes:
            return self._schedule_retry(claim, version, cause, crashed=False)
        settlement = Settlement(State.HELD, cause=cause, next_step="Put the file into its folder again.")
        self.ledger.settle(claim, settlement)
        return answer(version.location, State.HELD, item=claim.id, cause=cause)

    def _schedule_retry(self, claim: Claim, version: ObjectVersion, cause: str, *, crashed: bool) -> Result:
        seconds = self.retry_seconds * min(2 ** min(claim.attempts - 1, 16), LONGEST_WAIT)
        # If the ledger does not answer either, the lease runs out and the sweep finds the item.
        with suppress(TransientError):
            self.ledger.schedule_retry(claim, cause, seconds=seconds, crashed=crashed)
        return answer(version.location, "retry", item=claim.id, cause=cause, retry=True)
