"""Keys in raw of odd names on a NAS, on a real MinIO."""

from collections.abc import Iterator

import pytest

from common.store.minio_store import MinioStore
from common.store.object_key import Location
from functions.poll_nas.raw_key import locked_archive_key, raw_key
from tests.support.odd_names import ODD_NAMES
from tests.support.own_bucket import remove_bucket

MINIO_NAMES = ("xl.meta", "xl.json", "part.1", "fs.json", ".minio.sys", ".metacache", "null", "xl.meta.bkp")


@pytest.fixture
def bucket(minio: MinioStore) -> Iterator[str]:
    """A bucket of the test's own."""
    minio.ensure_bucket("raw-keys")
    yield "raw-keys"
    remove_bucket(minio, "raw-keys")


def test_objects_of_odd_names_are_listed_once(minio: MinioStore, bucket: str) -> None:
    """Every name, in the place of a folder or a file, gives an object that is listed once, under its key."""
    keys = [
        raw_key("f", 1, path, 1)
        for name in (*ODD_NAMES, *MINIO_NAMES)
        for path in (name, f"folder {name}/{name}", f"{name} as folder/x", f"deep/{name}~/x")
    ]
    keys.append(locked_archive_key("f", 1, "a.zip", 1))
    for key in keys:
        minio.put(Location(bucket, key), key.encode(), content_type="text/plain")
    listed = [found.version for found in minio.list_prefix(bucket, "nas/")]
    assert sorted(keys) == sorted(version.location.key for version in listed)
    for version in listed[:: len(listed) // 20]:
        assert version.location.key.encode() == minio.read(version)


def test_folders_of_odd_names_are_listed_once(minio: MinioStore, bucket: str) -> None:
    """The same for folders that hold one file."""
    keys = [raw_key(name, 1, f"{name}/x", 1) for name in (*ODD_NAMES, *MINIO_NAMES)]
    for key in keys:
        minio.put(Location(bucket, key), b"", content_type="text/plain")
    assert sorted(keys) == sorted(found.version.location.key for found in minio.list_prefix(bucket, "nas/"))
