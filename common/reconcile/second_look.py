"""The second look at a difference, which makes a finding of it.

The rule. A difference is a finding only if
- it was seen at least PAUSE_SECONDS before, and is still there now, by the rows and by the object store;
- at this look no item that concerns it is claimed, due, waits for a retry or for the deletion of its
  object, neither before the store is asked nor afterwards;
- none of these items was inserted, claimed or settled since it was first seen.
Otherwise it stays noted, and is looked at again. What is no longer there is forgotten.
"""

import re
from dataclasses import dataclass
from itertools import islice

from common.errors import BucketMissingError, ObjectMissingError, PermanentError, UnreadableError
from common.reconcile.content import ContentCheck
from common.reconcile.difference import (
    CHANGED,
    DAMAGED,
    HIDDEN,
    MISSING,
    ROW,
    SURPLUS,
    Difference,
    ExpectedObject,
    Finding,
    difference_of,
)
from common.reconcile.page_comparison import changed_detail
from common.reconcile.reconcile_rows import Activity, ReconcileRows
from common.store.object_key import QUARANTINE, RAW, Location, original_keys
from common.store.object_store import ObjectStore, ObjectVersion

PAUSE_SECONDS = 60.0
_BESIDE = re.compile(r"~[0-9a-f]{32}(-[0-9]+)?$")  # common.store.object_key.beside


@dataclass(frozen=True)
class SecondLook:
    """Looks again at differences that were noted."""

    store: ObjectStore
    rows: ReconcileRows
    content: ContentCheck | None  # None: without the right to read objects

    def look(self, finding: Finding) -> bool:
        """Look at one difference; returns whether it is a finding."""
        if finding.difference.is_deep and self.content is None:
            self.rows.looked_at(finding, finding.difference, is_confirmed=finding.is_confirmed)
            return finding.is_confirmed
        before = self._activity(finding)
        found = self._found(finding.difference)
        after = self._activity(finding)
        is_busy = before.is_busy or after.is_busy
        if is_busy:
            self.rows.looked_at(finding, found or finding.difference, is_confirmed=False)
            return False
        if found is None:
            self.rows.delete(finding)
            return False
        was_active = after.active_at is not None and after.active_at >= finding.first_seen_at
        if was_active and not finding.is_confirmed:
            # After the last work it counts as seen for the first time.
            self.rows.delete(finding)
            self.rows.note([found])
            return False
        self.rows.looked_at(finding, found, is_confirmed=True)
        return True

    def _activity(self, finding: Finding) -> Activity:
        difference = finding.difference
        return self.rows.activity(difference, _keys_before(difference))

    def _found(self, difference: Difference) -> Difference | None:
        """The difference as it is now; None if it is no more."""
        if difference.kind == ROW:
            only = difference.key.partition("/")[0]
            found, *_ = self.rows.row_differences(difference.bucket, None, most=1, only=only)
            return next((each for each in found if each.identity == difference.identity), None)
        bucket, key = difference.bucket, difference.key
        expected = self.rows.expected_at(bucket, key)
        version = self._listed(Location(bucket, key))
        if version is None:
            return self._not_listed(bucket, key, expected)
        if not expected:
            is_known = key in self.rows.known(bucket, [key])
            return None if is_known else Difference(SURPLUS, "object", bucket, key)
        detail = changed_detail(version, expected)
        if detail is not None:
            return difference_of(CHANGED, bucket, expected[0], detail)
        return (
            self.content.compare(bucket, version, expected) if difference.is_deep and self.content else None
        )

    def _not_listed(self, bucket: str, key: str, expected: list[ExpectedObject]) -> Difference | None:
        required = [row for row in expected if row.is_required]
        if not required:
            return None
        location = Location(bucket, key)
        try:
            is_there = self.store.exists(location)
        except UnreadableError:  # the bucket was listed just now, so the store is not away
            return difference_of(
                DAMAGED, bucket, required[0], "its description on the store's disk is damaged"
            )
        except (BucketMissingError, PermanentError):
            is_there = False
        return difference_of(HIDDEN if is_there else MISSING, bucket, required[0])

    def _listed(self, location: Location) -> ObjectVersion | None:
        """The object as a listing shows it: its key is the first that begins with it."""
        try:
            first = next(islice(self.store.list_prefix(location.bucket, location.key), 1), None)
        except (BucketMissingError, ObjectMissingError):
            return None
        return first.version if first is not None and first.version.location == location else None


def _keys_before(difference: Difference) -> list[str]:
    """The keys under which an object may have arrived where it is now."""
    key = _BESIDE.sub("", difference.key)
    if difference.bucket == QUARANTINE:
        key = key.partition("/")[2]
    keys = original_keys(key) if difference.bucket in {RAW, QUARANTINE} else [key]
    return list(dict.fromkeys([difference.key, key, *keys]))
