"""Compares the content of objects with the digests that rows and ETags hold."""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from common.errors import ObjectDamagedError, ObjectMissingError
from common.reconcile.difference import CHANGED, DAMAGED, Difference, ExpectedObject, difference_of
from common.reconcile.page_comparison import has_other_etag
from common.store.damage import read_or_damaged
from common.store.object_store import ObjectStore, ObjectVersion


@dataclass(frozen=True)
class ContentCheck:
    """Needs the right to read every object."""

    store: ObjectStore
    is_deep: bool  # whether every object is read; otherwise only copies with another ETag are looked at

    def compare_page(
        self,
        bucket: str,
        listed: Mapping[str, ObjectVersion],
        expected: Mapping[str, Sequence[ExpectedObject]],
    ) -> list[Difference]:
        """The differences in content of the listed objects that rows expect."""
        pairs = ((version, expected[key]) for key, version in listed.items() if key in expected)
        found = (self.compare(bucket, version, rows) for version, rows in pairs)
        return [difference for difference in found if difference is not None]

    def compare(
        self, bucket: str, version: ObjectVersion, rows: Sequence[ExpectedObject]
    ) -> Difference | None:
        """How an object's content differs from what is recorded; None if it does not."""
        kind: str | None
        try:
            kind, detail = self._compared(version, rows)
        except ObjectMissingError:  # moved or written again meanwhile
            return None
        except ObjectDamagedError:
            kind, detail = DAMAGED, "its bytes can't be read"
        if not kind:
            return None
        return replace(difference_of(kind, bucket, rows[0], detail), is_deep=True)

    def _compared(self, version: ObjectVersion, rows: Sequence[ExpectedObject]) -> tuple[str | None, str]:
        if has_other_etag(version, rows) and self.store.has_md5_etag(version.location):
            return CHANGED, "other ETag"
        if not self.is_deep:
            return None, ""
        sha256, md5 = read_or_damaged(self.store, version.location, lambda: self._digests(version))
        recorded = {row.sha256 for row in rows if row.sha256 is not None}
        if recorded:
            return (None, "") if sha256 in recorded else (CHANGED, "other SHA-256")
        if md5 != version.etag and self.store.has_md5_etag(version.location):
            return DAMAGED, "its bytes are not those of its ETag"
        return None, ""

    def _digests(self, version: ObjectVersion) -> tuple[str, str]:
        """SHA-256 and MD5 of an object, in hex."""
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        with closing(self.store.stream(version)) as pieces:
            for piece in pieces:
                sha256.update(piece)
                md5.update(piece)
        return sha256.hexdigest(), md5.hexdigest()
