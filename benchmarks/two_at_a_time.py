"""Files a second through extract as it is served, with one caller and with two.

Everything but extract stands still: the objects lie in raw/incoming before a round begins, and
once the line is warm the notifications of raw, metadata and the image buckets are taken away, so
that no event starts extract, store_metadata or quality beside. The callers, the object store and
the database share the machine with extract; how busy it is with one caller bounds what two can gain.
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

import imaging  # noqa: F401 keeps pydicom's warnings out of the table
from benchmarks.corpus import make_grey
from benchmarks.report import Figure, report
from tests.support.local_home import RunningHome
from tests.support.real_files import make_instance

Make = Callable[[int], bytes]

_BAR = 1.7
_LARGE = (("CT", "RLE"), ("CT", "JPEG 2000"), ("DX", "JPEG lossless"))
# No sweep may re-send what lies in raw, and no bucket with new notifications may begin.
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
            _take_notifications_away(home)
            served = _Served(home)
            figures = [
                figure
                for kind, make in makers.items()
                for figure in _measured(served, kind, make, rounds, files)
            ]
        finally:
            home.end()
    report("extract over HTTP, nothing else of the line running", figures)


def _large_instances(folder: Path) -> dict[str, Make]:
    """Slices of 512 x 512 and radiographs of 2500 x 2048, each an instance of its own."""
    sizes = {"CT": "512 x 512", "DX": "2500 x 2048"}
    return {
        f"{picture} {sizes[picture]} {coding}": _renamed(make_grey(picture, coding, folder).path.read_bytes())
        for picture, coding in _LARGE
    }


def _renamed(body: bytes) -> Make:
    def make(number: int) -> bytes:
        ds = pydicom.dcmread(io.BytesIO(body))
        ds.SOPInstanceUID = generate_uid(entropy_srcs=[str(ds.SOPInstanceUID), str(number)])
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        buffer = io.BytesIO()
        ds.save_as(buffer)
        return buffer.getvalue()

    return make


def _warm_up(home: RunningHome) -> None:
    """A few files through the whole line, which makes the first image bucket."""
    for number in range(8):
        home.put(f"incoming/warm/{number}.dcm", make_instance(number, patient=2))
    home.wait_until_idle()


def _take_notifications_away(home: RunningHome) -> None:
    for bucket in home.store.client.list_buckets():
        home.store.client.delete_bucket_notification(bucket.name)


@dataclass(frozen=True)
class _Round:
    """Some files through the function."""

    rate: float  # files a second
    busy: float  # processors of the whole machine, on average


class _Served:
    """The running function, and files for it that it has never seen."""

    def __init__(self, home: RunningHome) -> None:
        self._home = home
        self._numbers = count(1)

    def round(self, make: Make, *, files: int, callers: int) -> _Round:
        """From the first call to the last answer."""
        keys = iter([self._put(make) for _ in range(files)])  # shared: who is free takes the next
        with ThreadPoolExecutor(callers) as threads:
            psutil.cpu_percent()  # begins what the next call tells
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
        """One caller: one file after another over one connection."""
        url, token = self._home.endpoints["functions"]["extract"], self._home.endpoints["token"]
        headers = {"Authorization": f"Bearer {token}"}
        with urllib3.PoolManager(maxsize=1, timeout=60, retries=False) as pool:
            for key in keys:
                body = {"bucket": "raw", "key": key}
                answer = pool.request("POST", url, json=body, headers=headers).json()
                if answer.get("results", [{}])[0].get("outcome") != "extracted":
                    raise SystemExit(f"extract did not do a file: {answer}")


def _measured(served: _Served, kind: str, make: Make, rounds: int, files: int) -> Iterator[Figure]:
    """Rounds of one and of two callers, alternating."""
    served.round(make, files=8, callers=2)  # warm: the drawing processes of both workers
    done: dict[int, list[_Round]] = {1: [], 2: []}
    for number in range(rounds):
        for callers in (1, 2) if number % 2 == 0 else (2, 1):
            done[callers].append(served.round(make, files=files, callers=callers))
    names = {1: "one caller", 2: "two callers"}
    rates = {callers: median(one.rate for one in found) for callers, found in done.items()}
    for callers, found in done.items():
        yield Figure(f"{kind}: {names[callers]}", rates[callers], "files/s")
        busy = median(one.busy for one in found)
        yield Figure(f"{kind}: {names[callers]}, processors busy of {psutil.cpu_count()}", busy, "")
    yield Figure.at_least(f"{kind}: two callers / one", rates[2] / rates[1], _BAR)


if __name__ == "__main__":
    main()
