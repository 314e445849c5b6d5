"""A stage: the order of its effects, and what a crash at each point leaves."""

from collections.abc import Callable

import pytest

from common.errors import DependencyAwayError, PermanentError, TransientError
from common.ledger.ledger import State
from common.stage.item import Item, Outcome
from common.store.event_record import EventRecord
from common.store.object_key import QUARANTINE, RAW, processed
from tests.in_memory.database_call import InMemoryCall
from tests.support.local_home import wait_for
from tests.support.stage_bench import (
    KEY,
    LEASE_SECONDS,
    PLACE,
    PROCESSED_PLACE,
    StageBench,
    WorkerKilled,
    move_on,
)


def test_input_is_worked_on_recorded_and_moved() -> None:
    """An object's event ends with its input in processed/ and a row that says so."""
    bench = StageBench()
    bench.put()
    result = bench.event()
    assert {"bucket": "raw", "status": "done", "item": 1, "outcome": "extracted"} == result.body
    assert not result.retry
    assert [(RAW, PROCESSED_PLACE.key)] == bench.places()
    assert State.DONE == bench.state()
    assert PROCESSED_PLACE == bench.row().settlement.moved_to


def test_effects_come_in_the_order_copy_record_settle_delete() -> None:
    """The input is copied, then rows are written, then the ledger is settled, and only then it is deleted."""
    seen = {}
    bench = StageBench()

    def record() -> None:
        seen["at record"] = (bench.places(), bench.state())

    bench.work = lambda item: Outcome(
        "extracted", move_to=processed(item.version.location), database_call=InMemoryCall.of(record)
    )
    bench.put()
    delete = bench.store.delete
    bench.store.delete = lambda at: (seen.update({"at delete": bench.state()}), delete(at))
    bench.event()
    assert ([(RAW, KEY), (RAW, PROCESSED_PLACE.key)], State.RUNNING) == seen["at record"]
    assert State.DONE == seen["at delete"]


def test_content_put_over_the_input_meanwhile_is_not_deleted() -> None:
    """What a client puts under the input's key while it is worked on stays, and has its own turn."""
    bench = StageBench()
    bench.put()
    settle = bench.ledger.settle

    def settled_then_overwritten(*args: object) -> bool:
        bench.store.put(PLACE, b"newer", content_type="application/dicom")
        return settle(*args)

    bench.ledger.settle = settled_then_overwritten
    assert "done" == bench.event().body["status"]
    assert b"newer" == bench.store.read(bench.store.stat(PLACE))


def test_input_that_stays_is_settled_in_its_place() -> None:
    """Work that names no place to move to leaves the input where it is."""
    bench = StageBench(work=lambda _: Outcome("good", details={"score": 0.5}))
    bench.put()
    result = bench.event()
    assert ("good", 0.5) == (result.body["outcome"], result.body["score"])
    assert [(RAW, KEY)] == bench.places()


def _killed_at(bench: StageBench, point: str) -> None:
    """Make the worker die once at a point of its work."""
    owner, name = {
        "copy": (bench.store, "copy"),
        "settle": (bench.ledger, "settle"),
        "delete": (bench.store, "delete"),
    }[point]
    whole = getattr(owner, name)

    def killed(*_args: object, **_kwargs: object) -> None:
        setattr(owner, name, whole)
        raise WorkerKilled

    setattr(owner, name, killed)


@pytest.mark.parametrize("point", ["copy", "settle", "delete"])
def test_second_event_completes_what_a_crash_left(point: str) -> None:
    """Whatever step a killed worker did not reach, a later event brings the input to its end."""
    bench = StageBench()
    version = bench.put()
    _killed_at(bench, point)
    with pytest.raises(WorkerKilled):
        bench.event(version)
    assert (RAW, KEY) in bench.places()
    bench.clock.advance(LEASE_SECONDS + 1)
    assert "done" == bench.event(version).body["status"]
    assert [(RAW, PROCESSED_PLACE.key)] == bench.places()
    assert State.DONE == bench.state()


def test_crash_while_recording_is_worked_on_again() -> None:
    """A worker killed between its copy and its rows leaves an item that the next attempt records."""
    recorded: list[int] = []

    def record() -> None:
        recorded.append(1)
        if len(recorded) == 1:
            raise WorkerKilled

    bench = StageBench(
        work=lambda item: Outcome(
            "extracted", move_to=processed(item.version.location), database_call=InMemoryCall.of(record)
        )
    )
    version = bench.put()
    with pytest.raises(WorkerKilled):
        bench.event(version)
    bench.clock.advance(LEASE_SECONDS + 1)
    bench.event(version)
    assert [1, 1] == recorded
    assert [(RAW, PROCESSED_PLACE.key)] == bench.places()


def test_copy_beside_other_content_is_where_the_row_points() -> None:
    """If processed/ holds other content under the name, both stay, and the row tells the new place."""
    bench = StageBench()
    bench.put(b"older", PROCESSED_PLACE)
    version = bench.put(b"newer")
    bench.event(version)
    beside = f"{PROCESSED_PLACE.key}~{version.etag}"
    assert [(RAW, PROCESSED_PLACE.key), (RAW, beside)] == bench.places()
    assert beside == bench.row().settlement.moved_to.key
    assert b"older" == bench.store.read(bench.store.stat(PROCESSED_PLACE))


@pytest.mark.parametrize(
    "error", [DependencyAwayError("The NAS is away."), RuntimeError("holds Doe^Jane"), ValueError()]
)
def test_failed_work_changes_nothing_but_the_row(error: Exception) -> None:
    """Work that fails for now leaves the input in place and nothing anywhere else."""

    def fail(_: Item) -> Outcome:
        raise error

    bench = StageBench(work=fail)
    bench.put()
    result = bench.event()
    assert result.retry
    assert "retry" == result.body["status"]
    assert [(RAW, KEY)] == bench.places()
    assert State.RETRY == bench.state()


def test_text_of_an_unexpected_error_stays_inside(log: list[str]) -> None:
    """An error of no kind of ours may quote a patient's values, so only its type is told."""

    def fail(_: Item) -> Outcome:
        raise RuntimeError("PatientName is Doe^Jane")

    bench = StageBench(work=fail)
    bench.put()
    result = bench.event()
    told = f"{result.body} {log} {bench.row()}"
    assert "Unexpected RuntimeError." == result.body["cause"]
    assert "Doe" not in told


def test_failure_to_copy_aside_is_tried_later() -> None:
    """A store that is away while an input goes to quarantine makes it a retry; nothing is lost."""

    def refuse(_: Item) -> Outcome:
        bench.store.away = True
        raise PermanentError("No DICOM.")

    bench = StageBench(work=refuse)
    bench.put()
    result = bench.event(bench.store.stat(PLACE))
    bench.store.away = False
    assert result.retry
    assert [(RAW, KEY)] == bench.places()


def test_ledger_away_before_the_claim_is_told_as_retry() -> None:
    """Without the ledger nothing is worked on, and the answer says so."""
    bench = StageBench()
    bench.put()
    bench.table.away = True
    result = bench.event()
    assert result.retry
    assert "The database does not answer; see DATABASE_URL." == result.body["cause"]
    assert [] == bench.items


def test_ledger_away_at_the_end_is_completed_after_the_lease() -> None:
    """If the ledger goes away during the work, the lease runs out and a later event completes it."""

    def work(item: Item) -> Outcome:
        bench.table.away = len(bench.items) == 1
        return move_on(item)

    bench = StageBench(work=work)
    version = bench.put()
    assert bench.event(version).retry
    bench.table.away = False
    assert (RAW, KEY) in bench.places()
    bench.clock.advance(LEASE_SECONDS + 1)
    assert "done" == bench.event(version).body["status"]
    assert [(RAW, PROCESSED_PLACE.key)] == bench.places()


def test_worker_whose_lease_was_taken_deletes_nothing() -> None:
    """A worker that lost its lease to another one leaves the input to that one."""
    version = None

    def slow(item: Item) -> Outcome:
        if len(bench.items) == 1:
            bench.clock.advance(LEASE_SECONDS + 1)
            bench.ledger.claim(item.version, lease_seconds=LEASE_SECONDS)  # the other worker
        return move_on(item)

    bench = StageBench(work=slow)
    version = bench.put()
    bench.event(version)
    assert State.RUNNING == bench.state()
    assert (RAW, KEY) in bench.places()


def test_long_work_that_lost_its_lease_stops() -> None:
    """`heartbeat` in long work raises once another worker has the item, which is then left to that one."""

    def work(item: Item) -> Outcome:
        bench.clock.advance(LEASE_SECONDS + 1)
        bench.ledger.claim(item.version, lease_seconds=LEASE_SECONDS)
        assert wait_for(lambda: _raises(item.heartbeat), seconds=10)
        item.heartbeat()
        return move_on(item)

    bench = StageBench(work=work)
    object.__setattr__(bench.stage, "lease_seconds", 0.03)  # it is looked at three times as often
    result = bench.event(bench.put())
    assert result.retry
    assert "another worker" in str(result.body["cause"])
    assert (State.RUNNING, 2, 0) == (bench.state(), bench.row().attempts, bench.row().crashes)


def _raises(call: Callable[[], None]) -> bool:
    try:
        call()
    except TransientError:
        return True
    return False


def test_event_of_another_place_is_ignored() -> None:
    """A place that the function doesn't work on is answered, and nothing is looked up or claimed."""
    bench = StageBench()
    result = bench.stage.handle(EventRecord(QUARANTINE, "raw/x", None, None))
    assert "ignored" == result.body["status"]
    assert {} == bench.table.rows


def test_key_of_raw_is_never_in_an_answer() -> None:
    """A key in raw holds a NAS path, which may tell a patient: no answer or log line has it."""
    bench = StageBench()
    version = bench.put()
    answers = [bench.event(version), bench.event(version)]
    answers.append(bench.stage.handle(EventRecord(RAW, "incoming/absent/Doe.dcm", None, None)))
    answers.append(bench.stage.handle(EventRecord(RAW, "elsewhere/Doe.dcm", None, None)))
    assert all("key" not in answer.body for answer in answers)
    assert all("Doe" not in str(answer.body) and KEY not in str(answer.body) for answer in answers)
