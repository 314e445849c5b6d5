"""Limits how many events a process works on at a time, and how long other events wait for a slot.

The object store delivers the events of all functions over the same few connections. A function that lets
many events wait holds those connections, and delays the events of every other function. So events wait
only during a short burst; if the burst goes on, events without a slot are refused at once. Nothing is lost
by that: the sweep sends them again at its own pace.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

MAX_WAIT_SECONDS = 10.0  # events of a longer burst are left to the sweep


class Admission:
    """The slots of one process; safe to share between threads."""

    def __init__(
        self, slots: int, *, max_wait_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free = slots
        self._max_wait = max_wait_seconds
        self._clock = clock
        self._changed = Condition()
        self._waiting = 0
        self._burst_began: float | None = None  # since then events always waited or were refused
        self._burst_seen = 0.0  # when an event last waited or was refused

    @contextmanager
    def slot(self) -> Iterator[bool]:
        """Take a slot for the duration of the block; False if there is none. Waits during a short burst."""
        has_slot = self._enter()
        try:
            yield has_slot
        finally:
            if has_slot:
                self._leave()

    def _enter(self) -> bool:
        with self._changed:
            if not (self._free and not self._waiting):
                self._note_burst()
                if not self._wait():
                    return False
            self._free -= 1
            return True

    def _leave(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify()

    def _note_burst(self) -> None:
        """Extend the current burst, or begin a new one if there was none for as long as events may wait."""
        now = self._clock()
        if self._burst_began is None or now - self._burst_seen > self._max_wait:
            self._burst_began = now
        self._burst_seen = now

    def _wait(self) -> bool:
        """Wait for a slot until the burst has lasted too long; False if none became free."""
        assert self._burst_began is not None  # noqa: S101 set just before
        self._waiting += 1
        try:
            left = self._burst_began + self._max_wait - self._clock()
            return self._changed.wait_for(lambda: self._free > 0, timeout=max(0.0, left))
        finally:
            self._waiting -= 1
