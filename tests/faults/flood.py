"""Very many files at once: what it costs in memory, and how long labels and verdicts wait in it.

``python -m tests.faults.flood --files 10000 --seconds 240 --json FILE``
"""

import argparse
import json
import statistics
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

SERVERS = ("minio",)
FUNCTIONS = ("annotations", "extract", "quality", "store_metadata", "sweep")
MEGABYTE = 1024 * 1024
_LABELS_EVERY_SECONDS = 4.0
_BASE_NUMBER = 1_000_000  # instance numbers of one length, so that bytes can be exchanged


@dataclass
class Flood:
    """What was measured."""

    files: int
    put_seconds: float = 0
    label_seconds: list[float] = field(default_factory=list)  # from the put to the import, each
    labels_waiting: int = 0  # not imported when it ended
    verdict_seconds_p95: float = 0  # from the place given to the verdict, of images judged meanwhile
    verdicts: int = 0
    extracted: int = 0
    most_megabytes: dict[str, float] = field(default_factory=dict)  # by program, all its processes

    @property
    def worst_label_seconds(self) -> float:
        return max(self.label_seconds, default=float("inf"))


def run_flood(home: RunningHome, *, files: int, seconds: float) -> Flood:
    """Drop all files as fast as they are taken; look for so long, or until all are through."""
    flood = Flood(files)
    home.put("incoming/flood/first.dcm", make_instance(1, patient=900))
    uid = home.settled("extract", "incoming/flood/first.dcm")["sop_instance_uid"]
    key = home.rows("select key from image_allocation where sop_instance_uid = %s", uid)[0]["key"]
    home.wait_until_idle()
    before = home.rows("select count(*) as number from verdict")[0]["number"]
    with _memory(home, flood):
        started = time.monotonic()
        bodies = _bodies(files)
        with ThreadPoolExecutor(8) as pool, _labels(home, key, flood, seconds):
            list(pool.map(lambda each: home.put(f"incoming/flood/{each[0]}.dcm", each[1]), bodies))
            flood.put_seconds = round(time.monotonic() - started, 1)
            left = seconds - (time.monotonic() - started)

            def is_through() -> bool:
                time.sleep(0.5)
                rows = home.rows("select count(*) as number from verdict")
                return bool(rows[0]["number"] - before >= files)

            wait_for(is_through, seconds=max(1.0, left))
    rows = home.rows(
        "select extract(epoch from v.checked_at - a.allocated_at)::float8 as seconds "
        "from verdict v join image_allocation a using (sop_instance_uid, frame)"
    )
    ages = sorted(row["seconds"] for row in rows)
    flood.verdicts, flood.verdict_seconds_p95 = len(ages), round(ages[int(len(ages) * 0.95)], 2)
    flood.extracted = home.rows("select count(*) as number from extraction where completed_at is not null")[
        0
    ]["number"]
    return flood


def _bodies(files: int) -> Iterator[tuple[int, bytes]]:
    """Files with SOP Instance UIDs of their own; only these bytes differ."""
    import pydicom

    body = make_instance(_BASE_NUMBER, patient=901)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "one.dcm"
        path.write_bytes(body)
        uid = str(pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID).encode()
    for number in range(files):
        other = uid[:-7] + str(_BASE_NUMBER + number).encode()
        yield number, body.replace(uid, other)


@contextmanager
def _labels(home: RunningHome, image: str, flood: Flood, seconds: float) -> Iterator[None]:
    """Every few seconds a label file, and how long it took to be imported."""
    ended = threading.Event()
    put_at: dict[str, float] = {}

    def look() -> None:
        imported = {row["key"] for row in home.rows("select key from label_import")}
        for key in [key for key in put_at if key in imported]:
            flood.label_seconds.append(round(time.monotonic() - put_at.pop(key), 2))

    def run() -> None:
        last = 0.0
        number = 0
        while not ended.wait(timeout=0.2):
            with suppress(Exception):
                if time.monotonic() - last > _LABELS_EVERY_SECONDS:
                    last, number, key = time.monotonic(), number + 1, f"flood {number}.csv"
                    home.put(key, f"image,label,value\n{image},l{number},1\n".encode(), bucket="annotations")
                    put_at[key] = last
                look()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=60)
        # What was put just before the end has not had its time.
        flood.labels_waiting = sum(time.monotonic() - at > 60 for at in put_at.values())


@contextmanager
def _memory(home: RunningHome, flood: Flood) -> Iterator[None]:
    """The most memory each program's processes had together."""
    ended = threading.Event()
    most: dict[str, float] = defaultdict(float)

    def run() -> None:
        while not ended.wait(timeout=1):
            for name in (*FUNCTIONS, *SERVERS):
                used = sum(map(_used, _family(home, name)))
                most[name] = max(most[name], round(used / MEGABYTE, 1))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(timeout=60)
        flood.most_megabytes = dict(most)


def _family(home: RunningHome, name: str) -> set[psutil.Process]:
    found = set(home.processes(name))
    for process in list(found):
        with suppress(psutil.Error):
            found |= set(process.children(recursive=True))
    return found


def _used(process: psutil.Process) -> int:
    with suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def told(flood: Flood) -> Mapping[str, object]:
    """The report as it is written."""
    labels = flood.label_seconds
    median = round(statistics.median(labels), 2) if labels else None
    return asdict(flood) | {"label_seconds_median": median, "label_seconds_worst": max(labels, default=None)}


def main() -> int:
    """One flood in a home of its own."""
    parser = argparse.ArgumentParser(description="Very many files at once.")
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
    report = json.dumps(told(flood), indent=2)
    sys.stdout.write(report + "\n")
    if given.json:
        given.json.write_text(report)
    return 0 if flood.worst_label_seconds <= 60 and not flood.labels_waiting else 1


if __name__ == "__main__":
    sys.exit(main())
