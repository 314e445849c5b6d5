"""A page of a listing against the objects that rows expect."""

import pytest

from common.reconcile.difference import ExpectedObject
from common.reconcile.page_comparison import by_key, changed_detail, has_other_etag, page_differences
from common.store.object_key import Location
from common.store.object_store import ObjectVersion


def _row(key: str = "k", etag: str | None = "a", size: int | None = 3, **changes: object) -> ExpectedObject:
    values = {"what": "image", "sha256": None, "item_id": 7, "sop_instance_uid": "1.2", "frame": 1}
    flags = {"is_required": True, "is_moved": False}
    return ExpectedObject(key=key, etag=etag, size=size, **values | flags | changes)  # type: ignore[arg-type]


def _version(key: str = "k", etag: str = "a", size: int = 3) -> ObjectVersion:
    return ObjectVersion(Location("b", key), etag, size)


def test_equal_pages_have_no_difference() -> None:
    """Objects that lie where rows expect them differ in nothing."""
    assert [] == list(page_differences("b", {"k": _version()}, by_key([_row()])))


def test_missing_surplus_and_changed_are_found() -> None:
    """Each direction and each kind is one difference, with the item of the row."""
    listed = {"changed": _version("changed", size=4), "surplus": _version("surplus")}
    expected = by_key([_row("changed"), _row("missing"), _row("due", is_required=False)])
    found = [(each.kind, each.key, each.item_id) for each in page_differences("b", listed, expected)]
    assert [("changed", "changed", 7), ("missing", "missing", 7), ("surplus", "surplus", None)] == found


@pytest.mark.parametrize(
    ("version", "row", "expected"),
    [
        (_version(size=4), _row(), "4 bytes instead of 3"),
        (_version(etag="b"), _row(), "other ETag"),
        (_version(etag="b"), _row(is_moved=True), None),
        (_version(etag="b"), _row(etag=None, size=None), None),
    ],
)
def test_what_counts_as_changed(version: ObjectVersion, row: ExpectedObject, expected: str | None) -> None:
    """Size and ETag count if they are recorded; a copy may have another ETag."""
    assert expected == changed_detail(version, [row])


def test_an_object_may_be_as_any_of_its_rows_says() -> None:
    """If several rows expect an object, one of them is enough."""
    assert changed_detail(_version(etag="b"), [_row(), _row(etag="b")]) is None


@pytest.mark.parametrize(("etag", "expected"), [("b", True), ("a", False), (None, False), ("a-2", False)])
def test_a_copy_with_another_etag_is_looked_at_closely(etag: str | None, expected: bool) -> None:
    """Unless its source was written in parts, or its ETag is not recorded."""
    assert expected == has_other_etag(_version(), [_row(etag=etag, is_moved=True)])
