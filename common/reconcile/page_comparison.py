"""Compares a page of a listing with the objects that rows expect there."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from common.reconcile.difference import (
    CHANGED,
    MISSING,
    SURPLUS,
    Difference,
    ExpectedObject,
    difference_of,
)
from common.store.object_store import ObjectVersion


def by_key(rows: Iterable[ExpectedObject]) -> dict[str, list[ExpectedObject]]:
    """The rows by key; several rows may expect the same object."""
    found: dict[str, list[ExpectedObject]] = {}
    for row in rows:
        found.setdefault(row.key, []).append(row)
    return found


def page_differences(
    bucket: str, listed: Mapping[str, ObjectVersion], expected: Mapping[str, Sequence[ExpectedObject]]
) -> Iterator[Difference]:
    """The differences of one range of keys, both ways."""
    for key, rows in expected.items():
        version = listed.get(key)
        if version is not None:
            detail = changed_detail(version, rows)
            if detail is not None:
                yield difference_of(CHANGED, bucket, rows[0], detail)
        elif required := [row for row in rows if row.is_required]:
            yield difference_of(MISSING, bucket, required[0])
    for key in listed:
        if key not in expected:
            yield Difference(SURPLUS, "object", bucket, key)


def changed_detail(version: ObjectVersion, rows: Sequence[ExpectedObject]) -> str | None:
    """How an object differs from all rows that expect it; None if it is as one of them says.

    A copy has another etag than its source if it was written in parts or is encrypted with SSE-KMS. So
    the etag of a moved object counts only together with its size; `has_other_etag` says so for a closer look.
    """
    if any(row.size is None or row.size == version.size for row in rows):
        if any(row.etag in {None, version.etag} or row.is_moved for row in rows):
            return None
        return "other ETag"
    return f"{version.size} bytes instead of {rows[0].size}"


def has_other_etag(version: ObjectVersion, rows: Sequence[ExpectedObject]) -> bool:
    """Whether no row has the object's etag, though every row has one."""
    return all(row.etag not in {None, version.etag} and "-" not in (row.etag or "") for row in rows)
