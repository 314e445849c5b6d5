"""One step of a pass: compares a page of a bucket or of a table, and notes the differences.

A step costs one request to the object store for up to 1,000 objects, and one query for their rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import islice

from common.errors import BucketMissingError
from common.reconcile.difference import SURPLUS, Difference, ExpectedObject
from common.reconcile.page_comparison import by_key, page_differences
from common.reconcile.reconcile_rows import PassPosition, ReconcileRows
from common.store.object_key import (
    ANNOTATIONS,
    DEIDENTIFIED,
    METADATA,
    QUARANTINE,
    RAW,
    SUBOPTIMAL,
    TRAINING_SETS,
)
from common.store.object_store import ObjectStore, ObjectVersion

TABLES = ("extraction", "item", "file", "instance")
BUCKETS = (RAW, QUARANTINE, ANNOTATIONS, METADATA, DEIDENTIFIED, SUBOPTIMAL, TRAINING_SETS)
FIRST = TABLES[0]
_PAGE = 1000  # of a listing; as many rows of a table are compared in one step

Listed = dict[str, ObjectVersion]
Expected = dict[str, list[ExpectedObject]]
CompareContent = Callable[[str, Listed, Expected], list[Difference]]


@dataclass(frozen=True)
class Step:
    """What one step compared."""

    position: PassPosition | None  # None: the pass is at its end
    objects: int = 0
    rows: int = 0
    requests: int = 0


@dataclass(frozen=True)
class Walk:
    """Goes through every table and bucket, page by page."""

    store: ObjectStore
    rows: ReconcileRows
    more_buckets: tuple[str, ...] = ()  # image buckets of the store, some of which no row may know
    compare_content: CompareContent = lambda _bucket, _listed, _expected: []
    page: int = _PAGE

    def step(self, position: PassPosition) -> Step:
        """Compare one page and store the position after it."""
        is_table = position.place in TABLES
        step = self._table_step(position) if is_table else self._bucket_step(position)
        if step.position is None or step.position.after_key is None:
            step = replace(step, position=self._next_place(position))
        counts = {"objects": step.objects, "rows": step.rows, "requests": step.requests}
        self.rows.advance(step.position or position, **counts)
        if step.position is None:
            self.rows.end(position.id)
        return step

    def _table_step(self, position: PassPosition) -> Step:
        differences, last, number = self.rows.row_differences(
            position.place, position.after_key, most=self.page
        )
        self.rows.note(differences)
        return Step(replace(position, after_key=last), rows=number)

    def _bucket_step(self, position: PassPosition) -> Step:
        bucket, after = position.place, position.after_key
        listed, is_end = self._listed(bucket, after)
        to_key = None if is_end else listed[-1].location.key
        expected = self.rows.expected(bucket, after, to_key, most=self.page + 1)
        # More rows than objects: those of many rows are missing. The next step goes on after these rows.
        if len(expected) > self.page:
            to_key, is_end = expected[self.page - 1].key, False
            limit = to_key.encode()
            expected = [row for row in expected if row.key.encode() <= limit]
            listed = [version for version in listed if version.location.key.encode() <= limit]
        objects = {version.location.key: version for version in listed}
        rows = by_key(expected)
        found = list(page_differences(bucket, objects, rows))
        self.rows.note(self._without_known(bucket, found))
        self.rows.note(self.compare_content(bucket, objects, rows))
        return Step(
            replace(position, after_key=None if is_end else to_key),
            objects=len(listed),
            rows=len(expected),
            requests=1,
        )

    def _listed(self, bucket: str, after: str | None) -> tuple[list[ObjectVersion], bool]:
        """The next page of a listing, and whether it is the last; a missing bucket is an empty one."""
        try:
            page = [
                listed.version
                for listed in islice(self.store.list_prefix(bucket, "", after=after), self.page)
            ]
        except BucketMissingError:
            return [], True
        return page, len(page) < self.page

    def _without_known(self, bucket: str, found: list[Difference]) -> list[Difference]:
        surplus = [difference.key for difference in found if difference.kind == SURPLUS]
        known = self.rows.known(bucket, surplus) if surplus else set()
        return [each for each in found if each.kind != SURPLUS or each.key not in known]

    def _next_place(self, position: PassPosition) -> PassPosition | None:
        places = (*TABLES, *BUCKETS)
        place: str | None
        if position.place in places[:-1]:
            place = places[places.index(position.place) + 1]
        else:
            last = "" if position.place in places else position.place
            following = [name for name in self.more_buckets if name > last]
            known = self.rows.next_bucket(last)
            place = min([*following, *([known] if known else [])], default=None)
        return None if place is None else replace(position, place=place, after_key=None)
