"""A thousand CT files from a NAS folder to stored verdicts, beside two plain loops over as many files.

The sides take turns. The line begins with a POST to poll_nas, and has ended when the last row and the last
verdict are stored. Told beside: what each stage takes of an item, what each component takes of the processors
for a file, and the line with two workers of each function beside the line with one: as it is, where one
worker nearly fills two processors, and with an object store at a distance, where these are not the limit.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

# The tests' running home serves here too.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import pydicom
from pydicom.uid import UID

from benchmarks.corpus import make_grey
from benchmarks.plain_loops import Stores, Turn, plain_loops
from benchmarks.processor_time import processor_seconds
from benchmarks.report import Figure, report
from infra.local.home import Home
from tests.faults.tcp_relay import Mode, TcpRelay
from tests.support.local_home import RunningHome, wait_for

_LEAST_OF_DIRECT, _LEAST_OF_ONE_WORKER = 0.75, 1.6
_DISTANCE_SECONDS = 0.03  # of each piece of a request or an answer, as between two buildings
_FOLDER = 250  # files in one folder of the NAS
_WAIT_SECONDS = 600
_STAGES = ("extract", "store_metadata", "quality")
_SETTINGS = {
    "DCM2SET_NAS_POLL_SECONDS": "86400",  # polls are asked for
    "DCM2SET_NAS_QUIET_SECONDS": "0",
}
# Cheap to ask, so that asking takes little of the processors.
_UNDER_WAY = "select from ledger_item where counted_as is null and state in ('running', 'retry') limit 1"
_DONE = """
select function, count(*) as items, avg(extract(epoch from settled_at - started_at))::float as seconds
from ledger_item where state = 'done' and function = any(%s) and first_seen_at >= %s group by function
"""


@dataclass(frozen=True)
class Run:
    """One turn of the line."""

    seconds: float
    poll: float  # of them, until everything was copied
    stages: dict[str, float]  # seconds of an item, on average
    processor: dict[str, float]  # seconds of each component
    busy: float  # processors of the machine, on average


class Slices:
    """CT slices of 512 x 512, each an SOP instance that nobody has seen before."""

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
        """So many into folders below this one, which appears once all of them are there."""
        parent = folder.with_name(f"{folder.name} in the making")
        names = []
        for place in range(number):
            name = f"study {place // _FOLDER}/{place}.dcm"
            path = parent / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._body.replace(self._uid.encode(), _uid(next(self._numbers)).encode()))
            names.append(name)
        parent.rename(folder)
        return [folder / name for name in names]


def _uid(number: int) -> str:
    """UIDs of one length, so that one can stand where another stood."""
    return f"2.25.{10**37 + number}"


class Line:
    """A running home, and its NAS folder; `distance` is how many seconds away its object store is."""

    def __init__(self, folder: Path, workers: int | None = None, distance: float = 0) -> None:
        self.nas = folder / "nas"
        self.nas.mkdir(parents=True)
        home = folder / "home"
        chosen = {} if workers is None else {"DCM2SET_WORKERS": str(workers)}
        command: tuple[str, ...] = ()
        if distance:
            home.mkdir(mode=0o700)
            self._relay = TcpRelay(Home(home).ports().minio).start()
            command = ("benchmarks.distant_up", str(home), str(self._relay.port))
        self.home = RunningHome.start(
            home, {**_SETTINGS, **chosen, "DCM2SET_NAS_URL": self.nas.as_uri()}, command=command
        )
        if distance:
            self._relay.switch(Mode.DELAY, distance)
        self._turns = count()

    def run(self, slices: Slices, number: int) -> Run:
        """So many files, from a POST to poll_nas to the last verdict."""
        slices.write(self.nas / f"turn {next(self._turns)}", number)
        began = self.home.rows("select clock_timestamp() as now")[0]["now"]
        before = processor_seconds(self.home)
        psutil.cpu_percent()  # begins what the next call tells
        started = time.perf_counter()
        self._poll()
        polled = time.perf_counter() - started
        done = wait_for(lambda: self._done(began, number), seconds=_WAIT_SECONDS)
        if done is None:
            raise SystemExit(f"{number} files did not come through in {_WAIT_SECONDS} s.")
        seconds = time.perf_counter() - started
        busy = psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1)
        after = processor_seconds(self.home)
        processor = {name: after[name] - before.get(name, 0) for name in after}
        return Run(seconds, polled, {row["function"]: row["seconds"] for row in done}, processor, busy)

    def _poll(self) -> None:
        """Two looks that find the same, and the copies."""
        for _ in range(2):
            answer = self.home.post("poll_nas")
            if answer.status != 200:
                raise SystemExit(f"poll_nas answered {answer.status}.")

    def _done(self, began: object, number: int) -> list[dict[str, Any]] | None:
        time.sleep(0.2)
        if self.home.rows(_UNDER_WAY):
            return None
        found = self.home.rows(_DONE, list(_STAGES), began)
        return found if sum(row["items"] for row in found) == len(_STAGES) * number else None


def main() -> None:
    """Measure and report."""
    is_quick = "--quick" in sys.argv
    number, rounds = (60, 1) if is_quick else (1000, 3)
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # as the functions have
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        folder = Path(name)
        slices = Slices(folder)
        figures = [
            *_beside_the_loops(folder / "loops", slices, number, rounds),
            *_workers(folder / "workers", slices, number // 4, rounds, distance=0),
            *_workers(folder / "distant", slices, number // 4, rounds, distance=_DISTANCE_SECONDS),
        ]
    report(f"{number} CT files of 512 x 512, from a NAS folder to stored verdicts", figures)


def _beside_the_loops(folder: Path, slices: Slices, number: int, rounds: int) -> list[Figure]:
    line = Line(folder)
    try:
        line.run(slices, 16)  # warm, and the ledger has an item
        stores = _stores(line.home)
        with plain_loops(stores, images=(rounds + 1) * number) as loops:
            sides: dict[str, Callable[[Sequence[Path]], Turn]] = {
                "direct": loops.direct,
                "local": loops.local,
            }
            for turn, side in sides.items():
                side(slices.write(folder / f"warm {turn}", 8))
            lines: list[Run] = []
            turns: dict[str, list[Turn]] = {name: [] for name in sides}
            servers: list[dict[str, float]] = []
            for round_ in range(rounds):
                lines.append(line.run(slices, number))
                for name, side in sides.items():
                    files = slices.write(folder / f"{name} {round_}", number)
                    before = processor_seconds(line.home)
                    turns[name].append(side(files))
                    if name == "direct":
                        after = processor_seconds(line.home)
                        servers.append(
                            {server: after[server] - before[server] for server in ("minio", "postgres")}
                        )
    finally:
        line.home.end()
    return [*_line_figures(lines, number), *_loop_figures(lines, turns, servers, number)]


def _stores(home: RunningHome) -> Stores:
    minio = home.endpoints["minio"]
    (row,) = home.rows("select min(id) as id from ledger_item")
    return Stores(
        minio["endpoint"], minio["access_key"], minio["secret_key"], home.endpoints["database_url"], row["id"]
    )


def _line_figures(runs: list[Run], number: int) -> list[Figure]:
    return [
        Figure("the line", number / median(run.seconds for run in runs), "files/s"),
        Figure("of its seconds, until all was copied into raw", median(run.poll for run in runs), "s"),
        Figure(f"processors busy of {psutil.cpu_count()}", median(run.busy for run in runs), ""),
        *(
            Figure(f"an item of {stage}, claim to settled", 1000 * seconds, "ms")
            for stage, seconds in _medians([run.stages for run in runs]).items()
        ),
        *_processor_figures([run.processor for run in runs], number, "of the line"),
    ]


def _processor_figures(found: list[dict[str, float]], number: int, whose: str) -> list[Figure]:
    return [
        Figure(f"processor time a file {whose}: {name}", 1000 * seconds / number, "ms")
        for name, seconds in _medians(found).items()
    ]


def _medians(found: list[dict[str, float]]) -> dict[str, float]:
    names = sorted({name for each in found for name in each})
    return {name: median(each.get(name, 0) for each in found) for name in names}


def _loop_figures(
    lines: list[Run], turns: dict[str, list[Turn]], servers: list[dict[str, float]], number: int
) -> list[Figure]:
    line = median(run.seconds for run in lines)
    direct, local = (median(turn.seconds for turn in turns[name]) for name in ("direct", "local"))
    for turn, server in zip(turns["direct"], servers, strict=True):
        server["loop"] = turn.processor_seconds
    local_busy = [{"loop": turn.processor_seconds} for turn in turns["local"]]
    return [
        Figure("plain loop into the same stores", number / direct, "files/s"),
        *_processor_figures(servers, number, "of the direct loop"),
        Figure("plain loop on local files", number / local, "files/s"),
        *_processor_figures(local_busy, number, "of the local loop"),
        Figure.at_least("the line against the direct loop", direct / line, _LEAST_OF_DIRECT),
        Figure("the line against the local loop", local / line, "x"),
    ]


def _workers(folder: Path, slices: Slices, number: int, rounds: int, *, distance: float) -> list[Figure]:
    """Both lines stand; what rests takes nothing of the processors."""
    lines: dict[int, Line] = {}
    found: dict[int, list[Run]] = {1: [], 2: []}
    try:
        for workers in found:
            lines[workers] = Line(folder / str(workers), workers, distance)
            lines[workers].run(slices, 16)
        for _ in range(rounds):
            for workers, line in lines.items():
                found[workers].append(line.run(slices, number))
    finally:
        for line in lines.values():
            line.home.end()
    seconds = {workers: median(run.seconds for run in runs) for workers, runs in found.items()}
    busy = {workers: median(run.busy for run in runs) for workers, runs in found.items()}
    where = f", store {1000 * distance:.0f} ms away" if distance else ""
    of = f"processors busy of {psutil.cpu_count()}"
    ratio = seconds[1] / seconds[2]
    told = f"two workers against one{where}"
    return [
        Figure(f"one worker a function{where}", number / seconds[1], "files/s"),
        Figure(f"one worker{where}: {of}", busy[1], ""),
        Figure(f"two workers{where}: {of}", busy[2], ""),
        # Where the processors are full with one, two of them can't do more.
        Figure.at_least(told, ratio, _LEAST_OF_ONE_WORKER) if distance else Figure(told, ratio, "x"),
    ]


if __name__ == "__main__":
    main()
