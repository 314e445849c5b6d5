"""A function takes what is due by itself."""

from collections.abc import Callable

import pytest

from common.errors import ErasedError, HoldError, PermanentError
from common.stage.admission import Admission
from common.stage.backlog import drain
from common.stage.item import Item, Outcome, Result
from common.store.event_record import EventRecord
from common.store.object_key import RAW, Location
from common.store.object_store import ObjectVersion
from tests.support.stage_bench import HELD_PLACE, KEY, StageBench, WorkerKilled


def _results(*statuses: str) -> Callable[[], Result | None]:
    left = [Result({"status": status}) for status in statuses]
    return lambda: left.pop(0) if left else None


def _places() -> Admission:
    return Admission(1, patience_seconds=0)


def test_nothing_due_is_no_updates() -> None:
    """Nothing to take, nothing to tell."""
    assert {"status": "no_updates"} == drain(_results(), _places(), seconds=9)


def test_items_are_taken_until_none_is_due() -> None:
    """What became of them is counted."""
    answer = drain(_results("done", "retry", "done"), _places(), seconds=9)
    assert {"status": "worked", "items": {"done": 2, "retry": 1}} == answer


def test_time_ends_it_after_the_item_at_hand() -> None:
    """Whoever asked is told that there may be more."""
    answer = drain(_results("done", "done"), _places(), seconds=-1)
    assert {"status": "worked", "items": {"done": 1}, "more": True} == answer


def test_it_takes_a_place() -> None:
    """While events have all places, what is due waits."""
    places = _places()
    with places.place():
        assert {"status": "full"} == drain(_results("done"), places, seconds=9)


def test_an_announced_object_is_worked_on_without_an_event() -> None:
    """The event that comes late does nothing."""
    bench = StageBench()
    version = bench.put()
    bench.ledger.announce(version)
    assert bench.stage.next().body["status"] == "done"
    assert bench.stage.next() is None
    assert "done" == bench.event(version).body["status"]
    assert 1 == len(bench.items)


def test_a_size_that_nobody_told_is_asked_for() -> None:
    """Rows of before tell none, and limits go by it."""
    bench = StageBench()
    bench.stage.announce(EventRecord(RAW, KEY, bench.put(b"twelve bytes").etag))
    bench.stage.next()
    assert [12] == [item.version.size for item in bench.items]


@pytest.mark.parametrize("error", [PermanentError("No DICOM."), HoldError("May show a name."), ErasedError()])
def test_what_a_crash_left_of_a_move_is_tidied_by_its_row(error: Exception) -> None:
    """A worker is lost between the settlement and the deletion, in a place that nobody lists."""

    def refuse(_: Item) -> Outcome:
        raise error

    bench = StageBench(refuse)
    object.__setattr__(bench.stage, "is_announced", lambda _: True)
    bench.ledger.announce(bench.put())
    delete = bench.store.delete

    def killed(_: ObjectVersion) -> None:
        bench.store.delete = delete  # of the next worker
        raise WorkerKilled

    bench.store.delete = killed
    with pytest.raises(WorkerKilled):
        bench.stage.next()
    assert 2 - isinstance(error, ErasedError) == len(bench.places())
    assert bench.ledger.has_due()
    assert bench.stage.next() is None
    assert KEY not in bench.store.keys(RAW)
    assert 1 - isinstance(error, ErasedError) == len(bench.places())
    assert not bench.ledger.has_due()


def test_what_is_put_again_after_it_was_set_aside_leaves_again() -> None:
    """It was copied, taken on by its event and held before its maker could record it, and so copied again."""

    def hold(_: Item) -> Outcome:
        raise HoldError("May show a name.")

    bench = StageBench(hold)
    object.__setattr__(bench.stage, "is_announced", lambda _: True)
    assert "held" == bench.event(bench.put()).body["status"]
    bench.ledger.announce(bench.put())
    assert bench.stage.next() is None
    assert [(RAW, HELD_PLACE.key)] == bench.places()
    assert not bench.ledger.has_due()


def test_what_is_announced_to_the_ledger_is_not_noted_again() -> None:
    """A full function writes no row for an object whose maker does."""
    bench = StageBench()
    version = bench.put(location=Location(RAW, "incoming/nas.dcm"))
    record = EventRecord(RAW, version.location.key, version.etag, version.size)
    object.__setattr__(bench.stage, "is_announced", lambda _: True)
    bench.stage.announce(record)
    assert {} == bench.table.rows
