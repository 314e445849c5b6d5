"""Measure the import of a table of a million labels, from its event to its commit.

The real function runs on a real MinIO and Postgres. It is compared, in turn, with two lower bounds: psycopg's
COPY of the same rows, one by one from a csv.reader into a table without an index, and a COPY of the file's
bytes without parsing.
"""

import csv
import io
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any, BinaryIO, cast

# To import `benchmarks`, `common` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg

from benchmarks.support.report import Figure, of_rounds, report
from common.store.object_key import ANNOTATIONS, Location
from tests.support.local_home import RunningHome
from tests.support.uids import uid

BAR_ROWS_A_SECOND, BAR_OF_COPY, BAR_MEGABYTES = 50_000, 0.4, 200
LABELS = 20
PATIENT = "P0123456789abcdef0123"
_HEADER = "image,label,value,annotator,time\n"
_MEGABYTE = 1024 * 1024


def main() -> None:
    """Measure and report."""
    is_quick = "--quick" in sys.argv
    images, runs, line = (5_000, 1, 64) if is_quick else (50_000, 3, 1024)
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as folder:
        home = RunningHome.start(Path(folder) / "home", {})
        try:
            figures = _measured(home, images, runs) + _long_line(home, line)
        finally:
            home.end()
    report(f"A table of {images * LABELS} labels", figures)


def _key(image: int) -> str:
    """Return a key of the usual length."""
    study, series, instance = (uid((n << 124) + image // d) for n, d in ((1, 50), (2, 25), (3, 1)))
    return f"{PATIENT}/{study}/{series}/{instance}/1.png"


def _table(images: int, annotator: str) -> bytes:
    """Return every label of every image, image by image."""
    rows = (
        f"{_key(image)},Finding number {label},{(image * 7 + label) % 2},{annotator},"
        f"2026-11-{1 + image % 20:02d}T10:{label:02d}:00Z\n"
        for image in range(images)
        for label in range(LABELS)
    )
    return (_HEADER + "".join(rows)).encode()


def _allocate(connection: psycopg.Connection[Any], images: int) -> None:
    """Insert images as extract does."""
    with connection.cursor() as cursor:
        cursor.execute("insert into image_bucket values ('images-bench', 0, 10000000)")
        cursor.execute(
            "insert into ledger_item (function, bucket, key, etag, state) "
            "values ('extract', 'raw', 'bench', 'bench', 'done') returning id"
        )
        (item,) = cursor.fetchone() or (0,)
        columns = (
            "sop_instance_uid, item_id, content_digest, number_of_frames, recipe_version, pipeline_version"
        )
        with cursor.copy(f"copy extraction ({columns}) from stdin") as copy:
            for image in range(images):
                copy.write_row((_key(image).split("/")[3], item, "digest", 1, 1, "bench"))
        with cursor.copy(
            "copy image_allocation (sop_instance_uid, frame, allocated_bucket, bucket, key) from stdin"
        ) as copy:
            for image in range(images):
                key = _key(image)
                copy.write_row((key.split("/")[3], 1, "images-bench", "images-bench", key))
        cursor.execute(
            "create table bare (image text, label text, value real, annotator text, labelled_at timestamptz)"
        )
    connection.commit()
    connection.autocommit = True
    connection.execute("vacuum analyze")


def _measured(home: RunningHome, images: int, runs: int) -> list[Figure]:
    rows = images * LABELS
    with psycopg.connect(home.endpoints["database_url"]) as connection:
        _allocate(connection, images)
        _imported(home, "warm.csv", _table(100, "warm"))
        idle = _resident(home)
        taken, bare, unread, peaks = [], [], [], []
        for run in range(runs):
            body = _table(images, f"reader {run}")
            taken.append(_imported(home, f"run {run}.csv", body))
            peaks.append(_peak(home))
            bare.append(_bare_copy(connection, body))
            unread.append(_unread_copy(connection, body))
        again = _imported(home, "again.csv", _table(images, "reader 0").replace(b"T10:", b"T11:"))
    seconds, floor = median(taken), median(bare)
    return [
        Figure(f"{rows} rows, event to commit, median of {runs}", seconds, "s"),
        Figure.at_least(
            "rows a second",
            rows / seconds,
            BAR_ROWS_A_SECOND,
            unit="rows/s",
            rounds=[rows / each for each in taken],
        ),
        Figure("psycopg's COPY of the same rows", rows / floor, "rows/s"),
        Figure.at_least(
            "compared with psycopg's COPY", floor / seconds, BAR_OF_COPY, rounds=of_rounds(bare, taken)
        ),
        Figure("COPY of the file's bytes without parsing", rows / median(unread), "rows/s"),
        Figure("the same number of superseding rows", rows / again, "rows/s"),
        Figure.at_most("memory above idle", max(peaks) - idle, BAR_MEGABYTES, unit="MiB"),
    ]


def _long_line(home: RunningHome, megabytes: int) -> list[Figure]:
    """Import a line of `megabytes` MiB between two good lines."""
    rows = [f"{_HEADER}{_key(0)},before,1,x,\n".encode(), b"\n", f"{_key(0)},after,1,x,\n".encode()]
    size = sum(map(len, rows)) + megabytes * _MEGABYTE
    idle = _resident(home)
    location = Location(ANNOTATIONS, "long line.csv")
    pieces = _Pieces([rows[0], *[b"x" * _MEGABYTE] * megabytes, *rows[1:]])
    home.store.upload(location, cast("BinaryIO", pieces), size=size)
    home.settled("annotations", location.key, seconds=600)
    found = home.rows("select accepted, refused from label_import where key = %s", location.key)
    assert found == [{"accepted": 2, "refused": 1}], found
    return [
        Figure.at_most(
            f"memory above idle, a line of {megabytes} MiB", _peak(home) - idle, BAR_MEGABYTES, unit="MiB"
        )
    ]


class _Pieces(io.RawIOBase):
    """A stream of pieces of at most 1 MiB."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces: Iterator[bytes] = iter(pieces)
        self._rest = b""

    def read(self, size: int = -1) -> bytes:
        if not self._rest:
            self._rest = next(self._pieces, b"")
        data, self._rest = self._rest[:size], self._rest[size:]
        return data


def _imported(home: RunningHome, key: str, body: bytes) -> float:
    """Put a file; return the seconds from the event's claim until it is committed and moved."""
    home.put(key, body, bucket=ANNOTATIONS)
    item = home.settled("annotations", key, seconds=600)
    assert item["outcome"] == "imported", item
    return float((item["settled_at"] - item["started_at"]).total_seconds())


def _bare_copy(connection: psycopg.Connection[Any], body: bytes) -> float:
    reader = csv.reader(io.StringIO(body.decode(), newline=""))
    next(reader)
    with connection.cursor() as cursor:
        cursor.execute("truncate bare")
        started = time.perf_counter()
        with cursor.copy("copy bare from stdin") as copy:
            for row in reader:
                copy.write_row(row)
        return time.perf_counter() - started


def _unread_copy(connection: psycopg.Connection[Any], body: bytes) -> float:
    with connection.cursor() as cursor:
        cursor.execute("truncate bare")
        started = time.perf_counter()
        with cursor.copy("copy bare from stdin (format csv, header)") as copy:
            for at in range(0, len(body), _MEGABYTE):
                copy.write(body[at : at + _MEGABYTE])
        return time.perf_counter() - started


def _resident(home: RunningHome) -> float:
    """Return the function's resident memory in MiB and reset its peak."""
    processes = home.processes("annotations")
    for process in processes:
        Path(f"/proc/{process.pid}/clear_refs").write_text("5")
    return float(sum(process.memory_info().rss for process in processes) / _MEGABYTE)


def _peak(home: RunningHome) -> float:
    """Return the function's peak memory in MiB."""
    texts = [Path(f"/proc/{process.pid}/status").read_text() for process in home.processes("annotations")]
    return sum(int(text.split("VmHWM:")[1].split()[0]) for text in texts) / 1024


if __name__ == "__main__":
    main()
