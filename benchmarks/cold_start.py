"""Measure starts: of a home, of a worker that was killed, and of functions that were scaled to zero.

- up: from `dcm2set up` to healthy functions, of a new home and of one that was there before;
- killed worker: all workers of a function are killed, and at once a file is put; until its verdict;
- scaled to zero: the servers run and no function does. As Knative does, each function is started when its
  first request comes, which waits until the function answers; from the first start to the verdict.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import urllib3

import imaging  # noqa: F401 suppresses pydicom's warnings
from benchmarks.support.report import Figure, report
from infra.provision.function_card import function_cards
from infra.provision.serving import serving_command
from tests.support.free_ports import free_port
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

_BAR_SECONDS = 2.5  # from nothing to the first verdict
_STAGES = ("extract", "store_metadata", "quality")
_CARDS = {card.function: card for card in function_cards()}
_NO_EVENTS = {"DCM2SET_STORE_NOTIFICATIONS": "false"}
_MADE = """
select m.bucket, m.key from ledger_item e
join ledger_item m on m.function = %s and m.sop_instance_uid is null and m.state = 'retry'
where e.function = 'extract' and e.key = %s and e.state = 'done'
"""
_SETTLED = """
select from ledger_item e
join ledger_item m on m.function = 'store_metadata' and m.sop_instance_uid = e.sop_instance_uid
join ledger_item q on q.function = 'quality' and q.sop_instance_uid = e.sop_instance_uid
where e.function = 'extract' and e.key = %s
    and e.state = 'done' and m.state = 'done' and q.state = 'done'
"""
_PAUSE = 0.005  # between two questions whether it is there
_numbers = count(1)
_Post = Callable[[str, str, str], None]


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
    seconds: dict[str, list[float]] = {"a new home": [], "a home that was there": []}
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
        for function in _STAGES:
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
    started, key = time.perf_counter(), _put(home)
    _wait(partial(home.rows, _SETTLED, key))
    return time.perf_counter() - started


def _scaled_to_zero(folder: Path, rounds: int) -> list[Figure]:
    home = RunningHome.start(folder / "home", _NO_EVENTS)
    sweep = home.processes("sweep")
    try:
        for process in sweep:  # it would send the files to the home's own functions
            process.suspend()
        environments = {function: home.function_environment(function) for function in _STAGES}
        found: dict[str, list[float]] = {"extract": [], "all": []}
        for number in range(rounds):
            key = _put(home)
            metrics = folder / f"metrics {number}"
            started = time.perf_counter()
            with _cold(environments, metrics) as post:
                post("extract", "raw", key)
                found["extract"].append(time.perf_counter() - started)
                with ThreadPoolExecutor(2) as threads:
                    made = [
                        (function, *home.rows(_MADE, function, key)[0].values())
                        for function in ("store_metadata", "quality")
                    ]
                    list(threads.map(lambda each: post(*each), made))
                _wait(partial(home.rows, _SETTLED, key))
                found["all"].append(time.perf_counter() - started)
    finally:
        for process in sweep:
            process.resume()
        home.end()
    return [
        _figure("scaled to zero: until extract has answered", found["extract"]),
        _figure("scaled to zero: until row and verdict", found["all"], bar=_BAR_SECONDS),
    ]


@contextmanager
def _cold(environments: dict[str, dict[str, str]], metrics: Path) -> Iterator[_Post]:
    """Yield what posts an object to a function, which it starts first; all of them end with the block."""
    processes: list[subprocess.Popen[bytes]] = []

    def post(function: str, bucket: str, key: str) -> None:
        port, own = free_port(), metrics / function
        own.mkdir(parents=True)
        environment = environments[function] | {"PROMETHEUS_MULTIPROC_DIR": str(own)}
        command = serving_command(_CARDS[function], host="127.0.0.1", port=port)
        processes.append(subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL))
        url = f"http://127.0.0.1:{port}/"
        _wait(lambda: _answers(url))
        token = Path(environment["DCM2SET_TOKEN_FILE"]).read_text(encoding="utf-8").split()[0]
        answer = urllib3.request(
            "POST", url, json={"bucket": bucket, "key": key}, headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.status == 200, answer.data

    try:
        yield post
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(timeout=30)
        shutil.rmtree(metrics, ignore_errors=True)


def _put(home: RunningHome) -> str:
    number = next(_numbers)
    key = f"incoming/starts/{number}.dcm"
    home.put(key, make_instance(number))
    return key


def _answers(url: str) -> bool:
    try:
        return urllib3.request("HEAD", url, retries=False, timeout=5).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def _wait(condition: Callable[[], object]) -> None:
    if not wait_for(condition, seconds=60, pause=_PAUSE):
        raise SystemExit("It did not happen within 60 s.")


def _figure(name: str, seconds: list[float], *, bar: float | None = None) -> Figure:
    return Figure.at_most(name, median(seconds), bar, unit="s", rounds=seconds)


if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # like the functions
    main()
