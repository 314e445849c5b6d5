"""A stage: the order of its effects, and the state after a crash at each point."""

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
    INPUT_LOCATION,
    KEY,
    LEASE_SECONDS,
    PROCESSED_LOCATION,
    StageBench,
    WorkerKilled,
    move_on,
)


def test_input_is_worked_on_recorded_and_moved() -> None:
    """After an event the input is in processed/, and its row says so."""
    bench = StageBench()
    bench.put()
    result = bench.event()
    assert {"bucket": "raw", "status": "done", "item": 1, "outcome": "extracted"} == result.body
    assert not result.retry
    assert [(RAW, PROCESSED_LOCATION.key)] == bench.locations()
    assert State.DONE == bench.state()
    assert PROCESSED_LOCATION == bench.row().settlement.moved_to


def test_effects_come_in_the_order_copy_record_settle_delete() -> None:
    """The input is copied, rows are written, the item is settled; only then the input is deleted."""
    seen = {}
    bench = StageBench()

    def record() -> None:
        seen["at record"] = (bench.locations(), bench.state())

    bench.work = lambda item: Outcome(
        "extracted", move_to=processed(item.version.location), database_call=InMemoryCall.of(record)
    )
    bench.put()
    delete = bench.store.delete
    bench.store.delete = lambda at: (seen.update({"at delete": bench.state()}), delete(at))
    bench.event()
    assert ([(RAW, KEY), (RAW, PROCESSED_LOCATION.key)], State.RUNNING) == seen["at record"]
    assert State.DONE == seen["at delete"]


def test_content_put_over_the_input_meanwhile_is_not_deleted() -> None:
    """Content that a client puts under the key during the work stays, and gets its own item."""
    bench = StageBench()
    bench.put()
    settle = bench.ledger.settle

    def settled_then_overwritten(*args: object) -> bool:
        bench.store.put(INPUT_LOCATION, b"newer", content_type="application/dicom")
        return settle(*args)

    bench.ledger.settle = settled_then_overwritten
    assert "done" == bench.event().body["status"]
    assert b"newer" == bench.store.read(bench.store.stat(INPUT_LOCATION))


def test_input_that_stays_is_settled_where_it_is() -> None:
    """Without a location to move to, the input stays where it is."""
    bench = StageBench(work=lambda _: Outcome("good", details={"score": 0.5}))
    bench.put()
    result = bench.event()
    assert ("good", 0.5) == (result.body["outcome"], result.body["score"])
    assert [(RAW, KEY)] == bench.locations()


def _killed_at(bench: StageBench, point: str) -> None:
    """Let the worker crash once at this point of its work."""
    owner, name = {
        "copy": (bench.store, "copy"),
        "settle": (bench.ledger, "settle"),
        "delete": (bench.store, "delete"),
    }[point]
    original = getattr(owner, name)

    def killed(*_args: object, **_kwargs: object) -> None:
        setattr(owner, name, original)
        raise WorkerKilled

    setattr(owner, name, killed)


@pytest.mark.parametrize("point", ["copy", "settle", "delete"])
def test_second_event_completes_the_work_after_a_crash(point: str) -> None:
    """Whichever step a killed worker did not reach, a later event completes the work."""
    bench = StageBench()
    version = bench.put()
    _killed_at(bench, point)
    with pytest.raises(WorkerKilled):
        bench.event(version)
    assert (RAW, KEY) in bench.locations()
    bench.clock.advance(LEASE_SECONDS + 1)
    assert "done" == bench.event(version).body["status"]
    assert [(RAW, PROCESSED_LOCATION.key)] == bench.locations()
    assert State.DONE == bench.state()


def test_crash_while_recording_is_worked_on_again() -> None:
    """If a worker is killed between its copy and its rows, the next attempt writes the rows."""
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
    assert [(RAW, PROCESSED_LOCATION.key)] == bench.locations()


def test_row_names_the_copy_beside_other_content() -> None:
    """If processed/ has other content under the name, both stay, and the row names the new key."""
    bench = StageBench()
    bench.put(b"older", PROCESSED_LOCATION)
    version = bench.put(b"newer")
    bench.event(version)
    beside = f"{PROCESSED_LOCATION.key}~{version.etag}"
    assert [(RAW, PROCESSED_LOCATION.key), (RAW, beside)] == bench.locations()
    assert beside == bench.row().settlement.moved_to.key
    assert b"older" == bench.store.read(bench.store.stat(PROCESSED_LOCATION))


@pytest.mark.parametrize(
    "error", [DependencyAwayError("The NAS is away."), RuntimeError("holds Doe^Jane"), ValueError()]
)
def test_failed_work_changes_nothing_but_the_row(error: Exception) -> None:
    """Work that fails temporarily leaves the input in place and writes nothing else."""

    def fail(_: Item) -> Outcome:
        raise error

    bench = StageBench(work=fail)
    bench.put()
    result = bench.event()
    assert result.retry
    assert "retry" == result.body["status"]
    assert [(RAW, KEY)] == bench.locations()
    assert State.RETRY == bench.state()


def test_text_of_an_unexpected_error_is_not_reported(log: list[str]) -> None:
    """An unexpected error may quote a patient's values, so only its type is reported."""

    def fail(_: Item) -> Outcome:
        raise RuntimeError("PatientName is Doe^Jane")

    bench = StageBench(work=fail)
    bench.put()
    result = bench.event()
    reported = f"{result.body} {log} {bench.row()}"
    assert "Unexpected RuntimeError." == result.body["cause"]
    assert "Doe" not in reported


def test_failure_to_copy_into_quarantine_is_tried_later() -> None:
    """If the store is away when an input is quarantined, the item is tried again; nothing is lost."""

    def refuse(_: Item) -> Outcome:
        bench.store.away = True
        raise PermanentError("No DICOM.")

    bench = StageBench(work=refuse)
    bench.put()
    result = bench.event(bench.store.stat(INPUT_LOCATION))
    bench.store.away = False
    assert result.retry
    assert [(RAW, KEY)] == bench.locations()


def test_ledger_away_before_the_claim_is_a_retry() -> None:
    """Without the ledger nothing is worked on, and the answer says so."""
    bench = StageBench()
    bench.put()
    bench.table.away = True
    result = bench.event()
    assert result.retry
    assert "The database does not answer; see DATABASE_URL." == result.body["cause"]
    assert [] == bench.items


def test_ledger_away_at_the_end_is_completed_after_the_lease() -> None:
    """If the ledger fails during the work, the lease runs out and a later event completes the work."""

    def work(item: Item) -> Outcome:
        bench.table.away = len(bench.items) == 1
        return move_on(item)

    bench = StageBench(work=work)
    version = bench.put()
    assert bench.event(version).retry
    bench.table.away = False
    assert (RAW, KEY) in bench.locations()
    bench.clock.advance(LEASE_SECONDS + 1)
    assert "done" == bench.event(version).body["status"]
    assert [(RAW, PROCESSED_LOCATION.key)] == bench.locations()


def test_worker_whose_lease_was_taken_deletes_nothing() -> None:
    """A worker that lost its lease leaves the input to the worker that has it now."""
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
    assert (RAW, KEY) in bench.locations()


def test_long_work_that_lost_its_lease_stops() -> None:
    """`heartbeat` in long work raises once another worker has the item, and the work ends."""

    def work(item: Item) -> Outcome:
        bench.clock.advance(LEASE_SECONDS + 1)
        bench.ledger.claim(item.version, lease_seconds=LEASE_SECONDS)
        assert wait_for(lambda: _raises(item.heartbeat), seconds=10)
        item.heartbeat()
        return move_on(item)

    bench = StageBench(work=work)
    object.__setattr__(bench.stage, "lease_seconds", 0.03)  # it is renewed three times as often
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


def test_event_of_another_location_is_ignored() -> None:
    """An event for a location that the function does not work on is answered; nothing is claimed."""
    bench = StageBench()
    result = bench.stage.handle(EventRecord(QUARANTINE, "raw/x", None, None))
    assert "ignored" == result.body["status"]
    assert {} == bench.table.rows


def test_key_of_raw_is_never_in_an_answer() -> None:
    """A key in raw contains a NAS path, which may name a patient; so no answer contains it."""
    bench = StageBench()
    version = bench.put()
    answers = [bench.event(version), bench.event(version)]
    answers.append(bench.stage.handle(EventRecord(RAW, "incoming/absent/Doe.dcm", None, None)))
    answers.append(bench.stage.handle(EventRecord(RAW, "elsewhere/Doe.dcm", None, None)))
    assert all("key" not in answer.body for answer in answers)
    assert all("Doe" not in str(answer.body) and KEY not in str(answer.body) for answer in answers)
