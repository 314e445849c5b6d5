"""A function works on its own backlog."""

from collections.abc import Callable

import pytest

from common.errors import ErasedError, HoldError, PermanentError
from common.stage.admission import Admission
from common.stage.backlog import drain
from common.stage.item import Item, Outcome, Result
from common.store.event_record import EventRecord
from common.store.object_key import RAW, Location
from common.store.object_store import ObjectVersion
from tests.support.stage_bench import HELD_LOCATION, KEY, StageBench, WorkerKilled


def _results(*statuses: str) -> Callable[[], Result | None]:
    left = [Result({"status": status}) for status in statuses]
    return lambda: left.pop(0) if left else None


def _slots() -> Admission:
    return Admission(1, max_wait_seconds=0)


def test_nothing_due_is_no_updates() -> None:
    """Without due items the status says so."""
    assert {"status": "no_updates"} == drain(_results(), _slots(), seconds=9)


def test_items_are_taken_until_none_is_due() -> None:
    """The answer counts how they ended."""
    answer = drain(_results("done", "retry", "done"), _slots(), seconds=9)
    assert {"status": "worked", "items": {"done": 2, "retry": 1}} == answer


def test_time_ends_it_after_the_current_item() -> None:
    """The answer says that there may be more."""
    answer = drain(_results("done", "done"), _slots(), seconds=-1)
    assert {"status": "worked", "items": {"done": 1}, "more": True} == answer


def test_it_takes_a_slot() -> None:
    """While events have all slots, the backlog waits."""
    slots = _slots()
    with slots.slot():
        assert {"status": "full"} == drain(_results("done"), slots, seconds=9)


def test_an_announced_object_is_worked_on_without_an_event() -> None:
    """A late event then does nothing."""
    bench = StageBench()
    version = bench.put()
    bench.ledger.announce(version)
    assert bench.stage.next().body["status"] == "done"
    assert bench.stage.next() is None
    assert "done" == bench.event(version).body["status"]
    assert 1 == len(bench.items)


def test_an_unknown_size_is_looked_up() -> None:
    """An announcement may have no size, but limits need one."""
    bench = StageBench()
    bench.stage.announce(EventRecord(RAW, KEY, bench.put(b"twelve bytes").etag))
    bench.stage.next()
    assert [12] == [item.version.size for item in bench.items]


@pytest.mark.parametrize("error", [PermanentError("No DICOM."), HoldError("May show a name."), ErasedError()])
def test_a_pending_delete_after_a_crash_is_completed(error: Exception) -> None:
    """A worker crashes between the settlement and the deletion, at a location that sweep does not list."""

    def refuse(_: Item) -> Outcome:
        raise error

    bench = StageBench(refuse)
    object.__setattr__(bench.stage, "is_announced", lambda _: True)
    bench.ledger.announce(bench.put())
    delete = bench.store.delete

    def killed(_: ObjectVersion) -> None:
        bench.store.delete = delete  # the next worker works normally
        raise WorkerKilled

    bench.store.delete = killed
    with pytest.raises(WorkerKilled):
        bench.stage.next()
    assert 2 - isinstance(error, ErasedError) == len(bench.locations())
    assert bench.ledger.has_due()
    assert bench.stage.next() is None
    assert KEY not in bench.store.keys(RAW)
    assert 1 - isinstance(error, ErasedError) == len(bench.locations())
    assert not bench.ledger.has_due()


def test_an_object_put_again_after_it_was_set_aside_is_deleted_again() -> None:
    """It was copied and held before poll_nas could record the copy, so poll_nas copied it again."""

    def hold(_: Item) -> Outcome:
        raise HoldError("May show a name.")

    bench = StageBench(hold)
    object.__setattr__(bench.stage, "is_announced", lambda _: True)
    assert "held" == bench.event(bench.put()).body["status"]
    bench.ledger.announce(bench.put())
    assert bench.stage.next() is None
    assert [(RAW, HELD_LOCATION.key)] == bench.locations()
    assert not bench.ledger.has_due()


def test_an_object_that_is_announced_anyway_is_not_announced_twice() -> None:
    """A full function inserts no row for an object that its maker announces."""
    bench = StageBench()
    version = bench.put(location=Location(RAW, "incoming/nas.dcm"))
    record = EventRecord(RAW, version.location.key, version.etag, version.size)
    object.__setattr__(bench.stage, "is_announced", lambda _: True)
    bench.stage.announce(record)
    assert {} == bench.table.rows
