"""Finds the pending work of each function; the cost depends on the backlog, not on all earlier items."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from common.database import Database, queries
from common.ledger.ledger import Ledger
from common.store.object_key import ANNOTATIONS, HELD, INCOMING, PROCESSED, RAW
from common.store.object_store import ListedObject, ObjectStore, ObjectVersion

_SQL = queries(Path(__file__).with_suffix(".sql"))
_PAGE = 500
_MAX_COUNTED = 5000  # takes about a second; far more than is settled between two sweeps
GRACE_SECONDS = 2.0  # the event of a younger object may still come
ATTEMPT_DAYS = 90.0  # details of earlier attempts are stored for this long


@dataclass(frozen=True)
class PendingItems:
    """Finds pending work."""

    store: ObjectStore
    database: Database
    ledger: Callable[[str], Ledger]
    grace_seconds: float = GRACE_SECONDS
    attempt_days: float = ATTEMPT_DAYS

    def find_missed(self, function: str, *, limit: int) -> list[ObjectVersion]:
        """Objects whose event was missed: listed ones that the ledger does not have as unsettled."""
        return list(islice(self._missed(function), limit))

    def has_due(self, function: str) -> bool:
        """Whether the function has due items."""
        return self.ledger(function).has_due()

    def clean_up(self) -> None:
        """Count settled items and delete the details of old attempts, so that queries stay fast."""
        self.database.one(_SQL["count_settled"], most=_MAX_COUNTED)
        self.database.one(_SQL["delete_old_attempts"], days=self.attempt_days)

    def needs_run(self, function: str) -> bool:
        """Whether the function has work without an event: held labels whose images are known by now."""
        if function == "annotations":
            return self.database.one(_SQL["held_labels"]) is not None
        return False

    def _missed(self, function: str) -> Iterator[ObjectVersion]:
        ledger = self.ledger(function)
        for page in _pages(self._listed(function)):
            unsettled = ledger.unsettled(page)
            yield from (version for version in page if version not in unsettled)

    def _listed(self, function: str) -> Iterator[ObjectVersion]:
        now, grace = datetime.now(UTC), timedelta(seconds=self.grace_seconds)
        for listed in self._objects(function):
            # A time in the future means that a clock was moved, not that the object is young.
            if abs(now - listed.last_modified) >= grace:
                yield listed.version

    def _objects(self, function: str) -> Iterator[ListedObject]:
        """The objects that users put and nobody announces: files in raw/incoming/, and label files."""
        if function == "extract":
            yield from self.store.list_prefix(RAW, INCOMING)
        elif function == "annotations":
            for top in self.store.list_top(ANNOTATIONS):
                if top not in {PROCESSED, HELD}:
                    yield from self.store.list_prefix(ANNOTATIONS, top)


def _pages(versions: Iterable[ObjectVersion]) -> Iterator[list[ObjectVersion]]:
    iterator = iter(versions)
    while page := list(islice(iterator, _PAGE)):
        yield page
