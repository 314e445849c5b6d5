"""Buckets that a test makes for itself."""

from minio.error import S3Error

from common.store.minio_store import MinioStore


def remove_bucket(store: MinioStore, name: str) -> None:
    """Remove a bucket with all its objects."""
    for found in store.client.list_objects(name, recursive=True):
        store.client.remove_object(name, str(found.object_name))
    try:
        store.client.remove_bucket(name)
    except S3Error as error:
        if error.code != "BucketNotEmpty":
            raise
        # VersityGW keeps the folder of an object that it refused.
        store.client.remove_object(name, "a/")
        store.client.remove_bucket(name)
