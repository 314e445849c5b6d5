"""A stage: doubled, late and empty events, items aside, releases, replays."""

from dataclasses import replace

from common.errors import HoldError, PermanentError
from common.ledger.ledger import State
from common.stage.item import Item, Outcome
from common.store.event_record import EventRecord
from common.store.object_key import QUARANTINE, RAW
from tests.support.stage_bench import (
    HELD_PLACE,
    KEY,
    LEASE_SECONDS,
    PLACE,
    PROCESSED_PLACE,
    QUARANTINE_PLACE,
    StageBench,
    move_on,
)


def _raise(error: BaseException) -> Outcome:
    raise error


def _bare(bench: StageBench) -> dict:
    return dict(bench.stage.handle(EventRecord(RAW, KEY)).body)


def test_doubled_event_does_nothing() -> None:
    """The same event again answers done, without a second piece of work."""
    bench = StageBench()
    version = bench.put()
    bench.event(version)
    again = bench.event(version)
    assert ("done", 1) == (again.body["status"], again.body["item"])
    assert 1 == len(bench.items)


def test_an_object_there_is_no_time_for_is_noted() -> None:
    """The ledger knows it as due; one of another place, or of an unknown version, is nobody's."""
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
    """While one worker has the item, another event answers that it is in progress."""
    bench = StageBench()
    version = bench.put()
    bench.ledger.claim(version, lease_seconds=LEASE_SECONDS)
    result = bench.event(version)
    assert ("in progress", False) == (result.body["status"], result.retry)
    assert [] == bench.items
    assert [(RAW, KEY)] == bench.places()


def test_same_content_put_again_after_it_was_done_is_tidied_up() -> None:
    """A second copy of a finished object under the same key is removed, since its copy is kept."""
    bench = StageBench()
    version = bench.put()
    bench.event(version)
    bench.put()
    assert "done" == bench.event(version).body["status"]
    assert [(RAW, PROCESSED_PLACE.key)] == bench.places()
    assert 1 == len(bench.items)


def test_other_content_under_the_same_key_is_an_item_of_its_own() -> None:
    """New content under a key that is done is worked on; a late event of the old one does no harm."""
    bench = StageBench()
    old = bench.put(b"old")
    bench.event(old)
    new = bench.put(b"new")
    assert "done" == bench.event(old).body["status"]
    assert new == bench.store.stat(PLACE)
    assert "done" == bench.event(new).body["status"]
    assert [1, 2] == [item.id for item in bench.items]


def test_object_is_not_deleted_if_its_copy_is_gone() -> None:
    """An object whose recorded copy is no longer there is never deleted."""
    bench = StageBench()
    version = bench.put()
    bench.event(version)
    bench.store.delete(bench.store.stat(PROCESSED_PLACE))
    bench.put()
    bench.event(version)
    assert [(RAW, KEY)] == bench.places()


def test_event_without_a_version_means_what_is_there() -> None:
    """An event of bucket and key alone works on whatever the store holds now."""
    bench = StageBench()
    bench.put()
    assert "done" == _bare(bench)["status"]


def test_event_without_a_version_tells_what_became_of_a_moved_object() -> None:
    """If nothing lies there any more, the ledger's answer is given."""
    bench = StageBench()
    bench.put()
    bench.event()
    assert {"bucket": "raw", "status": "done", "item": 1, "outcome": "extracted"} == _bare(bench)


def test_event_of_an_object_that_never_was_is_missing() -> None:
    """A key that neither store nor ledger knows is answered as missing, with nothing claimed."""
    bench = StageBench()
    assert "missing" == _bare(bench)["status"]
    assert {} == bench.table.rows


def test_permanent_failure_is_quarantined_with_its_cause() -> None:
    """What can never succeed goes to quarantine under its old name, with cause and next step."""
    bench = StageBench(work=lambda _: _raise(PermanentError("No DICOM.", "Send it again.")))
    bench.put()
    result = bench.event()
    assert ("quarantined", "No DICOM.", False) == (
        result.body["status"],
        result.body["cause"],
        result.retry,
    )
    assert [(QUARANTINE, QUARANTINE_PLACE.key)] == bench.places()
    assert "Send it again." == bench.row().settlement.next_step


def test_quarantine_without_a_next_step_of_its_own_tells_the_command() -> None:
    """Every item in quarantine says what to do, at least how to replay it."""
    bench = StageBench(work=lambda _: _raise(PermanentError("No DICOM.")))
    bench.put()
    bench.event()
    assert "dcm2set replay --item 1" in bench.row().settlement.next_step


def test_held_item_waits_in_its_own_bucket() -> None:
    """What a person must decide is moved to held/, and doubled events leave it there."""
    bench = StageBench(work=lambda _: _raise(HoldError("Possible text.", "Look.")))
    version = bench.put()
    assert "held" == bench.event(version).body["status"]
    assert "held" == bench.event(version).body["status"]
    assert [(RAW, HELD_PLACE.key)] == bench.places()


def test_released_item_passes() -> None:
    """Once a person released it and it lies in its place again, the work is told so and goes on."""

    def gate(item: Item) -> Outcome:
        return move_on(item) if item.releases else _raise(HoldError("Possible text.", "Look."))

    bench = StageBench(work=gate)
    version = bench.put()
    bench.event(version)
    bench.table.release(1)
    bench.store.copy(replace(version, location=HELD_PLACE), PLACE)
    bench.store.delete(bench.store.stat(HELD_PLACE))
    assert "done" == bench.event(version).body["status"]
    assert [0, 1] == [item.releases for item in bench.items]
    assert [(RAW, PROCESSED_PLACE.key)] == bench.places()


def test_doubled_event_during_a_replay_deletes_nothing() -> None:
    """While a replayed item is worked on, a second event must not take its old place aside for its end.

    Replay copies the object from quarantine back and deletes there last; the only copy left
    would be gone if the input were deleted in between.
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
    bench.store.copy(replace(version, location=QUARANTINE_PLACE), PLACE)
    result = bench.event(version)
    assert "done" == result.body["status"], result.body
    assert (RAW, PROCESSED_PLACE.key) in bench.places()
