"""Deleting objects for good: in a versioned bucket with every older version and delete marker.

A plain deletion in a versioned bucket only adds a delete marker; the content stays readable by its version
(Amazon S3 User Guide, "Deleting object versions from a versioning-enabled bucket").
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from minio.datatypes import Object
from minio.error import S3Error

from common.store.minio_errors import store_errors
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from infra.provision.store.store_copies import bucket_copies

# MinIO answers InvalidRequest to the deletion of a locked version, other stores AccessDenied.
_LOCKED = frozenset(["InvalidRequest", "AccessDenied", "ObjectLocked"])
IsWanted = Callable[[Object], bool]


def bucket_names(store: MinioStore) -> list[str]:
    """The names of all buckets."""
    with store_errors(Location("", "")):
        return [bucket.name for bucket in store.client.list_buckets()]


@dataclass
class Retained:
    """Versions in one bucket that a lock still holds."""

    bucket: str
    versions: int = 0
    until: datetime | None = None  # end of the last retention; None if there is only a legal hold
    legal_holds: int = 0  # versions without an end: a person must remove the hold


@dataclass
class ObjectVersions:
    """Deletes objects of a store with all their versions, and notes what a lock holds."""

    store: MinioStore
    retained: dict[str, Retained] = field(default_factory=dict)  # by bucket
    _versioned: dict[str, bool] = field(default_factory=dict)

    def is_versioned(self, bucket: str) -> bool:
        """Whether the bucket keeps older versions, or has kept them once."""
        if bucket not in self._versioned:
            self._versioned[bucket] = bucket_copies(self.store, bucket).is_versioned
        return self._versioned[bucket]

    def list_top(self, bucket: str) -> list[str]:
        """The first path components in a bucket, also of what has only older versions."""
        if not self.is_versioned(bucket):
            return self.store.list_top(bucket)
        with store_errors(Location(bucket, "")):
            found = self.store.client.list_objects(bucket, include_version=True)
            return list(dict.fromkeys(each.object_name or "" for each in found))

    def delete_below(self, bucket: str, prefix: str) -> int:
        """Delete everything whose key begins with `prefix`; returns how many objects or versions."""
        if self.is_versioned(bucket):
            return self.delete_versions(bucket, prefix, lambda _: True)[0]
        number = 0
        for listed in self.store.list_prefix(bucket, prefix):
            self.store.delete(listed.version)
            number += 1
        return number

    def delete_versions(self, bucket: str, prefix: str, is_wanted: IsWanted) -> tuple[int, int]:
        """Delete the wanted versions, and delete markers that hide nothing more.

        Returns how many versions were deleted, and how many a lock holds.
        """
        deleted = held = 0
        contents: dict[str, int] = {}  # versions with content that are left, by key
        markers: list[Object] = []
        for found in self.versions(bucket, prefix):
            key = found.object_name or ""
            if found.is_delete_marker:
                markers.append(found)
            elif not is_wanted(found):
                contents[key] = contents.get(key, 0) + 1
            elif self._is_deleted(found):
                deleted += 1
            else:
                held += 1
                contents[key] = contents.get(key, 0) + 1
        for marker in markers:
            # A marker alone still shows its key, which may be a path of the NAS.
            if not contents.get(marker.object_name or ""):
                self._is_deleted(marker)
        return deleted, held

    def versions(self, bucket: str, prefix: str) -> Iterator[Object]:
        """Every version and delete marker below a prefix."""
        with store_errors(Location(bucket, prefix)):
            # A list, because the deletion of what was listed may move the pages that follow.
            yield from list(
                self.store.client.list_objects(bucket, prefix=prefix, recursive=True, include_version=True)
            )

    def _is_deleted(self, found: Object) -> bool:
        """Delete one version; False if a lock holds it, which is noted."""
        bucket, key = found.bucket_name, found.object_name or ""
        with store_errors(Location(bucket, key)):
            try:
                self.store.client.remove_object(bucket, key, version_id=found.version_id)
            except S3Error as error:
                if error.code not in _LOCKED or not self._note_lock(found):
                    raise
                return False
        return True

    def _note_lock(self, found: Object) -> bool:
        """Note the lock of a version; False if it has none."""
        client, bucket, key = self.store.client, found.bucket_name, found.object_name or ""
        try:
            retention = client.get_object_retention(bucket, key, version_id=found.version_id)
            is_on_hold = client.is_object_legal_hold_enabled(bucket, key, version_id=found.version_id)
        except S3Error:  # the bucket has no locks
            return False
        until = retention.retain_until_date if retention else None
        if until is None and not is_on_hold:
            return False
        noted = self.retained.setdefault(bucket, Retained(bucket))
        noted.versions += 1
        noted.legal_holds += is_on_hold
        noted.until = max([day for day in (noted.until, until) if day is not None], default=None)
        return True
