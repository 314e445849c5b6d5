"""The time limit of one file: processor time of its sandbox process, not time of day.

By the clock, a good file would exceed its limit on a busy machine or on one that was suspended.
"""

import os
import sys
import time
from pathlib import Path


class TimeLimit:
    """The limit of one file in one sandbox process."""

    def __init__(self, pid: int, seconds: float) -> None:
        self._pid = pid
        self._seconds = seconds
        self._start = self._last = _processor_seconds(pid)
        self._idle_seconds = 0.0  # since the process last used any processor time

    def is_over(self, waited: float) -> bool:
        """Whether the limit is exceeded; call it after each `waited` seconds without an answer.

        The limit applies twice: to the processor time that the file has used, and to the time
        that the process has been idle, because it may wait for something that never comes.
        """
        used = _processor_seconds(self._pid)
        self._idle_seconds = 0.0 if used > self._last else self._idle_seconds + waited
        self._last = used
        return used - self._start > self._seconds or self._idle_seconds > self._seconds


def _processor_seconds(pid: int) -> float:
    """Processor time of a process so far; on systems without /proc, the time of day instead."""
    if sys.platform != "linux":
        return time.monotonic()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # the process has ended, and the next read will notice it
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # proc(5): utime, stime
