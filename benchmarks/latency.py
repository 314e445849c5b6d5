"""Measure the time from an object's PUT in raw to its metadata row and verdicts on an idle home.

It runs in turn with a lower bound (the floor): the same steps on similar files with the same stores, called
one after another in one warm process without events, ledger and HTTP.
"""

import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median, quantiles

# To import `benchmarks`, `common` and `tests`.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.support.one_file import seconds_by_stage
from benchmarks.support.report import Figure, of_rounds, report
from common.database import Database
from common.settings import load_settings
from common.stage.item import Item, Outcome
from common.store.minio_store import MinioStore
from common.store.object_key import METADATA, Location
from common.store.object_store import Notification, ObjectVersion
from deidentification.profile import Profile
from functions.extract.extract_instance import InstanceExtractor
from functions.extract.image_allocation import PostgresAllocation
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.prepared_instance import Rules
from functions.quality.check_image import ImageChecker
from functions.quality.verdict_rows import PostgresVerdictRows
from functions.store_metadata.metadata_rows import PostgresMetadataRows
from functions.store_metadata.persist_metadata import MetadataPersister
from imaging.options import Limits, PictureRules
from model.artefact import load_quality_model
from model.card import DEFAULT_MODEL
from model.judgement import Judge
from tests.support.local_home import RunningHome
from tests.support.own_database import key_check_of, run_database_call
from tests.support.real_files import make_instance

BAR_SECONDS = 0.4
BAR_OF_FLOOR = 1.1
BAR_OF_P99 = 3  # medians
FEWEST_OF_P99 = 100  # files; of fewer the 99th percentile is about the slowest one


def main() -> None:
    """Measure and report."""
    number = 8 if "--quick" in sys.argv else 200
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as folder:
        home = RunningHome.start(Path(folder) / "home", {})
        try:
            figures = _measured(home, number)
        finally:
            home.end()
    report("Latency of one file", figures)


def _measured(home: RunningHome, number: int) -> list[Figure]:
    floor = _Floor(home)
    for warm in range(3):
        seconds_by_stage(home, 9000 + warm)
        floor.seconds(9100 + warm)
    stages, floors = [], []
    for index in range(number):
        stages.append(seconds_by_stage(home, index))
        floors.append(floor.seconds(1000 + index))
    floor.close()
    totals = [stage["total"] for stage in stages]
    figures = [
        Figure.at_most(
            "PUT to row and verdict, median", median(totals), BAR_SECONDS, unit="s", rounds=totals
        ),
        Figure.at_most(
            "PUT to row and verdict, 99th percentile over median",
            quantiles(totals, n=100, method="inclusive")[-1] / median(totals),
            BAR_OF_P99 if number >= FEWEST_OF_P99 else None,
        ),
        Figure("floor: same steps in one warm process, median", median(floors), "s"),
        Figure.at_most(
            "median over floor",
            median(totals) / median(floors),
            BAR_OF_FLOOR,
            rounds=of_rounds(totals, floors),
        ),
    ]
    names = {
        "event": "of it: PUT to extract's claim",
        "extract": "of it: extract",
        "store_metadata": "of it: store_metadata",
        "quality": "of it: quality (beside store_metadata)",
    }
    return figures + [
        Figure(f"{text}, median", median(stage[name] for stage in stages), "s")
        for name, text in names.items()
    ]


_databases: dict[str, Database] = {}


def _database(home: RunningHome) -> Database:
    url = home.endpoints["database_url"]
    return _databases.setdefault(url, Database(url, connections=2))


class _FloorStore(MinioStore):
    """The same object store, with buckets without notifications."""

    last_metadata: ObjectVersion

    def ensure_bucket(self, bucket: str, notifications: Iterable[Notification] = ()) -> None:
        del notifications
        super().ensure_bucket(bucket)

    def put(self, location: Location, data: bytes | Path, *, content_type: str) -> ObjectVersion:
        if location.bucket != METADATA:
            return super().put(location, data, content_type=content_type)
        location = Location("floor-metadata", location.key)
        self.last_metadata = super().put(location, data, content_type=content_type)
        return self.last_metadata


class _Floor:
    """The pipeline's steps on the same stores."""

    def __init__(self, home: RunningHome) -> None:
        self._store = store = _FloorStore(**home.endpoints["minio"])
        store.ensure_bucket("floor-raw")
        store.ensure_bucket("floor-metadata")
        self._database = _database(home)
        settings = load_settings(images_prefix="floor-")
        allocation = PostgresAllocation(
            self._database, store=store, settings=settings, key_check=key_check_of(self._database)
        )
        preparer = InstancePreparer(
            Rules(bytes(32), Limits(), PictureRules(), Profile(), hold_burned_in_text=True)
        )
        self._extract = InstanceExtractor(store, allocation, preparer)
        self._persist = MetadataPersister(store, PostgresMetadataRows())
        rows = PostgresVerdictRows(self._database)
        model = load_quality_model(DEFAULT_MODEL)
        self._check = ImageChecker(store, rows, Judge(model, 3), max_pixels=10**8)

    def seconds(self, number: int) -> float:
        """Run one file through all steps and return the seconds."""
        body = make_instance(number, patient=2)
        started = time.monotonic()
        raw = self._store.put(Location("floor-raw", str(number)), body, content_type="application/dicom")
        outcome = self._extract(Item(self._item_id(), raw, releases=0, heartbeat=lambda: None))
        self._write(outcome)
        document = self._store.last_metadata
        self._write(self._persist(Item(0, document, releases=0, heartbeat=lambda: None)))
        row = self._database.one(
            "select allocated_bucket, key from image_allocation where sop_instance_uid = %(uid)s",
            uid=outcome.sop_instance_uid,
        )
        assert row is not None
        image = self._store.stat(Location(row["allocated_bucket"], row["key"]))
        self._write(self._check(Item(0, image, releases=0, heartbeat=lambda: None)))
        return time.monotonic() - started

    def _write(self, outcome: Outcome) -> None:
        if outcome.database_call is not None:
            run_database_call(self._database, outcome.database_call)

    def _item_id(self) -> int:
        row = self._database.one("select min(id) as id from ledger_item")
        assert row is not None
        return int(row["id"])

    def close(self) -> None:
        """Close the connections."""
        self._database.close()


if __name__ == "__main__":
    main()
