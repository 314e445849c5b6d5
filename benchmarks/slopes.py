"""Measure what grows with the number of images: rows on disk, listings, and buckets.

docs/scale.md extrapolates from these slopes. Each slope is the difference between two sizes, so that what an
empty database or store needs does not count.
"""

import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

# To import `benchmarks`, `common` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psutil
import psycopg

from benchmarks.support.report import Figure, report
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from tests.support.local_home import RunningHome
from tests.support.settled_files import database_with_settled_files

_SIZES = "select relname, pg_total_relation_size(oid) from pg_class where relkind = 'r' and relname !~ '^pg_'"
_MANY_BYTES = 20  # a file; smaller tables do not grow with the files
_BUCKET = "slopes"  # without notifications
_IMAGES_PER_BUCKET = 400


def main() -> None:
    """Measure and report."""
    is_quick = "--quick" in sys.argv
    files, objects, buckets = (20_000, 2_000, 100) if is_quick else (200_000, 20_000, 1_000)
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        home = RunningHome.start(Path(name) / "home", {"DCM2SET_SWEEP_SECONDS": "86400"})
        try:
            figures = [
                *_row_figures(home.endpoints["database_url"], files),
                *_listing_figures(home.store, objects),
                *_bucket_figures(home, buckets),
            ]
        finally:
            home.end()
    report("Slopes: what grows with the images", figures)


def _row_figures(operator: str, files: int) -> Iterator[Figure]:
    few, many = (_table_sizes(database_with_settled_files(operator, number)) for number in (files, 2 * files))
    slopes = {name: (size - few[name]) / files for name, size in many.items()}
    for name, slope in sorted(slopes.items(), key=lambda item: -item[1]):
        if slope >= _MANY_BYTES:
            yield Figure(f"Postgres with indexes, for each file: {name}", slope, "bytes")
    yield Figure("Postgres with indexes, for each file: all tables", sum(slopes.values()) / 1024, "KiB")


def _table_sizes(url: str) -> Mapping[str, int]:
    with psycopg.connect(url) as connection:
        return dict(connection.execute(_SIZES).fetchall())


def _listing_figures(store: MinioStore, objects: int) -> Iterator[Figure]:
    store.ensure_bucket(_BUCKET)
    seconds = []
    for part in range(2):
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda number: _put(store, number), range(part * objects, (part + 1) * objects)))
        seconds.append(_median_seconds(lambda: sum(1 for _ in store.list_prefix(_BUCKET, ""))))
    yield Figure("listing 1,000 objects more", 1000 * (seconds[1] - seconds[0]) / objects * 1000, "ms")
    first = _median_seconds(lambda: next(store.list_prefix(_BUCKET, "")))
    yield Figure(f"the first page of {2 * objects:,} objects", 1000 * first, "ms")


def _put(store: MinioStore, number: int) -> None:
    location = Location(_BUCKET, f"P/1.{number // 200}/2.{number // 20}/3.{number}/1.png")
    store.put(location, b"x", content_type="image/png")


def _bucket_figures(home: RunningHome, buckets: int) -> Iterator[Figure]:
    """Buckets with a rule for notifications each, as extract creates them; they stay empty."""
    store = home.store
    (rules,) = [store.client.get_bucket_notification("metadata")]
    seconds, making, memory = [], [], []
    for part in range(2):
        started = time.perf_counter()
        for number in range(part * buckets, (part + 1) * buckets):
            store.client.make_bucket(f"slope-{number:06}")
            store.client.set_bucket_notification(f"slope-{number:06}", rules)
        making.append((time.perf_counter() - started) / buckets)
        seconds.append(_median_seconds(store.client.list_buckets))
        memory.append(sum(each.memory_info().rss for each in _minio(home)))
    yield Figure("making a bucket with its rule, the first ones", 1000 * making[0], "ms")
    yield Figure(f"making a bucket with its rule, after {buckets:,} others", 1000 * making[1], "ms")
    yield Figure("listing 1,000 buckets more", 1000 * (seconds[1] - seconds[0]) / buckets * 1000, "ms")
    per_bucket = (memory[1] - memory[0]) / buckets
    yield Figure("memory of MinIO for each bucket", per_bucket / 1024, "KiB")
    yield Figure("buckets for 10^9 images", 1e9 / _IMAGES_PER_BUCKET / 1e6, "million")


def _minio(home: RunningHome) -> list[psutil.Process]:
    return [process for process in home.processes("minio") if process.name().startswith("minio")]


def _median_seconds(work: Callable[[], object]) -> float:
    seconds = []
    for _ in range(5):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return median(seconds)


if __name__ == "__main__":
    main()
