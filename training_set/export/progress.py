"""How far long work is: a line now and then, with counts and what is left."""

import threading
import time
from collections.abc import Callable


class Progress:
    """Counts done items; safe to share between threads."""

    def __init__(
        self,
        total: int,
        noun: str,
        tell: Callable[[str], None],
        *,
        seconds: float = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._noun, self._tell = total, noun, tell
        self._seconds, self._clock = seconds, clock
        self._done, self._begun = 0, clock()
        self._told = self._begun
        self._lock = threading.Lock()

    def advance(self) -> None:
        """One more is done; tells so if the last line is old enough."""
        with self._lock:
            self._done += 1
            now = self._clock()
            if now - self._told < self._seconds and self._done < self._total:
                return
            self._told = now
            rate = self._done / max(now - self._begun, 1e-9)
            left = (self._total - self._done) / rate
            self._tell(
                f"{self._done:,} of {self._total:,} {self._noun}, {rate:,.0f} a second, {left:,.0f} s left"
            )
