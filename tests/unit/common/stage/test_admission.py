"""Who may come in."""

import threading

import pytest

from common.http.http_target import Target, respond
from common.stage.admission import Admission
from common.stage.item import Result
from common.store.event_record import EventRecord
from common.tokens import Tokens
from tests.in_memory.requests import TOKEN, recorded, request
from tests.support.local_home import wait_for

PATIENCE = 10.0


class Moment:
    """A clock of seconds that goes on only when told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def moment() -> Moment:
    return Moment()


def test_no_more_come_in_than_there_are_places(moment: Moment) -> None:
    """With every place taken and a rush that has lasted, one more is sent away; later it comes in."""
    admission = Admission(1, patience_seconds=0, clock=moment)
    with admission.place() as first, admission.place() as second:
        assert (True, False) == (first, second)
    with admission.place() as third:
        assert third


def test_a_short_rush_waits_for_its_place(moment: Moment) -> None:
    """While the rush is young, whoever finds no place gets the next free one."""
    admission = Admission(1, patience_seconds=PATIENCE, clock=moment)
    came_in: list[bool] = []

    def come() -> None:
        with admission.place() as has_place:
            came_in.append(has_place)

    waiting = threading.Thread(target=come)
    with admission.place():
        waiting.start()
        assert wait_for(lambda: admission._waiting, seconds=10)  # noqa: SLF001
        assert [] == came_in
    waiting.join(timeout=10)
    assert [True] == came_in


def test_a_rush_that_lasts_is_sent_away_at_once(moment: Moment) -> None:
    """After the patience is over nobody waits any more, until the rush has been over for as long."""
    admission = Admission(1, patience_seconds=PATIENCE, clock=moment)
    with admission.place():
        for _ in range(3):  # somebody comes now and then, and waits in vain
            admission._rush_goes_on()  # noqa: SLF001
            moment.now += PATIENCE / 2
        with admission.place() as has_place:
            assert not has_place
        moment.now += PATIENCE + 1
        admission._rush_goes_on()  # noqa: SLF001
        assert moment.now == admission._rush_began  # noqa: SLF001 another rush, which may wait again


def test_a_place_is_given_back_after_a_fault() -> None:
    """An error within leaves no place taken."""
    admission = Admission(1, patience_seconds=0)
    with pytest.raises(RuntimeError), admission.place():
        raise RuntimeError
    with admission.place() as has_place:
        assert has_place


def test_whoever_is_sent_away_is_answered_429(moment: Moment) -> None:
    """No place: 429 with a cause, the event is noted and not worked on; health is answered."""
    admission = Admission(1, patience_seconds=0, clock=moment)
    seen: list[object] = []
    noted: list[EventRecord] = []
    target = Target(
        "extract",
        Tokens.of(TOKEN),
        on_record=lambda r: (seen.append(r), Result({}))[1],
        on_full=noted.append,
        admission=admission,
    )
    with admission.place():
        response = respond(request(recorded("raw_put")), lambda: target)
        health = respond(request(method="GET"), lambda: target)
    assert (429, []) == (response.status_code, seen)
    assert ["raw"] == [record.bucket for record in noted]
    assert {"status": "full", "cause": "extract is full."} == response.json
    assert int(response.headers["Retry-After"]) > 0
    assert 200 == health.status_code
