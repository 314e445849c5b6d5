"""The time limit of one file: what its process has worked, not what has passed.

On a busy machine, or while this one stood still, a good file would run out of time by the clock.
"""

import os
import sys
import time
from pathlib import Path


class TimeLimit:
    """The limit of one file in one drawing process."""

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid = pid
        self._seconds = seconds
        self._begun = self._last = _worked(pid)
        self._stands_still = 0.0  # seconds looked at without any work

    def is_over(self, looked: float) -> bool:
        """Whether it is used up; called again after each `looked` seconds without an answer.

        A process that works is given so many seconds of work, and one that does nothing at all,
        for it waits for what never comes, as many seconds of that.
        """
        worked = _worked(self._pid)
        self._stands_still = 0.0 if worked > self._last else self._stands_still + looked
        self._last = worked
        return worked - self._begun > self._seconds or self._stands_still > self._seconds


def _worked(pid: int) -> float:
    """Processor time of a process so far; where none is told, the time of day has to do."""
    if sys.platform != "linux":
        return time.monotonic()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it is gone, as the next read will tell
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5): utime, stime
