"""Measure the memory of an idle home: functions, both servers and their supervisors (Linux).

Shared memory is divided among the processes (PSS), so the sum is the memory that the home takes from the
machine.
"""

import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.support.components import component
from benchmarks.support.report import Figure, report
from tests.support.local_home import RunningHome

_MAX_MEBIBYTES = 1536
_MEBIBYTE = 1024 * 1024
_IDLE_SECONDS = 20


def main() -> None:
    """Start a home, wait until it is idle, and report."""
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        home = RunningHome.start(Path(name) / "home", {})
        try:
            figures = memory_figures(home)
        finally:
            home.end()
    report("Idle memory", figures)


def memory_figures(home: RunningHome) -> list[Figure]:
    """Return the memory of each function and server, and the sum."""
    if not Path("/proc/self/smaps_rollup").exists():
        return []
    time.sleep(_IDLE_SECONDS)
    shares: dict[str, float] = defaultdict(float)
    parent = psutil.Process(home.process.pid)
    for process in [parent, *parent.children(recursive=True)]:
        shares[_name(process)] += process.memory_full_info().pss / _MEBIBYTE
    figures = [Figure(f"idle memory: {name}", share, "MiB") for name, share in sorted(shares.items())]
    return [*figures, Figure.at_most("idle memory", sum(shares.values()), _MAX_MEBIBYTES, unit="MiB")]


def _name(process: psutil.Process) -> str:
    if "supervisor.supervisord" in process.cmdline():
        return "supervisord"
    name = component(process)
    return "dcm2set up" if name.startswith("python") else name


if __name__ == "__main__":
    main()
