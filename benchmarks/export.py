"""Measure exports of training sets: 100,000 references, and copies compared with a plain download.

An export of references includes selection, grouping, splitting, freezing in MinIO and writing. There are 14
labels, and each image has four of them. The copies and the plain download (minio-py with the same
parallelism, without verification and renaming) run in turn on the same objects.
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

# To import `benchmarks`, `common` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psycopg

from benchmarks.support.report import Figure, of_rounds, report
from common.store.minio_store import MinioStore
from tests.support.local_home import RunningHome
from tests.support.own_database import create_migrated_database
from tests.support.set_rows import SetImage, add_images
from training_set.export.export_folder import ExportRequest, Images, write_export
from training_set.export.image_locations import image_locations
from training_set.selection.allowed_labels import ANY_LABEL
from training_set.versions.freeze import Freezer, FrozenVersion

_BUCKET = "export-benchmark"  # a bucket without notifications
_LABELS = tuple(f"Finding {number}" for number in range(14))
_LABELS_PER_IMAGE = 4
_IMAGES_PER_PATIENT = 3
_PARALLEL = 8
_ABOUT = {"without": "a benchmark"}
_MIN_REFERENCES = 20_000.0
_MIN_RATE = 0.6


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
            f"{number:,} references, a new version",
            median(rates),
            _MIN_REFERENCES,
            unit="images/s",
            rounds=rates,
        ),
        Figure("the same export again, unchanged", number / seconds, "images/s"),
        *_split_figures(version),
    ]


def _split_figures(version: FrozenVersion) -> list[Figure]:
    table = version.frozen.table.select(["patient_id", "split"]).group_by("patient_id")
    splits = table.aggregate([("split", "count_distinct")])["split_count_distinct"].to_numpy()
    differences = [
        abs(share - label["prevalence"]["all"])
        for label in version.frozen.head["labels"]
        if label["patients"] >= 200
        for share in label["prevalence"].values()
    ]
    return [
        Figure.at_most("patients in two splits", float((splits > 1).sum()), 0, unit="patients"),
        Figure.at_most("largest difference of a label's share", 100 * max(differences), 2, unit="points"),
    ]


def _copies(home: RunningHome, store: MinioStore, folder: Path, number: int) -> list[Figure]:
    store.ensure_bucket(_BUCKET)
    images, size = _put_objects(store, number)
    url = _database(home, images)
    variants: dict[str, Callable[[Path], object]] = {
        "export": lambda out: _exported(url, store, out, "copy", name="copies"),
        "plain": lambda out: _downloaded(store, images, out),
    }
    _exported(url, store, folder / "warm", "reference", name="copies")
    times: dict[str, list[float]] = {name: [] for name in variants}
    for turn in range(5):
        for name, run in variants.items():
            out = folder / f"{name}-{turn}"
            begun = time.perf_counter()
            run(out)
            times[name].append(time.perf_counter() - begun)
            shutil.rmtree(out)
    export, plain = (median(times[name]) for name in ("export", "plain"))
    return [
        Figure(f"{number:,} images of {size / 1e6:.1f} MB copied", number * size / export / 1e6, "MB/s"),
        Figure("the same by a plain parallel download", number * size / plain / 1e6, "MB/s"),
        Figure.at_least(
            "export compared with the plain download",
            plain / export,
            _MIN_RATE,
            rounds=of_rounds(times["plain"], times["export"]),
        ),
    ]


def _exported(url: str, store: MinioStore, out: Path, images: Images, *, name: str) -> FrozenVersion:
    with psycopg.connect(url) as connection:
        version = Freezer(connection, store, name, _quiet, ANY_LABEL).freeze(about=_ABOUT)
        locations = image_locations(connection, version)
    write_export(version, locations, store, ExportRequest(out, images, None, False, _PARALLEL), _quiet)
    return version


def _downloaded(store: MinioStore, images: list[SetImage], out: Path) -> None:
    """Download every object into a file without checks."""

    def fetch(image: SetImage) -> None:
        target = out / image.key
        target.parent.mkdir(parents=True, exist_ok=True)
        response = store.client.get_object(image.bucket, image.key)
        try:
            target.write_bytes(response.read())
        finally:
            response.close()
            response.release_conn()

    with ThreadPoolExecutor(_PARALLEL) as threads:
        list(threads.map(fetch, images))


def _put_objects(store: MinioStore, number: int) -> tuple[list[SetImage], int]:
    """Store objects of the size of grey PNGs of 512 x 512; they are never decoded."""
    body = bytearray(np.random.default_rng(0).bytes(250_000))
    images = []
    for index in range(number):
        body[:8] = index.to_bytes(8, "big")
        digest = hashlib.sha256(body).hexdigest()
        image = SetImage(
            patient=index + 1, sha256=digest, bucket=_BUCKET, labels={_LABELS[0]: float(index % 2)}
        )
        store.put(image.location, bytes(body), content_type="image/png")
        images.append(image)
    return images, len(body)


def _synthetic(number: int) -> list[SetImage]:
    random = np.random.default_rng(0)
    hashes = random.bytes(32 * number)
    shares = np.exp(random.uniform(np.log(0.02), np.log(0.5), len(_LABELS)))
    return [
        SetImage(
            patient=1 + index // _IMAGES_PER_PATIENT,
            number=1 + index % _IMAGES_PER_PATIENT,
            picture_hash=hashes[32 * index : 32 * index + 32],
            labels={
                _LABELS[label]: float(random.random() < shares[label])
                for label in random.choice(len(_LABELS), _LABELS_PER_IMAGE, replace=False)
            },
        )
        for index in range(number)
    ]


def _database(home: RunningHome, images: list[SetImage]) -> str:
    """Create a database with these images."""
    url = create_migrated_database(home.endpoints["database_url"])
    with psycopg.connect(url) as connection:
        add_images(connection, images)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("vacuum analyze")  # autovacuum would have done this before an export
    return url


def _quiet(_: str) -> None:
    """Ignore progress messages."""


if __name__ == "__main__":
    main()
