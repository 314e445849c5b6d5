"""How many requests a sweep sends to a function with a backlog."""

import math
import threading
from collections import Counter
from dataclasses import dataclass, field

from common.stage.backlog import DRAIN_SECONDS
from functions.sweep.backlog_drain import MAX_REQUESTS, TRY_SECONDS, BacklogAnswer, drain_backlog


def _endless() -> float:
    return math.inf


@dataclass
class _Replicas:
    """A function with a number of slots; each request takes one of its items."""

    slots: int
    items: int
    at_work: int = 0
    full: int = 0  # requests that found no slot
    is_wide: threading.Event = field(default_factory=threading.Event)  # all slots were in use at once
    lock: threading.Lock = field(default_factory=threading.Lock)

    def drain(self, seconds: float) -> BacklogAnswer:
        del seconds
        with self.lock:
            if self.at_work == self.slots:
                self.full += 1
                return BacklogAnswer(is_full=True)
            if not self.items:
                return BacklogAnswer()
            self.at_work += 1
            self.items -= 1
            is_last_half = self.items < 40
            if self.at_work == self.slots:
                self.is_wide.set()
        if is_last_half:
            self.is_wide.wait(timeout=30)
        with self.lock:
            self.at_work -= 1
        return BacklogAnswer({"done": 1}, has_more=self.items > 0)


def test_all_slots_of_all_replicas_are_used() -> None:
    """A drain begins with two requests, and has one for each slot before half of the items are done."""
    replicas = _Replicas(slots=8, items=80)
    assert Counter(done=80) == drain_backlog(replicas.drain, least=2, seconds_left=_endless)
    assert replicas.is_wide.is_set()


def test_a_full_function_gets_few_requests_more_than_it_has_slots() -> None:
    """After an answer that it is full, a function gets no try for a second; its own slot stays in use."""
    replicas = _Replicas(slots=1, items=500)
    assert Counter(done=500) == drain_backlog(replicas.drain, least=2, seconds_left=_endless)
    assert replicas.full < 50


def test_there_is_a_limit() -> None:
    """However many slots there are, a function gets no more requests at a time than the limit."""
    replicas = _Replicas(slots=MAX_REQUESTS + 1, items=2000)
    replicas.is_wide.set()
    assert Counter(done=2000) == drain_backlog(replicas.drain, least=2, seconds_left=_endless)
    assert 0 == replicas.full


def test_a_drain_ends_when_its_time_is_over() -> None:
    """Running requests end, and no other follows."""
    answer = BacklogAnswer({"done": 1}, has_more=True)
    assert Counter(done=3) == drain_backlog(lambda _: answer, least=3, seconds_left=lambda: 0)


def test_a_try_is_short_and_what_follows_ends_with_the_time() -> None:
    """So its answer brings more requests soon, and all requests end together."""
    left = iter([10.0, 0.1, 0.0])
    asked: list[float] = []

    def drain(seconds: float) -> BacklogAnswer:
        asked.append(seconds)
        return BacklogAnswer({"done": 1}, has_more=True, is_full=True)  # full: no further tries

    assert Counter(done=3) == drain_backlog(drain, least=1, seconds_left=lambda: next(left))
    assert [TRY_SECONDS, DRAIN_SECONDS, 0.1] == asked
