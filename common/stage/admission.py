"""Who may come in: as many events at a time as a process can work on, and no long queue behind them.

The store delivers the events of all functions over the same few connections. A function that
lets many wait holds those connections, and with them every other function's events. So a short
rush may wait; when it lasts, whoever finds no place is sent away at once. Nothing is lost by
that: the sweep sends it again, at a pace of its own.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition


class Admission:
    """The places of one process; safe to share between threads."""

    def __init__(
        self, places: int, *, patience_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._free = places
        self._patience = patience_seconds
        self._clock = clock
        self._changed = Condition()
        self._waiting = 0
        self._rush_began: float | None = None  # since then somebody always waited or was sent away
        self._rush_seen = 0.0  # when somebody last did

    @contextmanager
    def place(self) -> Iterator[bool]:
        """Whether there is a place, until the end of the block; waits while a rush is young."""
        has_place = self._enter()
        try:
            yield has_place
        finally:
            if has_place:
                self._leave()

    def _enter(self) -> bool:
        with self._changed:
            if not (self._free and not self._waiting):
                self._rush_goes_on()
                if not self._waited():
                    return False
            self._free -= 1
            return True

    def _leave(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify()

    def _rush_goes_on(self) -> None:
        now = self._clock()
        if self._rush_began is None or now - self._rush_seen > self._patience:
            self._rush_began = now
        self._rush_seen = now

    def _waited(self) -> bool:
        """Wait for a place as long as the rush may last."""
        assert self._rush_began is not None  # noqa: S101 set just before
        self._waiting += 1
        try:
            left = self._rush_began + self._patience - self._clock()
            return self._changed.wait_for(lambda: self._free > 0, timeout=max(0.0, left))
        finally:
            self._waiting -= 1
