"""Measure 1, 2 and 4 replicas of each function, with the object store 30 ms away.

All replicas run on this machine, behind haproxy, with Postgres behind PgBouncer in transaction mode. The
store is far away so that waiting is the limit and not the processors of one machine. The homes run in turn.
"""

import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

# To import `benchmarks` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.pipeline import SETTINGS, Pipeline, Run, Slices
from benchmarks.support.report import Figure, of_rounds, report
from tests.scale.scaled_home import scaled_home
from tests.support.local_home import RunningHome

_DISTANCE_SECONDS = 0.03  # delay of each part of a request or an answer, as between two buildings
_BARS = {2: 1.8, 4: 3.2}  # files per second compared with one replica
_CONNECTIONS = """
select count(*) as number from pg_stat_activity where usename ~ '_(extract|quality|store_metadata)$'
"""
_CLAIMS = """
select sum(attempts)::float / count(*) as number from ledger_item
where state = 'done' and function in ('extract', 'store_metadata', 'quality')
"""


@dataclass
class _Replicas:
    """A home with that many replicas, and its runs."""

    number: int
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


def main() -> None:
    """Measure and report."""
    is_quick = "--quick" in sys.argv
    files, rounds = (80, 1) if is_quick else (250, 3)
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # like the functions
    with ExitStack() as stack:
        slices = Slices(Path(stack.enter_context(TemporaryDirectory(prefix="dcm2set-bench-"))))
        homes = []
        for number in (1, *_BARS):
            scaled = stack.enter_context(scaled_home(number, SETTINGS, distance=_DISTANCE_SECONDS))
            homes.append(_Replicas(number, Pipeline(scaled.home, scaled.nas)))
            homes[-1].pipeline.run(slices, 16)  # warms up
        for _ in range(rounds):
            for home in homes:
                home.run(slices, files)
        figures = [figure for home in homes for figure in _figures(home, homes[0], files)]
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


def _number(home: RunningHome, query: str) -> float:
    return float(home.rows(query)[0]["number"])


if __name__ == "__main__":
    main()
