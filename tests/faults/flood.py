"""Put very many files at once and measure the memory used and the time that labels and verdicts take.

``python -m tests.faults.flood --files 10000 --seconds 240 --json FILE``
"""

import argparse
import io
import itertools
import json
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pydicom

from tests.faults.background import repeated
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

SERVERS = ("minio",)
FUNCTIONS = ("annotations", "extract", "quality", "store_metadata", "sweep")
MEGABYTE = 1024 * 1024
LABEL_SECONDS = 60  # the longest time that the import of a label file may take
_LABELS_EVERY_SECONDS = 4.0
_BASE_NUMBER = 1_000_000  # all instance numbers have seven digits, so that bytes can be replaced


@dataclass
class Flood:
    """The measurements; `--json` writes these fields."""

    files: int
    put_seconds: float = 0
    label_seconds: list[float] = field(default_factory=list)  # of each label file, from its put to its import
    labels_waiting: int = 0  # label files that were not imported at the end
    verdict_seconds_p95: float = 0  # from the allocation of an image to its verdict
    verdicts: int = 0
    extracted: int = 0
    most_megabytes: dict[str, float] = field(
        default_factory=dict
    )  # of all processes of each program together

    @property
    def worst_label_seconds(self) -> float:
        return max(self.label_seconds, default=float("inf"))


def run_flood(home: RunningHome, *, files: int, seconds: float) -> Flood:
    """Put all files as fast as possible; measure for `seconds`, or until every file has a verdict."""
    flood = Flood(files)
    home.put("incoming/flood/first.dcm", make_instance(1, patient=900))
    uid = home.settled("extract", "incoming/flood/first.dcm")["sop_instance_uid"]
    key = home.rows("select key from image_allocation where sop_instance_uid = %s", uid)[0]["key"]
    home.wait_until_idle()
    before = _verdicts(home)
    with _memory(home, flood):
        started = time.monotonic()
        bodies = _bodies(files)
        with ThreadPoolExecutor(8) as pool, _labels(home, key, flood):
            list(pool.map(lambda each: home.put(f"incoming/flood/{each[0]}.dcm", each[1]), bodies))
            flood.put_seconds = round(time.monotonic() - started, 1)
            left = seconds - (time.monotonic() - started)

            def have_verdicts() -> bool:
                time.sleep(0.5)
                return _verdicts(home) - before >= files

            wait_for(have_verdicts, seconds=max(1.0, left))
    _measure_results(home, flood)
    return flood


def _verdicts(home: RunningHome) -> int:
    return int(home.rows("select count(*) as number from verdict")[0]["number"])


def _measure_results(home: RunningHome, flood: Flood) -> None:
    rows = home.rows(
        "select extract(epoch from v.checked_at - a.allocated_at)::float8 as seconds "
        "from verdict v join image_allocation a using (sop_instance_uid, frame)"
    )
    ages = sorted(row["seconds"] for row in rows)
    flood.verdicts, flood.verdict_seconds_p95 = len(ages), round(ages[int(len(ages) * 0.95)], 2)
    (row,) = home.rows("select count(*) as number from extraction where completed_at is not null")
    flood.extracted = row["number"]


def _bodies(files: int) -> Iterator[tuple[int, bytes]]:
    """Files that differ in their SOP Instance UID only."""
    body = make_instance(_BASE_NUMBER, patient=901)
    uid = str(pydicom.dcmread(io.BytesIO(body), stop_before_pixels=True).SOPInstanceUID).encode()
    for number in range(files):
        other = uid[:-7] + str(_BASE_NUMBER + number).encode()
        yield number, body.replace(uid, other)


@contextmanager
def _labels(home: RunningHome, image: str, flood: Flood) -> Iterator[None]:
    """Put a label file every few seconds and measure the time until its import."""
    put_at: dict[str, float] = {}
    files = itertools.count(1)
    last = 0.0

    def step() -> None:
        nonlocal last
        with suppress(Exception):
            if time.monotonic() - last > _LABELS_EVERY_SECONDS:
                last, number = time.monotonic(), next(files)
                key = f"flood {number}.csv"
                home.put(
                    key,
                    f"image,label,value\n{image},finding {number % 1000},1\n".encode(),
                    bucket="annotations",
                )
                put_at[key] = last
            imported = {row["key"] for row in home.rows("select key from label_import")}
            for key in [key for key in put_at if key in imported]:
                flood.label_seconds.append(round(time.monotonic() - put_at.pop(key), 2))

    try:
        with repeated(step, seconds=0.2):
            yield
    finally:
        # Files that were put just before the end have had no time to be imported.
        flood.labels_waiting = sum(time.monotonic() - at > LABEL_SECONDS for at in put_at.values())


@contextmanager
def _memory(home: RunningHome, flood: Flood) -> Iterator[None]:
    """Measure the most memory that all processes of each program used together."""
    most: dict[str, float] = defaultdict(float)

    def sample() -> None:
        for name in (*FUNCTIONS, *SERVERS):
            used = sum(map(_memory_used, _process_tree(home, name)))
            most[name] = max(most[name], round(used / MEGABYTE, 1))

    try:
        with repeated(sample, seconds=1):
            yield
    finally:
        flood.most_megabytes = dict(most)


def _process_tree(home: RunningHome, name: str) -> set[psutil.Process]:
    found = set(home.processes(name))
    for process in list(found):
        with suppress(psutil.Error):
            found |= set(process.children(recursive=True))
    return found


def _memory_used(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def as_report(flood: Flood) -> Mapping[str, object]:
    """The fields of the measurements, with the median and the worst time of the label files."""
    seconds = flood.label_seconds
    median = round(statistics.median(seconds), 2) if seconds else None
    return asdict(flood) | {"label_seconds_median": median, "label_seconds_worst": max(seconds, default=None)}


def main() -> int:
    """Run one flood in a new home; the exit code is 1 if a label file took more than 60 s."""
    parser = argparse.ArgumentParser(description="Put very many files at once into a new home.")
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seconds", type=float, default=240)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with TemporaryDirectory(prefix="dcm2set-flood-") as folder:
        home = RunningHome.start(Path(folder) / "home", {})
        try:
            flood = run_flood(home, files=given.files, seconds=given.seconds)
        finally:
            home.end()
    report = json.dumps(as_report(flood), indent=2)
    sys.stdout.write(report + "\n")
    if given.json:
        given.json.write_text(report)
    return 0 if flood.worst_label_seconds <= LABEL_SECONDS and not flood.labels_waiting else 1


if __name__ == "__main__":
    sys.exit(main())
