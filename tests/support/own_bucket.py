"""Buckets that a test makes for itself."""

from common.store.minio_store import MinioStore


def remove_bucket(store: MinioStore, name: str) -> None:
    """Remove a bucket with all its objects."""
    for found in store.client.list_objects(name, recursive=True):
        store.client.remove_object(name, str(found.object_name))
    store.client.remove_bucket(name)
