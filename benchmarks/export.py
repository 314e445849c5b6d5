"""Exports of training sets: 100,000 references from Postgres, and copies beside a bare parallel download.

The references are whole: selected, grouped, split, frozen in MinIO and written, with 14 labels of which
four are told of an image. The copies and the bare download (minio-py's own, as many at a time, neither
verified nor renamed) take turns on the same objects.
"""

import hashlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

# The tests' running home and rows serve here too.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psycopg

from benchmarks.report import Figure, report
from common.store.minio_store import MinioStore
from tests.support.local_home import RunningHome
from tests.support.own_database import create_migrated_database
from tests.support.set_rows import SetImage, add_images
from training_set.export.export_folder import Images, Request, write_export
from training_set.export.image_places import frozen_places
from training_set.versions.freeze import Freezer, FrozenVersion

_BUCKET = "export-benchmark"  # no function is told of it
_LABELS = tuple(f"Finding {number}" for number in range(14))
_LABELS_AN_IMAGE = 4
_IMAGES_A_PATIENT = 3
_AT_A_TIME = 8
_LEAST_REFERENCES = 20_000.0
_LEAST_RATE = 0.6


def main() -> None:
    """Measure and report."""
    is_quick = "--quick" in sys.argv
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        folder = Path(name)
        home = RunningHome.start(folder / "home", {})
        try:
            store = MinioStore(**home.endpoints["minio"])
            figures = [
                *_references(home, store, folder, 20_000 if is_quick else 100_000),
                *_copies(home, store, folder, 500 if is_quick else 2000),
            ]
        finally:
            home.end()
    report("Exports of training sets", figures)


def _references(home: RunningHome, store: MinioStore, folder: Path, number: int) -> list[Figure]:
    url = _database(home, _synthetic(number))
    rates = []
    for turn in range(3):
        begun = time.perf_counter()
        out = folder / f"references-{turn}"
        version = _exported(url, store, out, "reference", name=f"references-{turn}")
        rates.append(number / (time.perf_counter() - begun))
    begun = time.perf_counter()
    again = _exported(url, store, out, "reference", name="references-2")
    assert (version.is_new, again.is_new) == (True, False)
    seconds = time.perf_counter() - begun
    return [
        Figure.at_least(
            f"{number:,} references, a new version", median(rates), _LEAST_REFERENCES, unit="images/s"
        ),
        Figure("the same again, unchanged", number / seconds, "images/s"),
        *_split_figures(version),
    ]


def _split_figures(version: FrozenVersion) -> list[Figure]:
    table = version.frozen.table.select(["patient_id", "split"]).group_by("patient_id")
    splits = table.aggregate([("split", "count_distinct")])["split_count_distinct"].to_numpy()
    off = [
        abs(share - label["prevalence"]["all"])
        for label in version.frozen.head["labels"]
        if label["patients"] >= 200
        for share in label["prevalence"].values()
    ]
    return [
        Figure.at_most("patients in two splits", float((splits > 1).sum()), 0, unit="patients"),
        Figure.at_most("largest difference of a label's share", 100 * max(off), 2, unit="points"),
    ]


def _copies(home: RunningHome, store: MinioStore, folder: Path, number: int) -> list[Figure]:
    store.ensure_bucket(_BUCKET)
    images, size = _put_objects(store, number)
    url = _database(home, images)
    sides: dict[str, Callable[[Path], object]] = {
        "export": lambda out: _exported(url, store, out, "copy", name="copies"),
        "bare": lambda out: _downloaded(store, images, out),
    }
    _exported(url, store, folder / "warm", "reference", name="copies")
    times: dict[str, list[float]] = {side: [] for side in sides}
    for turn in range(5):
        for side, run in sides.items():
            out = folder / f"{side}-{turn}"
            begun = time.perf_counter()
            run(out)
            times[side].append(time.perf_counter() - begun)
            shutil.rmtree(out)
    export, bare = (median(times[side]) for side in ("export", "bare"))
    return [
        Figure(f"{number:,} images of {size / 1e6:.1f} MB copied", number * size / export / 1e6, "MB/s"),
        Figure("the same by a bare parallel download", number * size / bare / 1e6, "MB/s"),
        Figure.at_least("export against the bare download", bare / export, _LEAST_RATE),
    ]


def _exported(url: str, store: MinioStore, out: Path, images: Images, *, name: str) -> FrozenVersion:
    with psycopg.connect(url) as connection:
        version = Freezer(connection, store, name, _quiet).freeze()
    places = frozen_places(version.frozen.table)
    write_export(version, places, store, Request(out, images, None, False, _AT_A_TIME), _quiet)
    return version


def _downloaded(store: MinioStore, images: list[SetImage], out: Path) -> None:
    """Every object into a file, with nothing asked of it."""

    def fetch(image: SetImage) -> None:
        target = out / image.key
        target.parent.mkdir(parents=True, exist_ok=True)
        response = store.client.get_object(image.bucket, image.key)
        try:
            target.write_bytes(response.read())
        finally:
            response.close()
            response.release_conn()

    with ThreadPoolExecutor(_AT_A_TIME) as threads:
        list(threads.map(fetch, images))


def _put_objects(store: MinioStore, number: int) -> tuple[list[SetImage], int]:
    """Objects as large as PNGs of 512 x 512 greys are; none is decoded here."""
    body = bytearray(np.random.default_rng(0).bytes(250_000))
    images = []
    for place in range(number):
        body[:8] = place.to_bytes(8, "big")
        digest = hashlib.sha256(body).hexdigest()
        image = SetImage(
            patient=place + 1, sha256=digest, bucket=_BUCKET, labels={_LABELS[0]: float(place % 2)}
        )
        store.put(image.place, bytes(body), content_type="image/png")
        images.append(image)
    return images, len(body)


def _synthetic(number: int) -> list[SetImage]:
    random = np.random.default_rng(0)
    hashes = random.bytes(32 * number)
    shares = np.exp(random.uniform(np.log(0.02), np.log(0.5), len(_LABELS)))
    return [
        SetImage(
            patient=1 + place // _IMAGES_A_PATIENT,
            number=1 + place % _IMAGES_A_PATIENT,
            picture_hash=hashes[32 * place : 32 * place + 32],
            labels={
                _LABELS[label]: float(random.random() < shares[label])
                for label in random.choice(len(_LABELS), _LABELS_AN_IMAGE, replace=False)
            },
        )
        for place in range(number)
    ]


def _database(home: RunningHome, images: list[SetImage]) -> str:
    """A database of the benchmark's own with these images."""
    url = create_migrated_database(home.endpoints["database_url"])
    with psycopg.connect(url) as connection:
        add_images(connection, images)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")  # as autovacuum would have by the time of an export
    return url


def _quiet(_: str) -> None:
    """No progress here."""


if __name__ == "__main__":
    main()
