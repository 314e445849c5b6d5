"""CPU time of a running home by component."""

from collections import Counter
from collections.abc import Mapping

import psutil

from benchmarks.support.components import component
from tests.support.local_home import RunningHome

_INTERPRETER = "python"


def cpu_seconds(home: RunningHome) -> Mapping[str, float]:
    """Return the CPU seconds used so far by each function, both servers and the runner.

    The time of an ended process is part of its parent's time.
    """
    seconds: Counter[str] = Counter()
    parent = psutil.Process(home.process.pid)
    for process in [parent, *parent.children(recursive=True)]:
        try:
            times = process.cpu_times()
            seconds[_component(process)] += times.user + times.system
        except psutil.NoSuchProcess:
            continue  # its time is already part of its parent's
        seconds[_component(process)] += times.children_user + times.children_system
    return seconds


def _component(process: psutil.Process) -> str:
    """A function, a server or the runner, to which all other processes belong."""
    name = component(process)
    return "runner" if name.startswith(_INTERPRETER) else name
