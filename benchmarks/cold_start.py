"""Measure starts: of a home, of a worker that was killed, and of functions that were scaled to zero.

- up: from `dcm2set up` to healthy functions, of a new home and of one that exists;
- killed worker: all workers of a function are killed, and at once a file is put; until its verdict;
- scaled to zero: the servers run and no function does. As Knative does, each function is started when its
  first request comes, which waits until the function answers; from the first start to the verdict.
"""

import os
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import urllib3

import imaging  # noqa: F401 suppresses pydicom's warnings
from benchmarks.support.one_file import put_file, seconds_by_stage
from benchmarks.support.report import Figure, report
from tests.support.local_home import RunningHome, wait_for

_BAR_SECONDS = 2.5  # from nothing to the first verdict
_AFTER_EXTRACT = ("store_metadata", "quality")
_NO_EVENTS = {"DCM2SET_STORE_NOTIFICATIONS": "false"}
_MADE = """
select m.bucket, m.key from ledger_item e
join ledger_item m on m.function = %s and m.sop_instance_uid is null and m.state = 'retry'
where e.function = 'extract' and e.key = %s and e.state = 'done'
"""
_numbers = count(1)


def main() -> None:
    """Measure and report."""
    rounds = 2 if "--quick" in sys.argv else 5
    figures = []
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        figures += _of_homes(Path(name), rounds)
        figures += _of_killed_workers(Path(name) / "killed", rounds)
        figures += _scaled_to_zero(Path(name) / "zero", rounds)
    report("Starts", figures)


def _of_homes(folder: Path, rounds: int) -> list[Figure]:
    seconds: dict[str, list[float]] = {"a new home": [], "an existing home": []}
    for number in range(rounds):
        for each in seconds.values():
            started = time.perf_counter()
            home = RunningHome.start(folder / str(number) / "home", {})
            try:
                assert wait_for(home.is_up, seconds=60), "It is not healthy."
                each.append(time.perf_counter() - started)
            finally:
                home.end()
    return [_figure(f"up to healthy functions: {name}", found) for name, found in seconds.items()]


def _of_killed_workers(folder: Path, rounds: int) -> list[Figure]:
    home = RunningHome.start(folder / "home", {})
    try:
        first, *alone = [_to_the_verdict(home) for _ in range(rounds + 1)]
        figures = [_figure("the first file of a home", [first]), _figure("the files after it", alone)]
        for function in ("extract", *_AFTER_EXTRACT):
            found = []
            for _ in range(rounds):
                _kill_workers(home, function)
                found.append(_to_the_verdict(home))
            figures.append(_figure(f"the workers of {function} killed, until the next verdict", found))
        return figures
    finally:
        home.end()


def _kill_workers(home: RunningHome, function: str) -> None:
    """Kill all processes of a function but the one that starts them again."""
    _, *workers = home.processes(function)
    for worker in workers:
        with suppress(psutil.NoSuchProcess):
            worker.kill()
    psutil.wait_procs(workers, timeout=10)


def _to_the_verdict(home: RunningHome) -> float:
    return seconds_by_stage(home, next(_numbers))["total"]


def _scaled_to_zero(folder: Path, rounds: int) -> list[Figure]:
    home = RunningHome.start(folder / "home", _NO_EVENTS)
    sweep = home.processes("sweep")
    answered, judged = [], []
    try:
        for process in sweep:  # it would send the files to the home's own functions
            process.suspend()
        environments = {each: home.function_environment(each) for each in ("extract", *_AFTER_EXTRACT)}
        for number in range(rounds):
            key = put_file(home, next(_numbers))
            started = time.perf_counter()
            with ExitStack() as stack:
                functions = _AtZero(home, environments, folder / str(number), stack)
                functions.post("extract", "raw", key)
                answered.append(time.perf_counter() - started)
                made = [(each, *home.rows(_MADE, each, key)[0].values()) for each in _AFTER_EXTRACT]
                with ThreadPoolExecutor(len(made)) as threads:
                    list(threads.map(functions.post, *zip(*made, strict=True)))
                judged.append(time.perf_counter() - started)
    finally:
        for process in sweep:
            process.resume()
        home.end()
    return [
        _figure("scaled to zero: until extract has answered", answered),
        _figure("scaled to zero: until row and verdict", judged, bar=_BAR_SECONDS),
    ]


@dataclass(frozen=True)
class _AtZero:
    """Functions of which each is started by its first request, and ends with the stack."""

    home: RunningHome
    environments: Mapping[str, Mapping[str, str]]
    folder: Path
    stack: ExitStack

    def post(self, function: str, bucket: str, key: str) -> None:
        """Start a function and let it work on an object."""
        own = self.folder / function
        own.mkdir(parents=True)
        environment = {**self.environments[function], "PROMETHEUS_MULTIPROC_DIR": str(own)}
        url = self.stack.enter_context(self.home.second_process(function, environment, own))
        headers = {"Authorization": f"Bearer {self.home.endpoints['token']}"}
        answer = urllib3.request("POST", url, json={"bucket": bucket, "key": key}, headers=headers)
        (result,) = answer.json()["results"]
        assert result["status"] == "done", result


def _figure(name: str, seconds: list[float], *, bar: float | None = None) -> Figure:
    return Figure.at_most(name, median(seconds), bar, unit="s", rounds=seconds)


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # like the functions
    main()
