"""Admission: slots for events, and how long events wait for one."""

import threading

import pytest

from common.http.http_target import Target, respond
from common.stage.admission import Admission
from common.stage.item import Result
from common.store.event_record import EventRecord
from common.tokens import Tokens
from tests.in_memory.requests import TOKEN, recorded, request
from tests.support.local_home import wait_for

MAX_WAIT = 10.0


class ManualClock:
    """A clock in seconds that a test moves."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_no_more_events_are_admitted_than_there_are_slots(clock: ManualClock) -> None:
    """With every slot taken after a long burst, one more event is refused; later it is admitted."""
    admission = Admission(1, max_wait_seconds=0, clock=clock)
    with admission.slot() as first, admission.slot() as second:
        assert (True, False) == (first, second)
    with admission.slot() as third:
        assert third


def test_events_of_a_short_burst_wait_for_a_slot(clock: ManualClock) -> None:
    """While the burst is short, an event without a slot gets the next free one."""
    admission = Admission(1, max_wait_seconds=MAX_WAIT, clock=clock)
    admitted: list[bool] = []

    def enter() -> None:
        with admission.slot() as has_slot:
            admitted.append(has_slot)

    waiting = threading.Thread(target=enter)
    with admission.slot():
        waiting.start()
        assert wait_for(lambda: admission._waiting, seconds=10)  # noqa: SLF001
        assert [] == admitted
    waiting.join(timeout=10)
    assert [True] == admitted


def test_events_of_a_long_burst_are_refused_at_once(clock: ManualClock) -> None:
    """After the longest wait no event waits any more, until the burst has been over for as long."""
    admission = Admission(1, max_wait_seconds=MAX_WAIT, clock=clock)
    with admission.slot():
        for _ in range(3):  # an event arrives now and then, and waits in vain
            admission._note_burst()  # noqa: SLF001
            clock.now += MAX_WAIT / 2
        with admission.slot() as has_slot:
            assert not has_slot
        clock.now += MAX_WAIT + 1
        admission._note_burst()  # noqa: SLF001
        assert clock.now == admission._burst_began  # noqa: SLF001 a new burst, whose events may wait again


def test_a_slot_is_free_again_after_an_error() -> None:
    """An error in the block frees the slot."""
    admission = Admission(1, max_wait_seconds=0)
    with pytest.raises(RuntimeError), admission.slot():
        raise RuntimeError
    with admission.slot() as has_slot:
        assert has_slot


def test_a_refused_event_is_answered_429(clock: ManualClock) -> None:
    """Without a slot: 429 with a cause; the event is announced and not worked on; health is answered."""
    admission = Admission(1, max_wait_seconds=0, clock=clock)
    seen: list[object] = []
    announced: list[EventRecord] = []
    target = Target(
        "extract",
        Tokens.of(TOKEN),
        on_record=lambda r: (seen.append(r), Result({}))[1],
        on_full=announced.append,
        admission=admission,
    )
    with admission.slot():
        response = respond(request(recorded("raw_put")), lambda: target)
        health = respond(request(method="GET"), lambda: target)
    assert (429, []) == (response.status_code, seen)
    assert ["raw"] == [record.bucket for record in announced]
    assert {"status": "full", "cause": "extract is full."} == response.json
    assert int(response.headers["Retry-After"]) > 0
    assert 200 == health.status_code
