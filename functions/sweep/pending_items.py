"""What is pending for each function, at the cost of the backlog and not of all that ever passed."""

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
_MOST_COUNTED = 5000  # a second's work; far more than settles between two sweeps


@dataclass(frozen=True)
class PendingItems:
    """Finds what is pending."""

    store: ObjectStore
    database: Database
    ledger: Callable[[str], Ledger]
    grace_seconds: float  # younger objects are left to their own event
    attempt_days: float  # details of attempts are kept so long

    def find(self, function: str, *, limit: int) -> list[ObjectVersion]:
        """Versions that the function should be sent: those that the ledger doesn't wait for already."""
        return list(islice(self._unexpected(function), limit))

    def has_due(self, function: str) -> bool:
        """Whether anything of the function is due, which it then takes by itself."""
        return self.ledger(function).has_due()

    def tidy(self) -> None:
        """Sum up what is settled, and forget the details of old attempts: what is asked stays small."""
        self.database.one(_SQL["count_settled"], most=_MOST_COUNTED)
        self.database.one(_SQL["delete_old_attempts"], days=self.attempt_days)

    def asks_for_run(self, function: str) -> bool:
        """Whether the function has work without an object: held labels whose images are known by now."""
        if function == "annotations":
            return self.database.one(_SQL["held_labels"]) is not None
        return False

    def _unexpected(self, function: str) -> Iterator[ObjectVersion]:
        own = self.ledger(function)
        for page in _pages(self._listed(function)):
            busy = own.unsettled(page)
            yield from (version for version in page if version not in busy)

    def _listed(self, function: str) -> Iterator[ObjectVersion]:
        now, grace = datetime.now(UTC), timedelta(seconds=self.grace_seconds)
        for listed in self._objects(function):
            # One of a time yet to come is not young: one of the two clocks was moved.
            if abs(now - listed.last_modified) >= grace:
                yield listed.version

    def _objects(self, function: str) -> Iterator[ListedObject]:
        """What lies where nobody announces it: files put into raw, and label files."""
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
