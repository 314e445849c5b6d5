"""Processor time of a running home, by component."""

from collections import Counter
from collections.abc import Mapping

import psutil

from tests.support.local_home import RunningHome

_SERVERS = ("minio", "postgres")


def processor_seconds(home: RunningHome) -> Mapping[str, float]:
    """Seconds of processor time so far, of each function, of both servers and of the runner.

    A process that ended counts with its parent, which has waited for it.
    """
    found: Counter[str] = Counter()
    parent = psutil.Process(home.process.pid)
    for process in [parent, *parent.children(recursive=True)]:
        try:
            times = process.cpu_times()
            found[_component(process)] += times.user + times.system
        except psutil.NoSuchProcess:
            continue  # its time is its parent's by now
        found[_component(process)] += times.children_user + times.children_system
    return found


def _component(process: psutil.Process) -> str:
    """A drawing process is its function's; what is neither function nor server is the runner's."""
    command: list[str] = process.cmdline()
    if "--target" in command:
        return command[command.index("--target") + 1]
    if any("drawing_worker" in part for part in command):
        return "extract"
    name = process.name().partition("-")[0]
    return name if name in _SERVERS else "runner"
