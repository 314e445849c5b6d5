"""A stage: crashes, faults, retries, and versions or keys that can't be read."""

import errno
from dataclasses import replace

import pytest

from common.errors import PermanentError, WorkerCrashedError
from common.store.event_record import EventRecord
from common.store.object_key import QUARANTINE, RAW
from tests.support.stage_bench import (
    INPUT_LOCATION,
    KEY,
    LEASE_SECONDS,
    MAX_CRASHES,
    QUARANTINE_LOCATION,
    RETRY_SECONDS,
    StageBench,
    WorkerKilled,
    move_on,
    raise_error,
)


def test_too_many_crashes_quarantine_the_item() -> None:
    """After as many crashes as allowed, the item is quarantined without another try."""
    bench = StageBench(work=lambda _: raise_error(WorkerKilled()))
    version = bench.put()
    for _ in range(MAX_CRASHES):
        with pytest.raises(WorkerKilled):
            bench.event(version)
        bench.clock.advance(LEASE_SECONDS + 1)
    result = bench.event(version)
    assert "quarantined" == result.body["status"]
    assert f"crashed {MAX_CRASHES} times in a row" in result.body["cause"]
    assert [(QUARANTINE, QUARANTINE_LOCATION.key)] == bench.locations()
    assert MAX_CRASHES == len(bench.items)


def test_a_crash_of_a_process_of_its_own_is_named_and_counted() -> None:
    """Each answer says how the process ended; after as many crashes as allowed the item is quarantined."""
    bench = StageBench(work=lambda _: raise_error(WorkerCrashedError("The process crashed (SIGSEGV).")))
    version = bench.put()
    answers = [bench.event(version).body for _ in range(MAX_CRASHES + 1)]
    assert ["The process crashed (SIGSEGV)."] * MAX_CRASHES == [body["cause"] for body in answers[:-1]]
    assert "quarantined" == answers[-1]["status"]


def test_faults_of_the_code_count_as_crashes() -> None:
    """An unexpected error is tried again; after as many as allowed the item is quarantined."""
    bench = StageBench(work=lambda _: raise_error(RuntimeError()))
    version = bench.put()
    answers = [bench.event(version).body["status"] for _ in range(MAX_CRASHES + 1)]
    assert ["retry"] * MAX_CRASHES + ["quarantined"] == answers


def test_temporary_failures_never_quarantine() -> None:
    """A long outage of a dependency causes retries only; after it the work is done."""
    bench = StageBench()
    version = bench.put()
    bench.store.away = True
    answers = {bench.event(version).body["status"] for _ in range(3 * MAX_CRASHES)}
    bench.store.away = False
    assert {"retry"} == answers
    assert "done" == bench.event(version).body["status"]


def test_waits_between_tries_double_up_to_32_fold() -> None:
    """Each wait is twice as long as the one before, up to 32 times the setting."""
    bench = StageBench()
    version = bench.put()
    bench.store.away = True
    waits = []
    for _ in range(8):
        bench.event(version)
        waits.append((bench.row().due_at - bench.clock()).total_seconds())
    assert [RETRY_SECONDS * factor for factor in (1, 2, 4, 8, 16, 32, 32, 32)] == waits


def test_version_that_was_overwritten_is_held_in_the_end() -> None:
    """A version that is gone is looked for a few times; then the item is held."""
    bench = StageBench(work=lambda item: (bench.store.read(item.version), move_on(item))[1])
    old = bench.put(b"old")
    new = bench.put(b"new")
    answers = [bench.event(old).body["status"] for _ in range(MAX_CRASHES + 1)]
    assert ["retry"] * MAX_CRASHES + ["held"] == answers
    assert new == bench.store.stat(INPUT_LOCATION)


def test_version_of_unknown_size_is_looked_up() -> None:
    """An event may have an etag and no size; the work gets the real size."""
    bench = StageBench()
    version = bench.put()
    bench.stage.handle(EventRecord(RAW, KEY, version.etag))
    assert [version] == [item.version for item in bench.items]


def test_key_that_no_store_takes_is_answered_without_an_error() -> None:
    """A key that is too long for the store is not tried again: no object can have it."""
    bench = StageBench()
    result = bench.stage.handle(EventRecord(RAW, "incoming/" + "x" * 2000))
    assert not result.retry


def test_key_too_long_for_quarantine_is_not_tried_for_ever() -> None:
    """A key that leaves no room for the prefix in quarantine is still settled."""
    key = "/".join(["incoming", *["x" * 200] * 5])[:1022]
    bench = StageBench(work=lambda _: raise_error(PermanentError("No DICOM.")))
    key = key.ljust(1022, "y")
    version = bench.put(location=replace(INPUT_LOCATION, key=key))
    answers = [bench.event(version).body["status"] for _ in range(MAX_CRASHES + 3)]
    assert answers[-1] in {"quarantined", "held"}
    assert b"content" in [
        found.data for objects in bench.store.buckets.values() for found in objects.values()
    ]


def test_a_full_disk_is_no_fault_of_the_file() -> None:
    """Work that fails with a full disk is tried again without limit and never quarantined."""
    bench = StageBench(
        work=lambda _: raise_error(OSError(errno.ENOSPC, "No space left on device", "/a/name"))
    )
    version = bench.put()
    results = [bench.event(version) for _ in range(3 * MAX_CRASHES)]
    assert {"retry"} == {result.body["status"] for result in results}
    assert "The operating system reported: No space left on device." == results[0].body["cause"]
