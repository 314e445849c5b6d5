"""A backup of both stores, and a fresh home out of it.

The database comes first, in one snapshot, then the objects in the order in which the line moves them. So
whatever the snapshot speaks of is in the backup, at its place or where it was moved to meanwhile; what was
moved is put back at the end of a restore, and the sweep goes on from there.
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
import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from common.database import queries
from common.errors import ObjectMissingError, SettingsError
from common.store.minio_store import MinioStore
from common.store.object_key import (
    ANNOTATIONS,
    DEIDENTIFIED,
    FIXED_BUCKETS,
    HELD,
    NAS,
    PROCESSED,
    QUARANTINE,
    RAW,
    SUBOPTIMAL,
    Location,
    as_it_came,
)
from common.store.object_store import ObjectVersion
from infra.provision.schema_dump import run_client

_LAST = [PROCESSED, HELD]
DUMP, OBJECTS, CARD = "database.dump", "objects.tar", "backup.json"
_CONTENT_TYPES = {"png": "image/png", "json": "application/json", "dcm": "application/dicom"}
_SQL = queries(Path(__file__).with_suffix(".sql"))
REPORT_SUFFIX = ".report.json"  # beside processed label files; no item speaks of it


@dataclass
class BackupCard:
    """What a backup says of itself; the last file to be written, so a backup without it is none."""

    taken_at: str
    objects: int = 0
    bytes: int = 0
    pseudonym_key: str | None = None  # the home's own; None if a setting holds it


@dataclass
class Restored:
    """What a restore did."""

    objects: int = 0
    left_out: int = 0  # made after the database's snapshot; they are made again
    put_back: int = 0  # moved after it; back where it has them


def back_up(
    endpoints: dict[str, Any], store: MinioStore, folder: Path, *, pseudonym_key: str | None
) -> BackupCard:
    """Write a backup into a new folder while the line goes on."""
    folder.mkdir(mode=0o700, parents=True)
    card = BackupCard(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", pseudonym_key=pseudonym_key)
    run_client("pg_dump", endpoints["database_url"], "--format=custom", f"--file={folder / DUMP}")
    with tarfile.open(folder / OBJECTS, "w", format=tarfile.PAX_FORMAT) as tar:
        for version in _in_order(store):
            size = _add(tar, store, version)
            card.objects += size is not None
            card.bytes += size or 0
    path = folder / CARD
    path.touch(mode=0o600)
    path.write_bytes(orjson.dumps(asdict(card), option=orjson.OPT_INDENT_2))
    return card


def read_card(folder: Path) -> BackupCard:
    """What a backup says of itself; SettingsError if the folder holds none."""
    try:
        return BackupCard(**orjson.loads((folder / CARD).read_bytes()))
    except (OSError, orjson.JSONDecodeError, TypeError):
        raise SettingsError(f"{folder} holds no whole backup: {CARD} is missing or wrong.") from None


def restore_database(url: str, folder: Path) -> None:
    """The dump into an empty database; no role and no right of before."""
    name = conninfo_to_dict(url)["dbname"]
    run_client(
        "pg_restore", url, "--no-owner", "--no-acl", "--exit-on-error", f"--dbname={name}", str(folder / DUMP)
    )


def restore_objects(url: str, store: MinioStore, folder: Path) -> Restored:
    """The objects of a backup; what was moved after the snapshot goes back to where the snapshot has it."""
    restored = Restored()
    with psycopg.connect(url, row_factory=dict_row) as connection:
        known = _Known(
            instances={row["uid"] for row in connection.execute(_SQL["instances"])},
            homes={row["key"]: row["allocated_bucket"] for row in connection.execute(_SQL["still_at_home"])},
            moved={(row["bucket"], row["key"]) for row in connection.execute(_SQL["moved"])},
            originals={row["key"] for row in connection.execute(_SQL["originals"])},
        )
        for row in connection.execute(_SQL["buckets"]):
            store.ensure_bucket(row["bucket"])
    for bucket in FIXED_BUCKETS:
        store.ensure_bucket(bucket)
    copied: list[tuple[str, str, int]] = []  # of the NAS: key, etag, size
    with tarfile.open(folder / OBJECTS) as tar:
        for member in tar:
            place = known.place(Location(*member.name.split("/", 1)))
            body = tar.extractfile(member)
            if place is None or body is None:
                restored.left_out += 1
                continue
            restored.put_back += place != Location(*member.name.split("/", 1))
            etag = _put(store, place, cast("BinaryIO", body), member.size)
            restored.objects += 1
            if place.bucket == RAW and place.key.startswith(NAS):
                copied.append((place.key, etag, member.size))
    with psycopg.connect(url) as connection:
        # Copied after the snapshot, so no row tells extract of them, and no listing will.
        connection.cursor().executemany(_SQL["announce"], copied)
    return restored


@dataclass(frozen=True)
class _Known:
    """What the database's snapshot knows of objects."""

    instances: set[str]  # by pseudonymous UID
    homes: dict[str, str]  # bucket by key, of images that were not set aside
    moved: set[tuple[str, str]]  # where settled items' objects went
    originals: set[str]  # keys in raw of the items of extract

    def place(self, found: Location) -> Location | None:
        """Where an object belongs; None for what is made again of an original that comes again."""
        bucket, key = found.bucket, found.key
        if self._is_of_unknown_instance(found):
            return None
        if bucket == SUBOPTIMAL:
            return Location(self.homes.get(key, SUBOPTIMAL), key)
        if (bucket, key) in self.moved or bucket == DEIDENTIFIED or key.endswith(REPORT_SUFFIX):
            return found
        if bucket == QUARANTINE:
            return Location(*key.split("/", 1))
        if bucket == ANNOTATIONS:
            top = next((top for top in (PROCESSED, HELD) if key.startswith(top)), "")
            return Location(bucket, key.removeprefix(top))
        came = as_it_came(key) if bucket == RAW else [key]
        return Location(bucket, next((name for name in came if name in self.originals), came[-1]))

    def _is_of_unknown_instance(self, found: Location) -> bool:
        if found.bucket in {RAW, ANNOTATIONS, QUARANTINE}:
            return False
        name = found.key.split("/")
        return len(name) >= 4 and name[3].removesuffix(".json").removesuffix(".dcm") not in self.instances


def _in_order(store: MinioStore) -> Iterator[ObjectVersion]:
    """Every object; each place before those that its objects are moved to."""
    buckets = [bucket.name for bucket in store.client.list_buckets()]
    last = {SUBOPTIMAL: 1, QUARANTINE: 2}
    for bucket in sorted(buckets, key=lambda name: (last.get(name, 0), name)):
        # What is done is looked for last, also where nothing was done yet when this bucket's turn came.
        for top in [top for top in store.list_top(bucket) if top not in _LAST] + _LAST:
            yield from (listed.version for listed in store.list_prefix(bucket, top))


def _add(tar: tarfile.TarFile, store: MinioStore, version: ObjectVersion) -> int | None:
    """One object into the archive; None if it was moved since it was listed, and comes later."""
    place = version.location
    try:
        current = store.stat(place)
        with tempfile.NamedTemporaryFile() as file:
            path = Path(file.name)
            store.download(current, path)
            tar.add(path, f"{place.bucket}/{place.key}")
            return path.stat().st_size
    except ObjectMissingError:
        return None


def _put(store: MinioStore, place: Location, body: BinaryIO, size: int) -> str:
    """Write an object; its etag."""
    kind = _CONTENT_TYPES.get(place.key.rpartition(".")[2]) if place.bucket != RAW else None
    if kind is None:
        return store.upload(place, body, size=size).etag  # in one piece, so it is the one of before
    with tempfile.NamedTemporaryFile() as file:
        shutil.copyfileobj(body, file)
        file.flush()
        return store.put(place, Path(file.name), content_type=kind).etag
