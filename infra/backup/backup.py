"""A backup of the database and the object store, and a new home restored from it.

The database is dumped first, in one snapshot, then the objects are copied in the order in which the
pipeline moves them. So every object that the snapshot names is in the backup, either at its location or
where it was moved meanwhile. A restore puts moved objects back, and the sweep continues from there.
"""

import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from common.database import connect, queries
from common.errors import ObjectMissingError, SettingsError
from common.process.work_folder import work_folder
from common.reconcile.difference import Difference
from common.reconcile.reconcile_rows import ReconcileRows
from common.store.minio_store import MinioStore
from common.store.object_key import (
    ANNOTATIONS,
    DEIDENTIFIED,
    FIXED_BUCKETS,
    HELD,
    METADATA,
    NAS,
    PROCESSED,
    QUARANTINE,
    RAW,
    SUBOPTIMAL,
    Location,
    original_keys,
)
from common.store.object_store import ObjectVersion
from infra.backup.checked_objects import CheckedObjects
from infra.command_options import operator_database
from infra.local.postgres_client import WITHOUT_ROLES, run_client

_COPIED_LAST = [PROCESSED, HELD]
DUMP, OBJECTS, CARD = "database.dump", "objects.tar", "backup.json"
_CONTENT_TYPES = {"png": "image/png", "json": "application/json", "dcm": "application/dicom"}
_SQL = queries(Path(__file__).with_suffix(".sql"))
REPORT_SUFFIX = ".report.json"  # written beside processed label files; not in the ledger


@dataclass
class BackupCard:
    """Describes a backup. It is written last, so a folder without it is not a complete backup."""

    taken_at: str
    objects: int = 0
    bytes: int = 0
    lacking: int = 0  # objects that rows expect and that were missing or damaged
    pseudonym_key: str | None = None  # the home's own; None if no pseudonym in the backup was made with it
    key_check: str | None = None  # by which a restore recognises the current key


@dataclass
class Restored:
    """How many objects a restore wrote and left out."""

    objects: int = 0
    left_out: int = 0  # written after the snapshot of the database; the pipeline writes them again
    put_back: int = 0  # moved after the snapshot; restored to their location in the snapshot


def back_up(
    endpoints: dict[str, Any],
    store: MinioStore,
    folder: Path,
    *,
    pseudonym_key: str | None,
    key_check: str,
) -> tuple[BackupCard, list[Difference]]:
    """Write a backup into a new folder; the pipeline continues meanwhile.

    Returns its card, and the objects that rows expect and that could not be written.
    """
    folder.mkdir(mode=0o700, parents=True)
    now = datetime.now(UTC)
    card = BackupCard(f"{now:%Y-%m-%dT%H:%M:%SZ}", pseudonym_key=pseudonym_key, key_check=key_check)
    _record(endpoints["database_url"], folder, now)
    run_client("pg_dump", endpoints["database_url"], "--format=custom", f"--file={folder / DUMP}")
    with tarfile.open(folder / OBJECTS, "w", format=tarfile.PAX_FORMAT) as tar:

        def add(location: Location) -> bool:
            size = _add(tar, store, location)
            card.objects += size is not None
            card.bytes += size or 0
            return size is not None

        with operator_database(endpoints) as database:
            checked = CheckedObjects(store, ReconcileRows(database), add)
            for version in _all_objects(store):
                checked.take(version.location)
            checked.complete()
    card.lacking = len(checked.lacking)
    path = folder / CARD
    path.touch(mode=0o600)
    path.write_bytes(orjson.dumps(asdict(card), option=orjson.OPT_INDENT_2))
    return card, list(checked.lacking.values())


def _record(url: str, folder: Path, taken_at: datetime) -> None:
    """Record the backup before it is written: an erasure names also one that was interrupted."""
    with connect(url) as connection:
        connection.execute(_SQL["record"], {"folder": str(folder.resolve()), "taken_at": taken_at})


def read_card(folder: Path) -> BackupCard:
    """Read the card of a backup; raises SettingsError if the folder is not a complete backup."""
    try:
        return BackupCard(**orjson.loads((folder / CARD).read_bytes()))
    except (OSError, orjson.JSONDecodeError, TypeError):
        raise SettingsError(f"{folder} is not a complete backup: {CARD} is missing or invalid.") from None


def restore_database(url: str, folder: Path) -> None:
    """Restore the dump into an empty database, without the old roles, their rights and their policies."""
    name = conninfo_to_dict(url)["dbname"]
    run_client("pg_restore", url, *WITHOUT_ROLES, "--exit-on-error", f"--dbname={name}", str(folder / DUMP))


def restore_objects(url: str, store: MinioStore, folder: Path) -> Restored:
    """Restore the objects; those moved after the snapshot go back to their location in the snapshot."""
    restored = Restored()
    with connect(url, row_factory=dict_row) as connection:
        known = KnownObjects(
            instances={row["uid"] for row in connection.execute(_SQL["instances"])},
            images={row["key"]: row["bucket"] for row in connection.execute(_SQL["images"])},
            moved={(row["bucket"], row["key"]) for row in connection.execute(_SQL["moved"])},
            originals={row["key"] for row in connection.execute(_SQL["originals"])},
        )
        for row in connection.execute(_SQL["buckets"]):
            store.ensure_bucket(row["bucket"])
    for bucket in FIXED_BUCKETS:
        store.ensure_bucket(bucket)
    from_nas: list[tuple[str, str, int]] = []  # key, ETag, size of objects copied from the NAS
    with tarfile.open(folder / OBJECTS) as tar:
        for member in tar:
            found = Location(*member.name.split("/", 1))
            location = known.location_before(found)
            body = tar.extractfile(member)
            if location is None or body is None:
                restored.left_out += 1
                continue
            restored.put_back += location != found
            etag = write_object(store, location, cast("BinaryIO", body), member.size)
            restored.objects += 1
            if location.bucket == RAW and location.key.startswith(NAS):
                from_nas.append((location.key, etag, member.size))
    with connect(url) as connection:
        # Those copied after the snapshot have no row for extract, and raw/nas/ is never listed.
        connection.cursor().executemany(_SQL["announce"], from_nas)
    return restored


@dataclass(frozen=True)
class KnownObjects:
    """What the snapshot of the database knows of objects."""

    instances: set[str]  # pseudonymous SOP Instance UIDs
    images: dict[str, str]  # bucket by key
    moved: set[tuple[str, str]]  # bucket and key to which objects of settled items were moved
    originals: set[str]  # keys in raw of the items of extract

    def location_before(self, found: Location) -> Location | None:
        """The location of an object in the snapshot; None if the pipeline writes the object again."""
        bucket, key = found.bucket, found.key
        if bucket == SUBOPTIMAL or bucket not in FIXED_BUCKETS:
            return Location(self.images[key], key) if key in self.images else None
        if self._is_of_unknown_instance(found):
            return None
        if (bucket, key) in self.moved or bucket == DEIDENTIFIED or key.endswith(REPORT_SUFFIX):
            return found
        if bucket == QUARANTINE:
            return Location(*key.split("/", 1))
        if bucket == ANNOTATIONS:
            top = next((top for top in (PROCESSED, HELD) if key.startswith(top)), "")
            return Location(bucket, key.removeprefix(top))
        keys = original_keys(key) if bucket == RAW else [key]
        return Location(bucket, next((each for each in keys if each in self.originals), keys[-1]))

    def _is_of_unknown_instance(self, found: Location) -> bool:
        if found.bucket not in {METADATA, DEIDENTIFIED}:
            return False
        parts = found.key.split("/")  # patient, study, series, instance
        return len(parts) >= 4 and parts[3].removesuffix(".json").removesuffix(".dcm") not in self.instances


def _all_objects(store: MinioStore) -> Iterator[ObjectVersion]:
    """Every object; each folder comes before those to which its objects are moved."""
    buckets = [bucket.name for bucket in store.client.list_buckets()]
    turns = {SUBOPTIMAL: 1, QUARANTINE: 2}
    for bucket in sorted(buckets, key=lambda name: (turns.get(name, 0), name)):
        # processed/ and held/ are always listed, because objects may be moved there during the backup.
        for top in [top for top in store.list_top(bucket) if top not in _COPIED_LAST] + _COPIED_LAST:
            yield from (listed.version for listed in store.list_prefix(bucket, top))


def _add(tar: tarfile.TarFile, store: MinioStore, location: Location) -> int | None:
    """Add one object to the archive; returns its size, or None if it was moved and is listed later."""
    try:
        current = store.stat(location)
        with tempfile.NamedTemporaryFile(dir=work_folder()) as file:
            path = Path(file.name)
            store.download(current, path)
            tar.add(path, f"{location.bucket}/{location.key}")
            return path.stat().st_size
    except ObjectMissingError:
        return None


def write_object(store: MinioStore, location: Location, body: BinaryIO, size: int) -> str:
    """Write an object; returns its ETag."""
    content_type = _CONTENT_TYPES.get(location.key.rpartition(".")[2]) if location.bucket != RAW else None
    if content_type is None:
        return store.upload(location, body, size=size).etag  # in one part, so the ETag is the same as before
    with tempfile.NamedTemporaryFile(dir=work_folder()) as file:
        shutil.copyfileobj(body, file)
        file.flush()
        return store.put(location, Path(file.name), content_type=content_type).etag
