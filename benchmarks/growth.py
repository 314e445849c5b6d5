"""Compare the cost of an event, a sweep, a poll and `status` with a million settled files and with none.

One server has an empty and a filled database. Each operation runs on both in turn, so that other load on the
machine affects both. `--quick` uses fewer files.
"""

import logging
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from statistics import median

# To import `benchmarks`, `common` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.idle_memory import memory_figures
from benchmarks.support.report import Figure, of_rounds, report
from common.process.json_log import logger
from infra.health.status import read_status
from tests.support.local_home import RunningHome
from tests.support.settled_files import PipelineOnDatabase, database_with_settled_files

_MAX_RATIO = 1.2
_FILES, _QUICK_FILES = 1_000_000, 50_000
_SLOW = {"DCM2SET_SWEEP_SECONDS": "86400"}  # no other work during the benchmark


def main() -> None:
    """Fill, measure, report."""
    logger().setLevel(logging.WARNING)
    files = _QUICK_FILES if "--quick" in sys.argv else _FILES
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        home = RunningHome.start(Path(name) / "home", _SLOW)
        try:
            figures = [*memory_figures(home), *_growth_figures(home, files)]
        finally:
            home.end()
    report(f"Growth: {files} settled files compared with none", figures)


def _growth_figures(home: RunningHome, files: int) -> list[Figure]:
    operator = home.endpoints["database_url"]
    empty = PipelineOnDatabase(database_with_settled_files(operator, 0), home.store)
    full = PipelineOnDatabase(database_with_settled_files(operator, files), home.store)
    with closing(empty), closing(full):
        recount = read_status(full.url, full.store, recount=True)
        assert recount["recount"] == [], recount["recount"]
        assert recount["balance"]["files_extracted"] == files
        (row,) = full.operator.all("select pg_database_size(current_database()) as bytes")
        figures = [
            Figure(
                "Postgres per settled file, without the pictures' metadata",
                row["bytes"] / files / 1024,
                "KiB",
            )
        ]
        for name, repeats in (("event", 300), ("sweep", 100), ("status", 100), ("poll", 40)):
            few, many = _seconds(getattr(empty, name), getattr(full, name), repeats)
            ratio = median(many) / median(few)
            figures.append(Figure(f"{name}: no settled files", 1000 * median(few), "ms"))
            figures.append(Figure(f"{name}: {files} settled files", 1000 * median(many), "ms"))
            figures.append(Figure.at_most(f"{name}: ratio", ratio, _MAX_RATIO, rounds=of_rounds(many, few)))
    return figures


def _seconds(
    one: Callable[[], None], other: Callable[[], None], repeats: int
) -> tuple[list[float], list[float]]:
    """Return the seconds of two operations that run in turn, without a few warm-up runs."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(repeats + 5):
        for which in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            (one, other)[which]()
            if number >= 5:
                seconds[which].append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main()
