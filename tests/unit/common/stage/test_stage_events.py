"""A stage: doubled, late and empty events, items set aside, releases, replays."""

from dataclasses import replace

from common.errors import HoldError, PermanentError
from common.ledger.ledger import State
from common.stage.item import Item, Outcome
from common.store.event_record import EventRecord
from common.store.object_key import QUARANTINE, RAW
from tests.support.stage_bench import (
    HELD_LOCATION,
    INPUT_LOCATION,
    KEY,
    LEASE_SECONDS,
    PROCESSED_LOCATION,
    QUARANTINE_LOCATION,
    StageBench,
    move_on,
    raise_error,
)


def _event_without_version(bench: StageBench) -> dict:
    return dict(bench.stage.handle(EventRecord(RAW, KEY)).body)


def test_doubled_event_does_nothing() -> None:
    """The same event again is answered done, and no work is done twice."""
    bench = StageBench()
    version = bench.put()
    bench.event(version)
    again = bench.event(version)
    assert ("done", 1) == (again.body["status"], again.body["item"])
    assert 1 == len(bench.items)


def test_an_event_without_a_slot_is_announced() -> None:
    """Its item is due. Events of other locations or without a version are not announced."""
    bench = StageBench()
    version = bench.put()
    bench.stage.announce(EventRecord(RAW, "elsewhere/x", "etag", 1))
    bench.stage.announce(EventRecord(RAW, KEY, None, None))
    assert {} == bench.table.rows
    bench.stage.announce(EventRecord(RAW, KEY, version.etag, version.size))
    assert (State.RETRY, 0) == (bench.state(), bench.row().attempts)
    bench.table.away = True
    bench.stage.announce(EventRecord(RAW, "incoming/other", "etag", 1))  # the sweep will find the object
    bench.table.away = False
    assert "done" == bench.event(version).body["status"]


def test_event_while_another_worker_has_the_lease_does_nothing() -> None:
    """While one worker has the item, another event is answered as in progress."""
    bench = StageBench()
    version = bench.put()
    bench.ledger.claim(version, lease_seconds=LEASE_SECONDS)
    result = bench.event(version)
    assert ("in progress", False) == (result.body["status"], result.retry)
    assert [] == bench.items
    assert [(RAW, KEY)] == bench.locations()


def test_same_content_put_again_after_it_was_done_is_deleted() -> None:
    """A finished object that is put under the same key again is deleted, since its copy exists."""
    bench = StageBench()
    version = bench.put()
    bench.event(version)
    bench.put()
    assert "done" == bench.event(version).body["status"]
    assert [(RAW, PROCESSED_LOCATION.key)] == bench.locations()
    assert 1 == len(bench.items)


def test_other_content_under_the_same_key_is_an_item_of_its_own() -> None:
    """New content under a finished key is worked on; a late event of the old content does no harm."""
    bench = StageBench()
    old = bench.put(b"old")
    bench.event(old)
    new = bench.put(b"new")
    assert "done" == bench.event(old).body["status"]
    assert new == bench.store.stat(INPUT_LOCATION)
    assert "done" == bench.event(new).body["status"]
    assert [1, 2] == [item.id for item in bench.items]


def test_object_is_not_deleted_if_its_copy_is_gone() -> None:
    """An object whose recorded copy no longer exists is never deleted."""
    bench = StageBench()
    version = bench.put()
    bench.event(version)
    bench.store.delete(bench.store.stat(PROCESSED_LOCATION))
    bench.put()
    bench.event(version)
    assert [(RAW, KEY)] == bench.locations()


def test_event_without_a_version_means_the_stored_one() -> None:
    """An event with bucket and key only works on the version in the store."""
    bench = StageBench()
    bench.put()
    assert "done" == _event_without_version(bench)["status"]


def test_event_without_a_version_of_a_moved_object() -> None:
    """If the object is gone, the answer comes from the ledger."""
    bench = StageBench()
    bench.put()
    bench.event()
    assert {"bucket": "raw", "status": "done", "item": 1, "outcome": "extracted"} == _event_without_version(
        bench
    )


def test_event_of_an_unknown_object_is_missing() -> None:
    """A key that neither store nor ledger has is answered as missing; nothing is claimed."""
    bench = StageBench()
    assert "missing" == _event_without_version(bench)["status"]
    assert {} == bench.table.rows


def test_permanent_failure_is_quarantined_with_its_cause() -> None:
    """Input that can't succeed is moved to quarantine under its old name, with cause and next step."""
    bench = StageBench(work=lambda _: raise_error(PermanentError("No DICOM.", "Send it again.")))
    bench.put()
    result = bench.event()
    assert ("quarantined", "No DICOM.", False) == (
        result.body["status"],
        result.body["cause"],
        result.retry,
    )
    assert [(QUARANTINE, QUARANTINE_LOCATION.key)] == bench.locations()
    assert "Send it again." == bench.row().settlement.next_step


def test_quarantine_without_a_next_step_names_the_command() -> None:
    """Every quarantined item says what to do next, at least how to replay it."""
    bench = StageBench(work=lambda _: raise_error(PermanentError("No DICOM.")))
    bench.put()
    bench.event()
    assert "dcm2set replay --item 1" in bench.row().settlement.next_step


def test_held_item_waits_in_its_own_bucket() -> None:
    """Input about which a person must decide is moved to held/; doubled events leave it there."""
    bench = StageBench(work=lambda _: raise_error(HoldError("Possible text.", "Look.")))
    version = bench.put()
    assert "held" == bench.event(version).body["status"]
    assert "held" == bench.event(version).body["status"]
    assert [(RAW, HELD_LOCATION.key)] == bench.locations()


def test_released_item_passes() -> None:
    """After a release and the move back, the work knows of the release and lets the item pass."""

    def gate(item: Item) -> Outcome:
        return move_on(item) if item.releases else raise_error(HoldError("Possible text.", "Look."))

    bench = StageBench(work=gate)
    version = bench.put()
    bench.event(version)
    bench.table.release(1)
    bench.store.copy(replace(version, location=HELD_LOCATION), INPUT_LOCATION)
    bench.store.delete(bench.store.stat(HELD_LOCATION))
    assert "done" == bench.event(version).body["status"]
    assert [0, 1] == [item.releases for item in bench.items]
    assert [(RAW, PROCESSED_LOCATION.key)] == bench.locations()


def test_doubled_event_during_a_replay_deletes_nothing() -> None:
    """A second event during a replay must not take the copy in quarantine for the end of the replay.

    Replay copies the object from quarantine back and deletes the quarantined object last. If the input were
    deleted in between, no copy would remain.
    """
    causes = [PermanentError("No decoder.")]

    def work(item: Item) -> Outcome:
        if causes:
            raise causes.pop()
        bench.event(item.version)  # the doubled event, in another worker
        return move_on(item)

    bench = StageBench(work=work)
    version = bench.put()
    bench.event(version)
    bench.table.reopen(1)
    bench.store.copy(replace(version, location=QUARANTINE_LOCATION), INPUT_LOCATION)
    result = bench.event(version)
    assert "done" == result.body["status"], result.body
    assert (RAW, PROCESSED_LOCATION.key) in bench.locations()
