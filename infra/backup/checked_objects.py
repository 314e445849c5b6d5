"""Checks a backup against the rows: what they expect is in it, or is named as missing or damaged."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from common.errors import BucketMissingError, ObjectDamagedError, PermanentError
from common.reconcile.difference import DAMAGED, MISSING, Difference, difference_of
from common.reconcile.reconcile_rows import ReconcileRows
from common.reconcile.walk import BUCKETS
from common.store.damage import read_or_damaged
from common.store.object_key import Location
from common.store.object_store import ObjectStore


@dataclass
class CheckedObjects:
    """Which objects are in a backup, and which could not be."""

    store: ObjectStore
    rows: ReconcileRows
    add: Callable[[Location], bool]  # adds an object to the backup; False if it is not in the store
    written: set[int] = field(default_factory=set)  # hashes, because there may be millions
    lacking: dict[Location, Difference] = field(default_factory=dict)

    def take(self, location: Location) -> None:
        """Add a listed object; a damaged one is noted instead."""
        try:
            if read_or_damaged(self.store, location, lambda: self.add(location)):
                self.written.add(hash(location))
        except ObjectDamagedError:
            self._note(DAMAGED, location)

    def complete(self) -> None:
        """Add what rows expect and no listing showed; note what is not in the store."""
        for bucket in self._buckets():
            for expected in self.rows.all_expected(bucket):
                location = Location(bucket, expected.key)
                if expected.is_required and hash(location) not in self.written:
                    self._add_unlisted(location)

    def _add_unlisted(self, location: Location) -> None:
        """Add an object that no listing showed: it came later, or another one hides it."""
        with suppress(BucketMissingError, PermanentError):
            self.take(location)
        # If it was moved meanwhile, the rows expect it elsewhere by now.
        if hash(location) not in self.written and location not in self.lacking:
            self._note(MISSING, location)

    def _note(self, kind: str, location: Location) -> None:
        expected = [row for row in self.rows.expected_at(location.bucket, location.key) if row.is_required]
        if expected:
            self.lacking[location] = difference_of(kind, location.bucket, expected[0])
        elif kind == DAMAGED:
            self.lacking[location] = Difference(kind, "object", location.bucket, location.key)

    def _buckets(self) -> Iterator[str]:
        yield from BUCKETS
        bucket = self.rows.next_bucket(None)
        while bucket is not None:
            yield bucket
            bucket = self.rows.next_bucket(bucket)
