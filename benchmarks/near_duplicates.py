"""Measure the search for near-equal pictures: time and peak memory for a million hashes of four kinds.

Each kind is searched in a new process, so that its peak memory is its own. `--quick` uses fewer hashes.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

# To import `benchmarks`, `common` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np

from benchmarks.support.report import Figure, report
from tests.support import hash_sets
from training_set.splits.near_duplicates import near_pairs

_HASHES, _QUICK_HASHES = 1_000_000, 100_000
_KINDS = ("random", "skewed", "series", "clusters")
_MAX_SECONDS, _MAX_MEBIBYTES = 10.0, 2048.0


def main() -> None:
    """Measure and report, or, with a kind and a number, measure that in this process."""
    if len(sys.argv) == 3 and sys.argv[1] in _KINDS:
        print(*_measured(sys.argv[1], int(sys.argv[2])))
        return
    number = _QUICK_HASHES if "--quick" in sys.argv else _HASHES
    figures = []
    for kind in _KINDS:
        command = [sys.executable, __file__, kind, str(number)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        seconds, of_processor, mebibytes = map(float, done.stdout.split())
        name = f"{number:,} {kind} hashes"
        figures.append(Figure.at_most(name, seconds, _MAX_SECONDS, unit="s"))
        figures.append(Figure(f"{name}: processor time", of_processor, "s"))
        figures.append(Figure.at_most(f"{name}: peak memory", mebibytes, _MAX_MEBIBYTES, unit="MiB"))
    report("Near-equal pictures", figures)


def _measured(kind: str, number: int) -> tuple[float, float, float]:
    """Return the seconds of a search for all links, those of the processor, and the peak memory in MiB."""
    owners = np.arange(number) // 3
    if kind == "random":
        hashes = hash_sets.random_hashes(number)
    elif kind == "skewed":
        hashes = hash_sets.skewed_hashes(number)
    elif kind == "series":
        hashes, owners = hash_sets.series_hashes(number)
    else:
        hashes = hash_sets.clustered_hashes(number, number // 200, number // 50)
    begun = time.perf_counter(), time.process_time()
    near_pairs(hashes, owners, links_only=True)
    seconds, of_processor = time.perf_counter() - begun[0], time.process_time() - begun[1]
    return seconds, of_processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
