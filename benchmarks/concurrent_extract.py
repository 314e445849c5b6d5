"""Measure extract over HTTP in files per second, with one caller and with two concurrent callers.

Only extract is working. The objects lie in raw/incoming before a round begins. After the warm-up the
notifications of raw, metadata and the image buckets are removed, so that no event starts extract,
store_metadata or quality. The callers, the object store and the database share the machine with extract, so
the CPU load with one caller limits what a second caller can gain.
"""

import io
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import pydicom
import urllib3
from pydicom.uid import generate_uid

import imaging  # noqa: F401 suppresses pydicom's warnings
from benchmarks.support.corpus import make_grey
from benchmarks.support.report import Figure, of_rounds, report
from tests.support.local_home import RunningHome
from tests.support.real_files import make_instance

Make = Callable[[int], bytes]

_BAR = 1.7
_LARGE = (("CT", "RLE"), ("CT", "JPEG 2000"), ("DX", "JPEG lossless"))
# No sweep may resend objects in raw, and no new bucket with notifications may be created.
_SETTINGS = {"DCM2SET_SWEEP_SECONDS": "86400", "DCM2SET_IMAGES_PER_BUCKET": "1000000"}


def main() -> None:
    """Measure and report."""
    rounds, files = (3, 12) if "--quick" in sys.argv else (9, 40)
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        folder = Path(name)
        makers = {"CT 128 x 128": make_instance, **_large_instances(folder / "corpus")}
        home = RunningHome.start(folder / "home", _SETTINGS)
        try:
            _warm_up(home)
            _remove_notifications(home)
            extract = _Extract(home)
            figures = [
                figure
                for kind, make in makers.items()
                for figure in _measured(extract, kind, make, rounds, files)
            ]
        finally:
            home.end()
    report("extract over HTTP, without other functions", figures)


def _large_instances(folder: Path) -> dict[str, Make]:
    """Return makers of slices of 512 x 512 and radiographs of 2500 x 2048, each a new instance."""
    sizes = {"CT": "512 x 512", "DX": "2500 x 2048"}
    return {
        f"{picture} {sizes[picture]} {coding}": _with_new_uids(
            make_grey(picture, coding, folder).path.read_bytes()
        )
        for picture, coding in _LARGE
    }


def _with_new_uids(body: bytes) -> Make:
    def make(number: int) -> bytes:
        ds = pydicom.dcmread(io.BytesIO(body))
        ds.SOPInstanceUID = generate_uid(entropy_srcs=[str(ds.SOPInstanceUID), str(number)])
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        buffer = io.BytesIO()
        ds.save_as(buffer)
        return buffer.getvalue()

    return make


def _warm_up(home: RunningHome) -> None:
    """Run a few files through the complete pipeline, which creates the first image bucket."""
    for number in range(8):
        home.put(f"incoming/warm/{number}.dcm", make_instance(number, patient=2))
    home.wait_until_idle()


def _remove_notifications(home: RunningHome) -> None:
    for bucket in home.store.client.list_buckets():
        home.store.client.delete_bucket_notification(bucket.name)


@dataclass(frozen=True)
class _Round:
    """The result of one round."""

    rate: float  # files per second
    busy: float  # mean number of busy CPUs of the machine


class _Extract:
    """The running function, with new files for it."""

    def __init__(self, home: RunningHome) -> None:
        self._home = home
        self._numbers = count(1)

    def round(self, make: Make, *, files: int, callers: int) -> _Round:
        """Measure from the first call to the last answer."""
        keys = iter([self._put(make) for _ in range(files)])  # shared: a free caller takes the next key
        with ThreadPoolExecutor(callers) as threads:
            psutil.cpu_percent()  # starts the measurement that the next call ends
            started = time.perf_counter()
            list(threads.map(self._call, [keys] * callers))
            seconds = time.perf_counter() - started
            busy = psutil.cpu_percent() / 100 * (psutil.cpu_count() or 1)
        return _Round(files / seconds, busy)

    def _put(self, make: Make) -> str:
        number = next(self._numbers)
        key = f"incoming/served/{number}.dcm"
        self._home.put(key, make(number))
        return key

    def _call(self, keys: Iterator[str]) -> None:
        """Call the function for one file after another over one connection."""
        url, token = self._home.endpoints["functions"]["extract"], self._home.endpoints["token"]
        headers = {"Authorization": f"Bearer {token}"}
        with urllib3.PoolManager(maxsize=1, timeout=60, retries=False) as pool:
            for key in keys:
                body = {"bucket": "raw", "key": key}
                answer = pool.request("POST", url, json=body, headers=headers).json()
                if answer.get("results", [{}])[0].get("outcome") != "extracted":
                    raise SystemExit(f"extract failed for a file: {answer}")


def _measured(extract: _Extract, kind: str, make: Make, rounds: int, files: int) -> Iterator[Figure]:
    """Run rounds with one and with two callers in turn."""
    extract.round(make, files=8, callers=2)  # starts the sandbox processes of both workers
    done: dict[int, list[_Round]] = {1: [], 2: []}
    for number in range(rounds):
        for callers in (1, 2) if number % 2 == 0 else (2, 1):
            done[callers].append(extract.round(make, files=files, callers=callers))
    names = {1: "one caller", 2: "two callers"}
    rates = {callers: median(one.rate for one in found) for callers, found in done.items()}
    for callers, found in done.items():
        yield Figure(f"{kind}: {names[callers]}", rates[callers], "files/s")
        busy = median(one.busy for one in found)
        yield Figure(f"{kind}: {names[callers]}, busy CPUs of {psutil.cpu_count()}", busy, "")
    ratios = of_rounds(*([one.rate for one in done[callers]] for callers in (2, 1)))
    yield Figure.at_least(f"{kind}: two callers / one", rates[2] / rates[1], _BAR, rounds=ratios)


if __name__ == "__main__":
    main()
