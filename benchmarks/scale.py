"""Measure 1, 2 and 4 replicas of each function, with the object store 30 ms away.

All replicas run on this machine, behind haproxy, with Postgres behind PgBouncer in transaction mode. The
store is far away so that waiting is the limit and not the processors of one machine. The homes run in turn;
those that wait for their turn stand still, because three idle homes take half a processor. Then a rolling
upgrade of the home with two replicas is measured: each replica is ended and started again, one after the
other, while files run.
"""

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

# To import `benchmarks` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import urllib3

from benchmarks.pipeline import SETTINGS, Pipeline, Run, Slices
from benchmarks.support.report import Figure, of_rounds, report
from tests.scale.scaled_home import ScaledHome, scaled_home
from tests.support.local_home import RunningHome, wait_for

_DISTANCE_SECONDS = 0.03  # delay of each part of a request or an answer, as between two buildings
_CHECKED_SECONDS = 3.0  # haproxy checks every replica twice a second
_BARS = {2: 1.8, 4: 3.2}  # files per second compared with one replica
_CONNECTIONS = """
select count(*) as number from pg_stat_activity where usename ~ '_(extract|quality|store_metadata)$'
"""
_ATTEMPTS = "select coalesce(sum(attempts - 1), 0) as number from ledger_item"
_STAGES = ("extract", "store_metadata", "quality")
_CLAIMS = """
select sum(attempts)::float / count(*) as number from ledger_item
where state = 'done' and function in ('extract', 'store_metadata', 'quality')
"""


@dataclass
class _Replicas:
    """A home with that many replicas, and its runs."""

    number: int
    scaled: ScaledHome
    pipeline: Pipeline
    runs: list[Run] = field(default_factory=list)
    connections: int = 0

    def run(self, slices: Slices, files: int) -> None:
        """Run the files, and count the connections of the three stages at the end."""
        self.runs.append(self.pipeline.run(slices, files))
        self.connections = max(self.connections, int(_number(self.pipeline.home, _CONNECTIONS)))

    @property
    def seconds(self) -> float:
        return median(run.seconds for run in self.runs)

    def stop(self) -> None:
        """Let all processes of the home stand still."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):  # it ended just now
                process.suspend()

    def go_on(self) -> None:
        """Let them run again, and wait until haproxy has seen that all replicas live."""
        for process in self._processes():
            with suppress(psutil.NoSuchProcess):
                process.resume()
        time.sleep(_CHECKED_SECONDS)

    def _processes(self) -> list[psutil.Process]:
        up = psutil.Process(self.scaled.home.process.pid)
        return [up, *up.children(recursive=True)]


def main() -> None:
    """Measure and report."""
    is_quick = "--quick" in sys.argv
    files, rounds = (80, 1) if is_quick else (250, 3)
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # like the functions
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # homes that stand still must end, too
    with ExitStack() as stack:
        slices = Slices(Path(stack.enter_context(TemporaryDirectory(prefix="dcm2set-bench-"))))
        homes = []
        for number in (1, *_BARS):
            scaled = stack.enter_context(scaled_home(number, SETTINGS, distance=_DISTANCE_SECONDS))
            homes.append(_Replicas(number, scaled, Pipeline(scaled.home, scaled.nas)))
            homes[-1].pipeline.run(slices, 16)  # warms up
            stack.callback(homes[-1].go_on)  # before it is ended
            homes[-1].stop()
        for _ in range(rounds):
            for home in homes:
                home.go_on()
                home.run(slices, files)
                home.stop()
        figures = []
        for home in homes:
            home.go_on()
            figures += _figures(home, homes[0], files)
            if home is homes[1]:
                figures += _rolling_upgrade(home, slices, files)
            home.stop()
    report(f"{files} CT files of 512 x 512 with the object store 30 ms away", figures)


def _figures(home: _Replicas, one: _Replicas, files: int) -> list[Figure]:
    name = f"{home.number} replica{'s' if home.number > 1 else ''}"
    figures = [
        Figure(name, files / home.seconds, "files/s"),
        Figure(f"{name}: busy CPUs", median(run.busy for run in home.runs), ""),
        Figure(f"{name}: until everything was copied", median(run.poll for run in home.runs), "s"),
        Figure(f"{name}: database connections of three stages", home.connections, ""),
        Figure(f"{name}: claims per item", _number(home.pipeline.home, _CLAIMS), ""),
    ]
    if home is not one:
        ratio = one.seconds / home.seconds
        ratios = of_rounds(*([run.seconds for run in each.runs] for each in (one, home)))
        bar = _BARS[home.number]
        figures.append(Figure.at_least(f"{name} compared with one", ratio, bar, rounds=ratios))
    return figures


def _rolling_upgrade(home: _Replicas, slices: Slices, files: int) -> list[Figure]:
    """Run the files while the replicas of three stages end and start again, one after the other."""
    before = _number(home.pipeline.home, _ATTEMPTS)
    with ThreadPoolExecutor(1) as thread:
        upgrade = thread.submit(_restart_all, home.scaled)
        run = home.pipeline.run(slices, files)
        restarts = upgrade.result()
    again = _number(home.pipeline.home, _ATTEMPTS) - before
    return [
        Figure("a rolling upgrade meanwhile: time compared with none", run.seconds / home.seconds, "x"),
        Figure("and replicas that were started again", restarts, ""),
        Figure("and items that were claimed again", again, ""),
    ]


def _restart_all(scaled: ScaledHome) -> int:
    """End each replica by SIGTERM, as an upgrade does, and wait until it answers again."""
    restarts = 0
    for function in _STAGES:
        for number, port in enumerate(scaled.scale.replicas[function], 1):
            scaled.replica(function, number).terminate()
            wait_for(partial(_is_away, port), seconds=30)
            wait_for(partial(_answers, port), seconds=60)
            restarts += 1
    return restarts


def _is_away(port: int) -> bool:
    return not _answers(port)


def _answers(port: int) -> bool:
    try:
        return urllib3.request("HEAD", f"http://127.0.0.1:{port}/", timeout=2, retries=False).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _number(home: RunningHome, query: str) -> float:
    return float(home.rows(query)[0]["number"])


if __name__ == "__main__":
    main()
