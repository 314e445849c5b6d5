"""What keeps a copy of a bucket's objects after they are deleted there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from minio.error import S3Error

from common.store.minio_errors import NOT_OFFERED, store_errors
from common.store.minio_store import MinioStore
from common.store.object_key import Location

Answer = TypeVar("Answer")
_VERSIONED = frozenset(["Enabled", "Suspended"])
_NOT_CONFIGURED = NOT_OFFERED | {
    *("ObjectLockConfigurationNotFoundError", "ReplicationConfigurationNotFoundError"),
}


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
        is_versioned = _answer(lambda: client.get_bucket_versioning(bucket).status) in _VERSIONED
        lifecycle = _answer(lambda: client.get_bucket_lifecycle(bucket))
        rules = lifecycle.rules if lifecycle else []
        return BucketCopies(
            bucket,
            is_versioned,
            is_locked=is_versioned and _answer(lambda: client.get_object_lock_config(bucket)) is not None,
            is_replicated=_answer(lambda: client.get_bucket_replication(bucket)) is not None,
            is_moved=any(rule.transition or rule.noncurrent_version_transition for rule in rules),
        )


def _answer(request: Callable[[], Answer | None]) -> Answer | None:
    """The answer to a request; None if the bucket has no such rule, or the store none at all."""
    try:
        return request()
    except S3Error as error:
        if error.code not in _NOT_CONFIGURED:
            raise
        return None
