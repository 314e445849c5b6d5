"""The rule by which a difference becomes a finding."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.errors import UnreadableError
from common.reconcile.content import ContentCheck
from common.reconcile.difference import Difference, ExpectedObject, Finding
from common.reconcile.reconcile_rows import Activity
from common.reconcile.second_look import SecondLook
from common.store.object_key import Location
from tests.in_memory.object_store import InMemoryObjectStore

SEEN = datetime(2026, 3, 1, tzinfo=UTC)
QUIET = Activity(is_busy=False, active_at=SEEN - timedelta(hours=1))
BUSY = Activity(is_busy=True, active_at=SEEN - timedelta(hours=1))
LATER = Activity(is_busy=False, active_at=SEEN + timedelta(seconds=1))
MISSING = Difference(
    "missing", "image", "images-1", "P/1/2/3/1.png", sop_instance_uid="3", frame=1, item_id=7
)
ROW = ExpectedObject("P/1/2/3/1.png", "image", None, None, None, 7, "3", 1, is_required=True, is_moved=False)


@dataclass
class Rows:
    """The rows in memory: what is expected, and what goes on, one answer after the other."""

    activities: list[Activity]
    expected: list[ExpectedObject] = field(default_factory=lambda: [ROW])
    noted: list[Difference] = field(default_factory=list)
    deleted: list[int] = field(default_factory=list)
    looked: list[tuple[str, bool]] = field(default_factory=list)

    def activity(self, _difference: Difference, _keys: list[str]) -> Activity:
        return self.activities.pop(0)

    def expected_at(self, _bucket: str, _key: str) -> list[ExpectedObject]:
        return self.expected

    def known(self, _bucket: str, _keys: list[str]) -> set[str]:
        return set()

    def looked_at(self, _finding: Finding, found: Difference, *, is_confirmed: bool) -> None:
        self.looked.append((found.kind, is_confirmed))

    def note(self, differences: Iterable[Difference]) -> None:
        self.noted.extend(differences)

    def delete(self, finding: Finding) -> None:
        self.deleted.append(finding.id)


@pytest.fixture
def store() -> InMemoryObjectStore:
    """A store with one empty image bucket."""
    store = InMemoryObjectStore()
    store.ensure_bucket("images-1")
    return store


def _look(store: InMemoryObjectStore, rows: Rows, *, is_confirmed: bool = False, **changes: Any) -> bool:
    finding = Finding(1, changes.pop("difference", MISSING), SEEN, is_confirmed)
    content = ContentCheck(store, is_deep=True)
    return SecondLook(store, rows, content).look(finding)  # type: ignore[arg-type]


def test_still_missing_without_any_work_is_a_finding(store: InMemoryObjectStore) -> None:
    """An object that is missing at the second look too, while nothing goes on, is a finding."""
    rows = Rows([QUIET, QUIET])
    assert _look(store, rows)
    assert [("missing", True)] == rows.looked


@pytest.mark.parametrize("activities", [[BUSY, QUIET], [QUIET, BUSY], [BUSY, BUSY]])
@pytest.mark.parametrize("is_confirmed", [True, False])
def test_nothing_in_work_is_a_finding(
    store: InMemoryObjectStore, activities: list[Activity], is_confirmed: bool
) -> None:
    """While an item is claimed or due, before or after the store is asked, there is no finding."""
    rows = Rows([*activities])
    assert not _look(store, rows, is_confirmed=is_confirmed)
    assert [("missing", False)] == rows.looked


def test_work_since_the_first_look_starts_again(store: InMemoryObjectStore) -> None:
    """If an item was settled after the first look, the difference counts as seen for the first time."""
    rows = Rows([QUIET, LATER])
    assert not _look(store, rows)
    assert ([1], [MISSING]) == (rows.deleted, rows.noted)


def test_what_is_no_more_is_forgotten(store: InMemoryObjectStore) -> None:
    """A difference that is gone at the second look is deleted."""
    store.put(Location("images-1", ROW.key), b"x", content_type="image/png")
    rows = Rows([QUIET, QUIET])
    assert not _look(store, rows)
    assert ([1], []) == (rows.deleted, rows.looked)


def test_what_no_row_expects_any_more_is_forgotten(store: InMemoryObjectStore) -> None:
    """An image that was moved or erased since the first look is not missing."""
    rows = Rows([QUIET, QUIET], expected=[])
    assert not _look(store, rows)
    assert [1] == rows.deleted


def test_a_hidden_object_is_not_missing(store: InMemoryObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that the store has, though no listing shows it, is told as hidden."""
    monkeypatch.setattr(store, "exists", lambda _location: True)
    rows = Rows([QUIET, QUIET])
    assert _look(store, rows)
    assert [("hidden", True)] == rows.looked


def test_a_damaged_description_is_told(store: InMemoryObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object that is not listed, and at which the store fails, is damaged."""

    def fail(_location: Location) -> bool:
        raise UnreadableError

    monkeypatch.setattr(store, "exists", fail)
    rows = Rows([QUIET, QUIET])
    assert _look(store, rows)
    assert [("damaged", True)] == rows.looked


def test_changed_bytes_are_found_by_reading(store: InMemoryObjectStore) -> None:
    """An object whose SHA-256 is not the recorded one is changed, and one that can't be read is damaged."""
    location = Location("images-1", ROW.key)
    version = store.put(location, b"x", content_type="image/png")
    store.put(Location("images-1", "other"), b"y", content_type="image/png")
    recorded = [ExpectedObject(**vars(ROW) | {"sha256": "0" * 64})]
    found = ContentCheck(store, is_deep=True).compare("images-1", version, recorded)
    assert found is not None
    assert ("changed", "other SHA-256") == (found.kind, found.detail)
    store.damaged.add(location)
    found = ContentCheck(store, is_deep=True).compare("images-1", version, recorded)
    assert found is not None
    assert "damaged" == found.kind
