"""The peak memory of each function and server of a running home, children included (Linux)."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.support.components import component
from tests.faults.background import repeated

_SECONDS = 0.25  # between two looks; a process's own peak is read from the kernel and misses nothing before
_PEAK, _NOW = "VmHWM:", "VmRSS:"


class PeakMemory:
    """The peaks since the start of the watch, in MiB by function or server."""

    def __init__(self, parent: int) -> None:
        self._parent = psutil.Process(parent)
        self.of_process: dict[str, float] = defaultdict(float)  # the largest process
        self.of_all: dict[str, float] = defaultdict(float)  # all processes at one time, shared pages twice

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch while the block runs."""
        for process in self._parent.children(recursive=True):
            _reset(process.pid)
        with repeated(self._look, seconds=_SECONDS):
            yield

    def _look(self) -> None:
        sums: dict[str, float] = defaultdict(float)
        for process in self._parent.children(recursive=True):
            try:
                name = component(process)
                status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii", errors="replace")
            except (psutil.Error, OSError):
                continue  # it has ended
            if _PEAK in status:
                self.of_process[name] = max(self.of_process[name], _mebibytes(status, _PEAK))
                sums[name] += _mebibytes(status, _NOW)
        for name, total in sums.items():
            self.of_all[name] = max(self.of_all[name], total)


def _reset(pid: int) -> None:
    """Forget the kernel's peak of a process (proc(5): clear_refs)."""
    try:
        Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def _mebibytes(status: str, field: str) -> float:
    return int(status.split(field)[1].split(maxsplit=1)[0]) / 1024
