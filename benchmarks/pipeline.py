"""Measure a thousand CT files from a NAS folder to stored verdicts, compared with two plain loops.

The pipeline and the loops run in turn. A run of the pipeline begins with a POST to poll_nas and ends when
the last row and the last verdict are stored. The benchmark also measures each stage's time per item, each
component's CPU time per file, and the pipeline with two workers of each function compared with one. This
comparison is made twice: on this machine, where one worker nearly fills two CPUs, and with a distant object
store, where the CPUs aren't the limit.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

# To import `benchmarks`, `common` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import pydicom
from pydicom.uid import UID

from benchmarks.support.corpus import make_grey
from benchmarks.support.cpu_time import cpu_seconds
from benchmarks.support.plain_loops import Stores, Turn, plain_loops
from benchmarks.support.report import Figure, of_rounds, report
from infra.local.home import Home
from tests.faults.tcp_relay import Mode, TcpRelay
from tests.support.local_home import RunningHome, wait_for

_MIN_OF_DIRECT, _MIN_OF_ONE_WORKER = 0.75, 1.6
_DISTANCE_SECONDS = 0.03  # delay of each part of a request or an answer, as between two buildings
_FOLDER = 250  # files per folder of the NAS
_WAIT_SECONDS = 600
_STAGES = ("extract", "store_metadata", "quality")
SETTINGS = {
    "DCM2SET_NAS_POLL_SECONDS": "86400",  # polls are started by the benchmark
    "DCM2SET_NAS_QUIET_SECONDS": "0",
}
# A cheap query, so that waiting takes little CPU time.
_UNSETTLED = "select from ledger_item where counted_as is null and state in ('running', 'retry') limit 1"
_DONE = """
select function, count(*) as items, avg(extract(epoch from settled_at - started_at))::float as seconds
from ledger_item where state = 'done' and function = any(%s) and first_seen_at >= %s group by function
"""


@dataclass(frozen=True)
class Run:
    """The result of one run of the pipeline."""

    seconds: float
    poll: float  # part of `seconds` until everything was copied
    stages: dict[str, float]  # mean seconds per item
    cpu: dict[str, float]  # seconds by component
    busy: float  # mean number of busy CPUs of the machine


class Slices:
    """CT slices of 512 x 512, each a new SOP instance."""

    def __init__(self, folder: Path) -> None:
        sample = make_grey("CT", "uncompressed", folder / "sample")
        ds = pydicom.dcmread(sample.path)
        self._uid = _uid(0)
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID(self._uid)
        path = folder / "slice.dcm"
        ds.save_as(path)
        self._body = path.read_bytes()
        self._numbers = count(1)

    def write(self, folder: Path, number: int) -> list[Path]:
        """Write `number` slices into subfolders; the folder appears once all of them are written."""
        parent = folder.with_name(f"{folder.name} unfinished")
        names = []
        for index in range(number):
            name = f"study {index // _FOLDER}/{index}.dcm"
            path = parent / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._body.replace(self._uid.encode(), _uid(next(self._numbers)).encode()))
            names.append(name)
        parent.rename(folder)
        return [folder / name for name in names]


def _uid(number: int) -> str:
    """Return UIDs of equal length, so that they can be replaced in place."""
    return f"2.25.{10**37 + number}"


class Pipeline:
    """A running home with a NAS folder."""

    def __init__(self, home: RunningHome, nas: Path) -> None:
        self.home, self.nas = home, nas
        self._turns = count()

    @classmethod
    def started(cls, folder: Path, workers: int | None = None, distance: float = 0) -> "Pipeline":
        """Start a home. `distance` is the delay of its object store in seconds."""
        nas = folder / "nas"
        nas.mkdir(parents=True)
        home = folder / "home"
        chosen = {} if workers is None else {"DCM2SET_WORKERS": str(workers)}
        command: tuple[str, ...] = ()
        if distance:
            home.mkdir(mode=0o700)
            relay = TcpRelay(Home(home).tcp_ports().minio).start()
            command = ("benchmarks.support.distant_store", str(home), str(relay.port))
        settings = {**SETTINGS, **chosen, "DCM2SET_NAS_URL": nas.as_uri()}
        running = RunningHome.start(home, settings, command=command)
        if distance:
            relay.switch(Mode.DELAY, distance)
        return cls(running, nas)

    def run(self, slices: Slices, number: int) -> Run:
        """Run `number` files, from a POST to poll_nas to the last verdict."""
        slices.write(self.nas / f"turn {next(self._turns)}", number)
        began = self.home.rows("select clock_timestamp() as now")[0]["now"]
        before = cpu_seconds(self.home)
        psutil.cpu_percent()  # starts the measurement that the next call ends
        started = time.perf_counter()
        self._poll()
        polled = time.perf_counter() - started
        done = wait_for(lambda: self._done(began, number), seconds=_WAIT_SECONDS)
        if done is None:
            raise SystemExit(f"{number} files were not settled within {_WAIT_SECONDS} s.")
        seconds = time.perf_counter() - started
        busy = psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1)
        after = cpu_seconds(self.home)
        cpu = {name: after[name] - before.get(name, 0) for name in after}
        return Run(seconds, polled, {row["function"]: row["seconds"] for row in done}, cpu, busy)

    def _poll(self) -> None:
        """Poll twice: files are copied once two visits have found the same."""
        polls = 0
        while polls < 2:
            answer = self.home.post("poll_nas")
            if answer.status != 200:
                raise SystemExit(f"poll_nas answered {answer.status}.")
            polls += not _was_beside_another(answer.json())

    def _done(self, began: object, number: int) -> list[dict[str, Any]] | None:
        time.sleep(0.2)
        if self.home.rows(_UNSETTLED):
            return None
        found = self.home.rows(_DONE, list(_STAGES), began)
        return found if sum(row["items"] for row in found) == len(_STAGES) * number else None


def _was_beside_another(answer: Mapping[str, object]) -> bool:
    """Whether a poll did nothing, because another one ran: that of the timer, at the start of a home."""
    return answer["status"] == "no_updates" and "cause" in answer


def main() -> None:
    """Measure and report."""
    is_quick = "--quick" in sys.argv
    number, rounds = (60, 1) if is_quick else (1000, 3)
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # like the functions
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        folder = Path(name)
        slices = Slices(folder)
        figures = [
            *_compared_with_loops(folder / "loops", slices, number, rounds),
            *_workers(folder / "workers", slices, number // 4, rounds, distance=0),
            *_workers(folder / "distant", slices, number // 4, rounds, distance=_DISTANCE_SECONDS),
        ]
    report(f"{number} CT files of 512 x 512, from a NAS folder to stored verdicts", figures)


def _compared_with_loops(folder: Path, slices: Slices, number: int, rounds: int) -> list[Figure]:
    pipeline = Pipeline.started(folder)
    try:
        pipeline.run(slices, 16)  # warms up, and gives the ledger an item
        stores = _stores(pipeline.home)
        with plain_loops(stores, images=(rounds + 1) * number) as loops:
            routes: dict[str, Callable[[Sequence[Path]], Turn]] = {
                "direct": loops.direct,
                "local": loops.local,
            }
            for name, loop in routes.items():
                loop(slices.write(folder / f"warm {name}", 8))
            runs: list[Run] = []
            turns: dict[str, list[Turn]] = {name: [] for name in routes}
            servers: list[dict[str, float]] = []
            for round_ in range(rounds):
                runs.append(pipeline.run(slices, number))
                for name, loop in routes.items():
                    files = slices.write(folder / f"{name} {round_}", number)
                    before = cpu_seconds(pipeline.home)
                    turns[name].append(loop(files))
                    if name == "direct":
                        after = cpu_seconds(pipeline.home)
                        servers.append(
                            {server: after[server] - before[server] for server in ("minio", "postgres")}
                        )
    finally:
        pipeline.home.end()
    return [*_pipeline_figures(runs, number), *_loop_figures(runs, turns, servers, number)]


def _stores(home: RunningHome) -> Stores:
    minio = home.endpoints["minio"]
    (row,) = home.rows("select min(id) as id from ledger_item")
    return Stores(
        minio["endpoint"], minio["access_key"], minio["secret_key"], home.endpoints["database_url"], row["id"]
    )


def _pipeline_figures(runs: list[Run], number: int) -> list[Figure]:
    return [
        Figure("the pipeline", number / median(run.seconds for run in runs), "files/s"),
        Figure("part of it until everything was copied into raw", median(run.poll for run in runs), "s"),
        Figure(f"busy CPUs of {psutil.cpu_count()}", median(run.busy for run in runs), ""),
        *(
            Figure(f"an item of {stage}, claim to settlement", 1000 * seconds, "ms")
            for stage, seconds in _medians([run.stages for run in runs]).items()
        ),
        *_cpu_figures([run.cpu for run in runs], number, "of the pipeline"),
    ]


def _cpu_figures(found: list[dict[str, float]], number: int, owner: str) -> list[Figure]:
    return [
        Figure(f"CPU time per file {owner}: {name}", 1000 * seconds / number, "ms")
        for name, seconds in _medians(found).items()
    ]


def _medians(found: list[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for each in found for name in each})
    return {name: median(each.get(name, 0) for each in found) for name in names}


def _loop_figures(
    runs: list[Run], turns: dict[str, list[Turn]], servers: list[dict[str, float]], number: int
) -> list[Figure]:
    pipeline = median(run.seconds for run in runs)
    direct, local = (median(turn.seconds for turn in turns[name]) for name in ("direct", "local"))
    for turn, server in zip(turns["direct"], servers, strict=True):
        server["loop"] = turn.cpu_seconds
    local_cpu = [{"loop": turn.cpu_seconds} for turn in turns["local"]]
    return [
        Figure("plain loop into the same stores", number / direct, "files/s"),
        *_cpu_figures(servers, number, "of the direct loop"),
        Figure("plain loop on local files", number / local, "files/s"),
        *_cpu_figures(local_cpu, number, "of the local loop"),
        Figure.at_least(
            "the pipeline compared with the direct loop",
            direct / pipeline,
            _MIN_OF_DIRECT,
            rounds=of_rounds([turn.seconds for turn in turns["direct"]], [run.seconds for run in runs]),
        ),
        Figure("the pipeline compared with the local loop", local / pipeline, "x"),
    ]


def _workers(folder: Path, slices: Slices, number: int, rounds: int, *, distance: float) -> list[Figure]:
    """Compare two workers with one. Both pipelines stay up, because an idle one takes no CPU time."""
    pipelines: dict[int, Pipeline] = {}
    found: dict[int, list[Run]] = {1: [], 2: []}
    try:
        for workers in found:
            pipelines[workers] = Pipeline.started(folder / str(workers), workers, distance)
            pipelines[workers].run(slices, 16)
        for _ in range(rounds):
            for workers, pipeline in pipelines.items():
                found[workers].append(pipeline.run(slices, number))
    finally:
        for pipeline in pipelines.values():
            pipeline.home.end()
    seconds = {workers: median(run.seconds for run in runs) for workers, runs in found.items()}
    busy = {workers: median(run.busy for run in runs) for workers, runs in found.items()}
    where = f", store {1000 * distance:.0f} ms away" if distance else ""
    of = f"busy CPUs of {psutil.cpu_count()}"
    ratio = seconds[1] / seconds[2]
    ratios = of_rounds(*([run.seconds for run in found[workers]] for workers in (1, 2)))
    name = f"two workers compared with one{where}"
    return [
        Figure(f"one worker per function{where}", number / seconds[1], "files/s"),
        Figure(f"one worker{where}: {of}", busy[1], ""),
        Figure(f"two workers{where}: {of}", busy[2], ""),
        # If one worker already fills the CPUs, two can't do more.
        Figure.at_least(name, ratio, _MIN_OF_ONE_WORKER if distance else None, rounds=ratios),
    ]


if __name__ == "__main__":
    main()
