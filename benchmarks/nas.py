"""Measure polls of a Synology NAS (the tests' fake DSM in its own process, over TLS) into MinIO.

The benchmark measures a poll without new files, the memory for one large file and for many files, and the
rate of copying. The rate is compared by turns with a loop that downloads the same files and then puts the
same bytes, as many at a time as the poll copies, and with downloading from a NAS at 1 Gbit/s. NAS, client and
store share the CPUs, so each part is also given in milliseconds of CPU time per file.
"""

import io
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from statistics import median
from typing import BinaryIO

import psutil

# To import `benchmarks`, `common` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.support.report import Figure, of_rounds, report
from common.database import Database
from common.nas.processed_mark import Mark
from common.nas.synology.connection import Connection
from common.nas.synology.file_station import FileStation
from common.nas.synology.login import Account, Login
from common.nas.synology.nas import SynologyNas
from common.nas_settings import NasSettings
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from functions.poll_nas.copy_files import FileCopier
from functions.poll_nas.poll_folders import FolderPoller, PollLimits
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from functions.poll_nas.unpack_archive import ArchiveLimits
from tests.fake_dsm.server import FakeDsm, SpeedLimit, running_dsm
from tests.fake_dsm.share import ROOT
from tests.support.local_home import RunningHome

_BUCKET = "nas-benchmark"  # a bucket without notifications
_PARALLEL = NasSettings.model_fields["nas_copies"].default
_FILE = bytes(range(256)) * 2048  # 0.5 MB
_MEGABYTE = 1024 * 1024
_FOLDERS = 1000
_MAX_MEGABYTES = 64.0
_MIN_OF_LOOP, _MIN_OF_WIRE = 1.0, 0.95
_ROUNDS = 3
_GIGABIT = 118e6  # bytes per second that TCP gets from 1 Gbit/s


class _OwnBucket(MinioStore):
    """The store, with all objects in the benchmark's bucket."""

    def upload(self, location: Location, stream: BinaryIO, *, size: int) -> ObjectVersion:
        return super().upload(Location(_BUCKET, location.key), stream, size=size)


def main() -> None:
    """Measure and report."""
    is_quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        folder = Path(name)
        home = RunningHome.start(folder / "home", {})
        try:
            store = _OwnBucket(**home.endpoints["minio"])
            store.ensure_bucket(_BUCKET)
            rows = PostgresSourceRows(Database(home.endpoints["database_url"], connections=8))
            figures = [
                *_large_file(folder, store, rows, 256 if is_quick else 2048),
                *_rate(folder, store, rows, 300 if is_quick else 700, home),
                *_gigabit(folder, store, rows, 300 if is_quick else 400),
                *_many_files(folder, store, rows, 2_000 if is_quick else 10_000),
                *_nothing_new(folder, store, rows),
            ]
        finally:
            home.end()
    report("The NAS", figures)


def _large_file(
    folder: Path, store: MinioStore, rows: PostgresSourceRows, megabytes: int
) -> Iterator[Figure]:
    with _nas(folder, {"large/a.dcm": (bytes(_MEGABYTE), megabytes)}) as (nas, _):
        poller = _poller(nas, store, rows)
        poller.poll()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        idle, seconds = _memory("VmRSS"), _seconds(poller.poll)
        yield Figure.at_most(
            f"memory above idle, {megabytes} MiB file", _memory("VmHWM") - idle, _MAX_MEGABYTES, unit="MiB"
        )
        yield Figure(f"{megabytes} MiB file", megabytes / seconds, "MiB/s")


def _rate(
    folder: Path, store: MinioStore, rows: PostgresSourceRows, number: int, home: RunningHome
) -> Iterator[Figure]:
    turns = [_turn(folder, store, rows, number, home, name=f"many {each}") for each in range(_ROUNDS)]
    for name in turns[0]:
        seconds, cpu = (median(turn[name][part] for turn in turns) for part in (0, 1))
        yield Figure(f"{number} files of 0.5 MB: {name}", number * len(_FILE) / seconds / 1e6, "MB/s")
        yield Figure("and its CPU time", cpu / number * 1000, "ms per file")
    loops = [turn["downloaded and discarded"][0] + turn["put from memory"][0] for turn in turns]
    copies = [turn["copied"][0] for turn in turns]
    ratios = of_rounds(loops, copies)
    yield Figure.at_least(
        "copying compared with downloading and then putting", median(ratios), _MIN_OF_LOOP, rounds=ratios
    )


def _turn(
    folder: Path, store: MinioStore, rows: PostgresSourceRows, number: int, home: RunningHome, *, name: str
) -> dict[str, tuple[float, float]]:
    """Download, put and copy the files of a new folder; return wall-clock and CPU seconds of each."""
    with _nas(folder, _many(name, number)) as (nas, _):
        poller = _poller(nas, store, rows)
        poller.poll()
        paths = [file.path for file in nas.list_files(name)]
        (minio, *_) = home.processes("minio")
        (server,) = [each for each in psutil.Process().children() if "spawn_main" in str(each.cmdline())]
        busy = partial(_busy, [psutil.Process(), server, minio, *home.processes("postgres")])
        return {
            "downloaded and discarded": busy(lambda: _together(lambda path: _read(nas, name, path), paths)),
            "put from memory": busy(lambda: _together(lambda path: _put(store, path), paths)),
            "copied": busy(poller.poll),
        }


def _gigabit(folder: Path, store: MinioStore, rows: PostgresSourceRows, number: int) -> Iterator[Figure]:
    found = [_gigabit_turn(folder, store, rows, number, f"slow {each}") for each in range(_ROUNDS)]
    downloads, copies = ([turn[part] for turn in found] for part in (0, 1))
    yield Figure("copied from a NAS at 1 Gbit/s", number * len(_FILE) / median(copies) / 1e6, "MB/s")
    yield Figure("downloaded from it and discarded", number * len(_FILE) / median(downloads) / 1e6, "MB/s")
    ratios = of_rounds(downloads, copies)
    yield Figure.at_least(
        "copying compared with downloading at 1 Gbit/s", median(ratios), _MIN_OF_WIRE, rounds=ratios
    )


def _gigabit_turn(
    folder: Path, store: MinioStore, rows: PostgresSourceRows, number: int, name: str
) -> tuple[float, float]:
    """Seconds to download and to copy the files of a new folder."""
    with _nas(folder, _many(name, number), bytes_per_second=_GIGABIT) as (nas, _):
        poller = _poller(nas, store, rows)
        poller.poll()
        paths = [file.path for file in nas.list_files(name)]
        download = _seconds(lambda: _together(lambda path: _read(nas, name, path), paths))
        return download, _seconds(poller.poll)


def _many_files(folder: Path, store: MinioStore, rows: PostgresSourceRows, number: int) -> Iterator[Figure]:
    with _nas(folder, {f"files {number}/{each:06}.dcm": (b"", 1) for each in range(number)}) as (nas, _):
        poller = _poller(nas, store, rows)
        nas.list_folders()
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        idle, seconds = _memory("VmRSS"), _seconds(poller.poll)
        used = _memory("VmHWM") - idle
        yield Figure.at_most(f"memory above idle, {number} files", used, _MAX_MEGABYTES, unit="MiB")
        yield Figure(f"visit a folder of {number} files", seconds, "s")


def _many(name: str, number: int) -> dict[str, tuple[bytes, int]]:
    return {f"{name}/{each}.dcm": (_FILE[8:] + each.to_bytes(8, "big"), 1) for each in range(number)}


def _nothing_new(folder: Path, store: MinioStore, rows: PostgresSourceRows) -> Iterator[Figure]:
    with _nas(folder, {f"done {each}/a.dcm": (b"", 1) for each in range(_FOLDERS)}) as (nas, count_requests):
        poller = _poller(nas, store, rows)
        for _ in range(2):
            poller.poll()
        before = count_requests()
        seconds = _seconds(poller.poll)
        yield Figure(
            f"requests of a poll with {_FOLDERS} processed folders", count_requests() - before, "requests"
        )
        yield Figure("and its time", seconds * 1000, "ms")


def _poller(nas: SynologyNas, store: MinioStore, rows: PostgresSourceRows) -> FolderPoller:
    archives = ArchiveLimits(files=1, bytes=1)
    copier = FileCopier(nas, store, rows, threads=_PARALLEL, limits=archives)
    return FolderPoller(nas, rows, copier, mark=Mark("<name>_processed"), limits=PollLimits(0, 3600, 0))


def _together(work: Callable[[str], object], paths: list[str]) -> None:
    with ThreadPoolExecutor(_PARALLEL) as threads:
        list(threads.map(work, paths))


def _read(nas: SynologyNas, folder: str, path: str) -> None:
    with nas.open(folder, path) as stream:
        while stream.read(256 * 1024):
            pass


def _put(store: MinioStore, path: str) -> None:
    store.upload(Location(_BUCKET, f"floor/{path}"), io.BytesIO(_FILE), size=len(_FILE))


def _seconds(work: Callable[[], object]) -> float:
    begun = time.monotonic()
    work()
    return time.monotonic() - begun


def _busy(processes: list[psutil.Process], work: Callable[[], object]) -> tuple[float, float]:
    """Return wall-clock seconds and CPU seconds."""
    before = [_cpu_time(process) for process in processes]
    seconds = _seconds(work)
    after = [_cpu_time(process) for process in processes]
    return seconds, sum(max(0.0, late - early) for early, late in zip(before, after, strict=True))


def _cpu_time(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.NoSuchProcess:  # Postgres ends processes that it no longer needs
        return 0.0


def _memory(name: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return int(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


@contextmanager
def _nas(
    folder: Path, files: dict[str, tuple[bytes, int]], *, bytes_per_second: float | None = None
) -> Iterator[tuple[SynologyNas, Callable[[], int]]]:
    """Yield a client of a NAS with these files, and a function that counts the NAS's requests."""
    own_end, other_end = multiprocessing.Pipe()
    context = multiprocessing.get_context("spawn")
    server = context.Process(target=_serve, args=(folder, files, other_end, bytes_per_second), daemon=True)
    server.start()
    port, ca_file, user, password = own_end.recv()

    def count_requests() -> int:
        own_end.send("count")
        return int(own_end.recv())

    connection = Connection("127.0.0.1", port, secure=True, ca_file=ca_file)
    nas = SynologyNas(FileStation(connection, Login(connection, Account(user, password))), root=ROOT)
    try:
        yield nas, count_requests
        nas.close()
    finally:
        own_end.send("end")
        server.join()


def _serve(
    folder: Path, files: dict[str, tuple[bytes, int]], pipe: Pipe, bytes_per_second: float | None
) -> None:
    dsm = FakeDsm(speed_limit=SpeedLimit(bytes_per_second) if bytes_per_second else None)
    for path, (data, repeats) in files.items():
        dsm.share.write(f"{ROOT}/{path}", data, repeats=repeats)
    with running_dsm(dsm, folder):
        pipe.send((dsm.port, dsm.ca_file, dsm.sign_in.user, dsm.sign_in.password))
        while pipe.recv() == "count":
            pipe.send(len(dsm.requests))


if __name__ == "__main__":
    main()
