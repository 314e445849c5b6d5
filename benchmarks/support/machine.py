"""The machine that a benchmark runs on, and how steady it is."""

import os
import platform
import time
import zlib
from pathlib import Path
from statistics import median

_ROUNDS = 15
_BODY = bytes(range(256)) * 8192


def machine() -> str:
    """The processor, the number of processors and Python, in words."""
    names = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        if line.startswith("model name")
    ]
    processor = names[0] if names else platform.machine()
    return f"{processor}, {os.cpu_count()} processors, Python {platform.python_version()}"


def noise() -> float:
    """Return how much the time of the same work varies now: the spread of its middle half over its median."""
    seconds = []
    for _ in range(_ROUNDS):
        started = time.perf_counter()
        zlib.crc32(zlib.compress(_BODY, 1))
        seconds.append(time.perf_counter() - started)
    seconds.sort()
    quarter = _ROUNDS // 4
    return (seconds[-quarter - 1] - seconds[quarter]) / median(seconds)
