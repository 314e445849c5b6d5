"""Plain loops over files: the pipeline's steps without events, ledger, claims, moves and re-reading.

Two warm processes share the files. `direct` puts the same objects into the same MinIO, at their final
locations, and the same rows into the same Postgres. `local` writes the same files into a folder and no rows.
Each step is the pipeline's own code, the search for text included.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import psycopg

from common.database import Database
from common.metadata_document import ImageEntry
from common.settings import Settings, load_settings
from common.store.minio_store import MinioStore
from common.store.object_key import DEIDENTIFIED, RAW, SUBOPTIMAL, Location
from deidentification.profile import Profile
from functions.extract.extract_instance import allocation_request, image_entry
from functions.extract.image_allocation import PostgresAllocation
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.output_space import read_output
from functions.extract.prepared_instance import PngFrame, PreparedInstance, Rules
from functions.quality.picture_hash import picture_hash
from functions.quality.verdict_rows import ImageVerdict, PostgresVerdictRows
from functions.store_metadata.metadata_rows import PostgresMetadataRows
from imaging.options import Limits, PictureRules
from imaging.png.png_picture import decode_png
from model.artefact import load_quality_model
from model.card import DEFAULT_MODEL
from model.judgement import Judge
from model.verdict import STAYING, Judgement
from tests.support.own_database import key_check_of, run_database_call

_PROCESSES = 2
_IMAGES = "plain-loop-"  # prefix of buckets without notifications
_DOCUMENTS = f"{_IMAGES}documents"


@dataclass(frozen=True)
class Stores:
    """The stores that the direct loop writes to."""

    endpoint: str
    access_key: str
    secret_key: str
    database_url: str
    item_id: int  # any item of the ledger, because an extraction refers to one

    @property
    def minio(self) -> MinioStore:
        """A new connection to the object store."""
        return MinioStore(endpoint=self.endpoint, access_key=self.access_key, secret_key=self.secret_key)


@dataclass(frozen=True)
class Turn:
    """The result of a loop over some files."""

    seconds: float
    cpu_seconds: float  # of both processes


class Loops:
    """The two processes. A free process takes the next file."""

    def __init__(self, pool: ProcessPoolExecutor, stores: Stores) -> None:
        self._pool = pool
        self._stores = stores

    def direct(self, files: Sequence[Path]) -> Turn:
        """Put every file's results into the stores."""
        return self._turn(partial(_direct, self._stores), files)

    def local(self, files: Sequence[Path]) -> Turn:
        """Write every file's results into a folder, which is removed afterwards."""
        with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as folder:
            return self._turn(partial(_local, Path(folder)), files)

    def _turn(self, step: Callable[[Path], None], files: Sequence[Path]) -> Turn:
        started = time.perf_counter()
        seconds = list(self._pool.map(partial(_timed, step), files))
        return Turn(time.perf_counter() - started, sum(seconds))


@contextmanager
def plain_loops(stores: Stores, *, images: int) -> Iterator[Loops]:
    """Start the two processes and create a bucket for `images` images."""
    bucket = f"{_IMAGES}1"
    stores.minio.ensure_bucket(bucket)
    stores.minio.ensure_bucket(_DOCUMENTS)
    with psycopg.connect(stores.database_url) as connection:
        connection.execute("insert into image_bucket (bucket, capacity) values (%s, %s)", (bucket, images))
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(_PROCESSES, mp_context=spawn) as pool:
        yield Loops(pool, stores)


def _timed(step: Callable[[Path], None], file: Path) -> float:
    """Return the CPU seconds of a step."""
    before = time.process_time()
    step(file)
    return time.process_time() - before


@dataclass(frozen=True)
class _Results:
    """The results of a file."""

    instance: PreparedInstance
    judgements: tuple[Judgement, ...]  # one per frame
    hashes: tuple[bytes | None, ...]


def _process(file: Path, folder: Path) -> _Results:
    instance = _preparer()(file, folder, heartbeat=lambda: None)
    pictures = [decode_png(frame.read(), max_pixels=10**8) for frame in instance.frames]
    modality = instance.document.series.modality
    judgements = tuple(_judge().judge(picture, modality=modality) for picture in pictures)
    return _Results(instance, judgements, tuple(map(picture_hash, pictures)))


def _direct(stores: Stores, file: Path) -> None:
    minio, database = _ports(stores)
    minio.put(Location(RAW, f"direct/{file.name}"), file, content_type="application/dicom")
    with tempfile.TemporaryDirectory(prefix="dcm2set-") as folder:
        results = _process(file, Path(folder))
        instance, document = results.instance, results.instance.document
        allocation = PostgresAllocation(
            database, store=minio, settings=_settings(), key_check=_key_check(database)
        )
        allocated = allocation.allocate(allocation_request(instance, stores.item_id))
        locations = [
            location if judgement.verdict in STAYING else Location(SUBOPTIMAL, location.key)
            for location, judgement in zip(allocated.locations, results.judgements, strict=True)
        ]
        entries = [
            _put(minio, frame, location) for frame, location in zip(instance.frames, locations, strict=True)
        ]
        document = document.with_images(entries)
        name = instance.path.instance
        minio.put(
            Location(DEIDENTIFIED, f"{name}.dcm"),
            read_output(instance.dicom),
            content_type="application/dicom",
        )
        minio.put(Location(_DOCUMENTS, f"{name}.json"), document.to_json(), content_type="application/json")
        run_database_call(database, PostgresMetadataRows().record(document))
        verdicts = PostgresVerdictRows(database)
        for number, (location, judgement, hash_) in enumerate(
            zip(locations, results.judgements, results.hashes, strict=True), start=1
        ):
            uid = instance.path.sop_instance_uid
            verdict = ImageVerdict(uid, number, judgement, judgement.verdict, location.bucket, hash_)
            run_database_call(database, verdicts.record(verdict))


def _put(minio: MinioStore, frame: PngFrame, location: Location) -> ImageEntry:
    body = frame.read()
    minio.put(location, body, content_type="image/png")
    return image_entry(frame, location, body)


def _local(out: Path, file: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="dcm2set-") as folder:
        results = _process(file, Path(folder))
        instance = results.instance
        target = out / instance.path.instance
        target.mkdir(parents=True)
        (target / "raw.dcm").write_bytes(file.read_bytes())
        (target / "deidentified.dcm").write_bytes(read_output(instance.dicom))
        entries = []
        for frame in instance.frames:
            body = frame.read()
            path = target / f"{frame.number}.png"
            path.write_bytes(body)
            entries.append(image_entry(frame, Location("local", path.name), body))
        (target / "metadata.json").write_bytes(instance.document.with_images(entries).to_json())


@cache
def _ports(stores: Stores) -> tuple[MinioStore, Database]:
    return stores.minio, Database(stores.database_url, connections=2)


@cache
def _key_check(database: Database) -> str:
    return key_check_of(database)


@cache
def _settings() -> Settings:
    return load_settings(images_prefix=_IMAGES)


@cache
def _preparer() -> InstancePreparer:
    rules = Rules(bytes(32), Limits(), PictureRules(), Profile(), hold_burned_in_text=True)
    return InstancePreparer(rules)


@cache
def _judge() -> Judge:
    return Judge(load_quality_model(DEFAULT_MODEL), black_mean=3)
