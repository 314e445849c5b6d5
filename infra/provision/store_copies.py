"""What keeps a copy of a bucket's objects after they are deleted there."""

from dataclasses import dataclass

from minio.error import S3Error

from common.store.minio_errors import store_errors
from common.store.minio_store import MinioStore
from common.store.object_key import Location

_VERSIONED = frozenset(["Enabled", "Suspended"])
_NOT_CONFIGURED = frozenset(["ObjectLockConfigurationNotFoundError", "ReplicationConfigurationNotFoundError"])


@dataclass(frozen=True)
class BucketCopies:
    """What keeps copies of one bucket's objects."""

    bucket: str
    is_versioned: bool  # keeps older versions, or has kept them once
    is_locked: bool  # object lock is on: versions may have a retention or a legal hold
    is_replicated: bool  # a rule copies objects to another store
    is_moved: bool  # a lifecycle rule moves objects to another storage class


def bucket_copies(store: MinioStore, bucket: str) -> BucketCopies:
    """What keeps copies of a bucket's objects."""
    client = store.client
    with store_errors(Location(bucket, "")):
        is_versioned = client.get_bucket_versioning(bucket).status in _VERSIONED
        lifecycle = client.get_bucket_lifecycle(bucket)
        rules = lifecycle.rules if lifecycle else []
        return BucketCopies(
            bucket,
            is_versioned,
            is_locked=is_versioned and _has_lock(store, bucket),
            is_replicated=_is_replicated(store, bucket),
            is_moved=any(rule.transition or rule.noncurrent_version_transition for rule in rules),
        )


def _has_lock(store: MinioStore, bucket: str) -> bool:
    try:
        store.client.get_object_lock_config(bucket)
    except S3Error as error:
        if error.code not in _NOT_CONFIGURED:
            raise
        return False
    return True


def _is_replicated(store: MinioStore, bucket: str) -> bool:
    try:
        return store.client.get_bucket_replication(bucket) is not None
    except S3Error as error:
        if error.code not in _NOT_CONFIGURED:
            raise
        return False
