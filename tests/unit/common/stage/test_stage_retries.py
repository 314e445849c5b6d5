"""A stage: lost workers, faults, retries, and versions or keys that can't be had."""

import errno
from dataclasses import replace

import pytest

from common.errors import PermanentError
from common.stage.item import Outcome
from common.store.event_record import EventRecord
from common.store.object_key import QUARANTINE, RAW
from tests.support.stage_bench import (
    KEY,
    LEASE_SECONDS,
    MAX_CRASHES,
    PLACE,
    QUARANTINE_PLACE,
    RETRY_SECONDS,
    StageBench,
    WorkerKilled,
    move_on,
)


def _raise(error: BaseException) -> Outcome:
    raise error


def test_worker_that_is_lost_too_often_quarantines_the_item() -> None:
    """After as many lost workers as allowed, the item goes to quarantine without being tried again."""
    bench = StageBench(work=lambda _: _raise(WorkerKilled()))
    version = bench.put()
    for _ in range(MAX_CRASHES):
        with pytest.raises(WorkerKilled):
            bench.event(version)
        bench.clock.advance(LEASE_SECONDS + 1)
    result = bench.event(version)
    assert "quarantined" == result.body["status"]
    assert f"crashed {MAX_CRASHES} times in a row" in result.body["cause"]
    assert [(QUARANTINE, QUARANTINE_PLACE.key)] == bench.places()
    assert MAX_CRASHES == len(bench.items)


def test_faults_of_the_code_count_as_crashes() -> None:
    """An unexpected error is tried again, and after as many as allowed the item goes to quarantine."""
    bench = StageBench(work=lambda _: _raise(RuntimeError()))
    version = bench.put()
    answers = [bench.event(version).body["status"] for _ in range(MAX_CRASHES + 1)]
    assert ["retry"] * MAX_CRASHES + ["quarantined"] == answers


def test_passing_failures_never_quarantine() -> None:
    """A dependency that is away for long makes retries only; then the work is done."""
    bench = StageBench()
    version = bench.put()
    bench.store.away = True
    answers = {bench.event(version).body["status"] for _ in range(3 * MAX_CRASHES)}
    bench.store.away = False
    assert {"retry"} == answers
    assert "done" == bench.event(version).body["status"]


def test_waits_between_tries_double_up_to_32_fold() -> None:
    """Each passing failure waits twice as long as the one before, up to 32 times the setting."""
    bench = StageBench()
    version = bench.put()
    bench.store.away = True
    waits = []
    for _ in range(8):
        bench.event(version)
        waits.append((bench.row().due_at - bench.clock()).total_seconds())
    assert [RETRY_SECONDS * factor for factor in (1, 2, 4, 8, 16, 32, 32, 32)] == waits


def test_version_that_was_overwritten_is_held_in_the_end() -> None:
    """An event whose version is gone is looked for again a few times, then a person is told."""
    bench = StageBench(work=lambda item: (bench.store.read(item.version), move_on(item))[1])
    old = bench.put(b"old")
    new = bench.put(b"new")
    answers = [bench.event(old).body["status"] for _ in range(MAX_CRASHES + 1)]
    assert ["retry"] * MAX_CRASHES + ["held"] == answers
    assert new == bench.store.stat(PLACE)


def test_version_of_unknown_size_is_looked_up() -> None:
    """A re-sent event has an etag and no size; the work is given the real one."""
    bench = StageBench()
    version = bench.put()
    bench.stage.handle(EventRecord(RAW, KEY, version.etag))
    assert [version] == [item.version for item in bench.items]


def test_key_that_no_store_takes_is_answered_without_an_error() -> None:
    """A key too long for the store is no reason to try again: nothing of it can ever be there."""
    bench = StageBench()
    result = bench.stage.handle(EventRecord(RAW, "incoming/" + "x" * 2000))
    assert not result.retry


def test_key_too_long_to_move_aside_is_not_tried_for_ever() -> None:
    """A key that leaves no room for the quarantine's prefix still comes to an end."""
    key = "/".join(["incoming", *["x" * 200] * 5])[:1022]
    bench = StageBench(work=lambda _: _raise(PermanentError("No DICOM.")))
    key = key.ljust(1022, "y")
    version = bench.put(location=replace(PLACE, key=key))
    answers = [bench.event(version).body["status"] for _ in range(MAX_CRASHES + 3)]
    assert answers[-1] in {"quarantined", "held"}
    assert b"content" in [
        found.data for objects in bench.store.buckets.values() for found in objects.values()
    ]


def test_a_full_disk_is_no_fault_of_the_file() -> None:
    """What the machine refuses is tried again as often as it takes, and never quarantines."""
    bench = StageBench(work=lambda _: _raise(OSError(errno.ENOSPC, "No space left on device", "/a/name")))
    version = bench.put()
    results = [bench.event(version) for _ in range(3 * MAX_CRASHES)]
    assert {"retry"} == {result.body["status"] for result in results}
    assert "The machine refused: No space left on device." == results[0].body["cause"]
