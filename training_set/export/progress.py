"""Report the progress of long work with counts, rate and remaining time."""

import threading
import time
from collections.abc import Callable


class Progress:
    """Counts finished items. Threads may share it."""

    def __init__(
        self,
        total: int,
        noun: str,
        report: Callable[[str], None],
        *,
        seconds: float = 2,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._total, self._noun, self._report = total, noun, report
        self._seconds, self._clock = seconds, clock
        self._done, self._begun = 0, clock()
        self._reported = self._begun
        self._lock = threading.Lock()

    def advance(self) -> None:
        """Count one more item, and report it if the last report is old enough or all items are finished."""
        with self._lock:
            self._done += 1
            now = self._clock()
            if now - self._reported < self._seconds and self._done < self._total:
                return
            self._reported = now
            rate = self._done / max(now - self._begun, 1e-9)
            left = (self._total - self._done) / rate
            self._report(
                f"{self._done:,} of {self._total:,} {self._noun}, {rate:,.0f} a second, {left:,.0f} s left"
            )
