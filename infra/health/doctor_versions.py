"""The doctor's check of what keeps deleted objects: versions, locks and copies in other stores."""

from collections.abc import Iterator

from common.store.minio_store import MinioStore
from common.store.object_key import RAW
from infra.health.finding import Finding
from infra.provision.store.store_copies import bucket_copies

_MOST_NAMED = 5


def version_findings(store: MinioStore) -> Iterator[Finding]:
    """Which buckets keep older versions, and whether an erasure could not delete them."""
    buckets = [bucket_copies(store, bucket.name) for bucket in store.client.list_buckets()]
    versioned = [found.bucket for found in buckets if found.is_versioned]
    locked = [found.bucket for found in buckets if found.is_locked]
    elsewhere = [found.bucket for found in buckets if found.is_replicated or found.is_moved]
    if versioned:
        text = f"{_names(versioned)} keep older versions; dcm2set erase deletes a patient's versions too"
        yield Finding("versions", True, text)
    else:
        yield Finding("versions", True, "no bucket keeps older versions")
    if RAW in versioned:
        text = "extract can only hide later files of erased patients; dcm2set erase, run again, deletes them"
        yield Finding(f"versions of {RAW}", False, text)
    if locked:
        text = f"object lock is on in {_names(locked)}: an erasure can't delete locked versions"
        yield Finding("object lock", False, text)
    if elsewhere:
        text = f"rules copy or move {_names(elsewhere)} to another store, which an erasure does not reach"
        yield Finding("replication", False, text)


def _names(buckets: list[str]) -> str:
    more = len(buckets) - _MOST_NAMED
    return ", ".join(buckets[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
