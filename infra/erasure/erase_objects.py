"""Deleting a patient's objects: the originals, wherever they are, and everything below the pseudonym."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from minio.datatypes import Object
from psycopg.rows import DictRow

from common.errors import ObjectMissingError
from common.store.label_batch import patient_prefixes
from common.store.object_key import (
    HELD,
    INCOMING,
    LABELLING,
    METADATA,
    PROCESSED,
    QUARANTINE,
    RAW,
    Location,
    held,
    processed,
    quarantined,
)
from common.store.object_store import ObjectStore
from infra.erasure.object_versions import ObjectVersions, bucket_names

_TOP_FOLDERS = (INCOMING, PROCESSED, HELD)


@dataclass
class DeletedObjects:
    """What was deleted, and the originals that a lock still holds."""

    by_bucket: Counter[str] = field(default_factory=Counter)
    locked_items: set[int] = field(default_factory=set)  # ledger items of originals


def delete_objects(versions: ObjectVersions, patient: str, originals: Iterable[DictRow]) -> DeletedObjects:
    """Delete the originals and every object below the patient's pseudonym, with all their versions."""
    deleted = DeletedObjects()
    for row in originals:
        _delete_original(versions, row, deleted)
    for bucket in bucket_names(versions.store):
        for prefix in _prefixes(versions, bucket, patient):
            deleted.by_bucket[bucket] += versions.delete_below(bucket, prefix)
    return deleted


def _delete_original(versions: ObjectVersions, row: DictRow, deleted: DeletedObjects) -> None:
    """Delete an original where it is, and in versioned buckets also where it was before it was moved."""
    arrived = Location(row["bucket"], row["key"])
    moved = Location(row["moved_to_bucket"], row["moved_to_key"]) if row["moved_to_key"] else None
    present = {arrived} if moved is None else {arrived, moved}
    for location in present:
        # Another file may have come under the key at which this one arrived.
        is_own = location == moved or _has_etag(versions.store, location, row["etag"])
        if is_own and not versions.is_versioned(location.bucket):
            deleted.by_bucket[location.bucket] += _is_deleted(versions.store, location)
    for location in present | {processed(arrived), held(arrived), quarantined(arrived)}:
        if versions.is_versioned(location.bucket):
            is_wanted = _is_version_of(row, location, is_moved_there=location == moved)
            number, locked = versions.delete_versions(location.bucket, location.key, is_wanted)
            deleted.by_bucket[location.bucket] += number
            if locked:
                deleted.locked_items.add(row["id"])


def _is_version_of(row: DictRow, location: Location, *, is_moved_there: bool) -> Callable[[Object], bool]:
    """Whether a listed version is the original of a ledger row, under this key or the same with its ETag."""

    def is_wanted(found: Object) -> bool:
        key, etag = found.object_name or "", (found.etag or "").strip('"')
        if key == location.key and is_moved_there:
            return True
        # Copies of an object that was uploaded in parts have another ETag.
        in_parts = "-" in row["etag"] and found.size == row["size"]
        is_own = etag == row["etag"] or in_parts
        return is_own and (key == location.key or key.startswith(f"{location.key}~"))

    return is_wanted


def _has_etag(store: ObjectStore, location: Location, etag: str) -> bool:
    try:
        return store.stat(location).etag == etag
    except ObjectMissingError:
        return False


def _prefixes(versions: ObjectVersions, bucket: str, patient: str) -> list[str]:
    """The prefixes of keys in a bucket that contain the pseudonym."""
    if bucket == RAW:
        return []  # its keys are paths of the NAS
    if bucket == METADATA:
        return [f"{folder}{patient}/" for folder in ("", *_TOP_FOLDERS)]
    if bucket == QUARANTINE:
        tops = [top for top in versions.list_top(bucket) if top != f"{RAW}/"]
        return [f"{top}{folder}{patient}/" for top in tops for folder in ("", *_TOP_FOLDERS)]
    if bucket == LABELLING:
        return list(patient_prefixes(versions.list_top(bucket), patient))
    return [f"{patient}/"]


def _is_deleted(store: ObjectStore, location: Location) -> bool:
    """Delete an object; returns whether there was one."""
    try:
        store.delete(store.stat(location))
    except ObjectMissingError:
        return False
    return True
