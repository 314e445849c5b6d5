"""The object store's contract, in memory and on MinIO."""

import hashlib
import io
from dataclasses import replace
from pathlib import Path

import pytest

from common.errors import DependencyAwayError, ObjectMissingError, PermanentError
from common.store.object_key import Location
from common.store.object_store import ObjectStore, ObjectVersion
from tests.contract.objects import ODD_KEY, missing_version, put


def test_put_gives_the_md5_as_etag(store: ObjectStore, bucket: str) -> None:
    """An object's etag is the MD5 of its content; stat and put return the same version."""
    version = put(store, bucket)
    expected = ObjectVersion(
        Location(bucket, "a/b"), hashlib.md5(b"content", usedforsecurity=False).hexdigest(), 7
    )
    assert expected == version
    assert expected == store.stat(version.location)


def test_a_new_object_overwrites_none(store: ObjectStore, bucket: str) -> None:
    """An object is written only if none has the key; the one that is there stays as it is."""
    location = Location(bucket, "folder/mark.json")
    written = store.put_new(location, b"first", content_type="application/json")
    assert written == store.stat(location)
    assert store.put_new(location, b"second", content_type="application/json") is None
    assert b"first" == store.read_now(location)


@pytest.mark.parametrize("key", [ODD_KEY, "x" * 255, "a" * 200 + "/" + "b" * 200, "é/ü", " a ", "a..b", "~2"])
def test_unusual_keys_stay_unchanged(store: ObjectStore, bucket: str, key: str) -> None:
    """Spaces, signs, letters outside ASCII and long names are read, listed and copied unchanged."""
    version = put(store, bucket, key)
    assert b"content" == store.read(version)
    assert [key] == [found.version.location.key for found in store.list_prefix(bucket, key)]
    assert b"content" == store.read_now(version.location)
    copy = store.copy(version, Location(bucket, "copy of it"))
    assert b"content" == store.read(copy)


@pytest.mark.parametrize("key", ["", "x" * 1025, "a/" + "x" * 256, "a//b", "../a", "a/./b", "a/.."])
def test_illegal_keys_are_refused_for_good(store: ObjectStore, bucket: str, key: str) -> None:
    """A key that the store can't hold is a permanent failure."""
    with pytest.raises(PermanentError):
        put(store, bucket, key)


@pytest.mark.parametrize("key", ["x" * 1025, "a/" + "x" * 256])
def test_illegal_keys_can_not_be_looked_up(store: ObjectStore, bucket: str, key: str) -> None:
    """A key that the store can't hold is missing, or a permanent failure, but never a temporary one."""
    with pytest.raises((PermanentError, ObjectMissingError)):
        store.stat(Location(bucket, key))


def test_copy_to_an_illegal_key_is_refused_for_good(store: ObjectStore, bucket: str) -> None:
    """A target key that the store can't hold is a permanent failure, and the source stays."""
    version = put(store, bucket)
    with pytest.raises(PermanentError):
        store.copy(version, Location(bucket, "x" * 1025))
    assert version == store.stat(version.location)


def test_empty_object(store: ObjectStore, bucket: str) -> None:
    """An object may be empty."""
    version = put(store, bucket, data=b"")
    assert 0 == version.size
    assert b"" == store.read(version)


def test_download_writes_the_content(store: ObjectStore, bucket: str, tmp_path: Path) -> None:
    """An object can be downloaded into a file."""
    store.download(put(store, bucket), tmp_path / "file")
    assert b"content" == (tmp_path / "file").read_bytes()


def test_stream_gives_the_content_piece_by_piece(store: ObjectStore, bucket: str) -> None:
    """A large object is read in pieces of at most one mebibyte; an old version is not read."""
    data = bytes(range(256)) * 10_000
    version = put(store, bucket, data=data)
    pieces = list(store.stream(version))
    assert data == b"".join(pieces)
    assert max(map(len, pieces)) <= 1024 * 1024
    put(store, bucket, data=b"other")
    with pytest.raises(ObjectMissingError):
        list(store.stream(version))


def test_upload_reads_a_stream_of_known_size(store: ObjectStore, bucket: str) -> None:
    """A stream becomes an object with the MD5 as etag."""
    data = bytes(range(256)) * 5000
    version = store.upload(Location(bucket, "stream"), io.BytesIO(data), size=len(data))
    assert hashlib.md5(data, usedforsecurity=False).hexdigest() == version.etag
    assert data == store.read(version)


def test_upload_of_a_stream_that_ends_early_writes_nothing(store: ObjectStore, bucket: str) -> None:
    """A stream that is shorter than declared is a temporary failure; no object is written."""
    with pytest.raises(DependencyAwayError):
        store.upload(Location(bucket, "stream"), io.BytesIO(b"short"), size=10)
    with pytest.raises(ObjectMissingError):
        store.stat(Location(bucket, "stream"))


def test_upload_raises_pipeline_errors_of_the_stream(store: ObjectStore, bucket: str) -> None:
    """A PipelineError that the stream raises is raised unchanged."""

    class Failing(io.RawIOBase):
        def read(self, _: int = -1) -> bytes:
            raise ObjectMissingError("It grew.")

    with pytest.raises(ObjectMissingError, match="It grew"):
        store.upload(Location(bucket, "stream"), Failing(), size=10)  # type: ignore[arg-type]


def test_missing_object(store: ObjectStore, bucket: str, tmp_path: Path) -> None:
    """stat, read, download and copy of a missing object raise ObjectMissingError."""
    version = missing_version(bucket)
    for call in (
        lambda: store.stat(version.location),
        lambda: store.read(version),
        lambda: store.download(version, tmp_path / "file"),
        lambda: store.copy(version, Location(bucket, "copy")),
    ):
        with pytest.raises(ObjectMissingError):
            call()


def test_missing_bucket_is_a_dependency_away(store: ObjectStore, bucket: str) -> None:
    """A missing bucket is a temporary failure."""
    gone = f"{bucket}-gone"
    for call in (
        lambda: put(store, gone),
        lambda: store.read(missing_version(gone)),
        lambda: list(store.list_prefix(gone, "")),
        lambda: store.list_top(gone),
    ):
        with pytest.raises(DependencyAwayError):
            call()


def test_copy_into_a_missing_bucket_is_a_dependency_away(store: ObjectStore, bucket: str) -> None:
    """A missing target bucket is a temporary failure."""
    with pytest.raises(DependencyAwayError):
        store.copy(put(store, bucket), Location(f"{bucket}-gone", "a"))


def test_overwritten_version_can_not_be_read(store: ObjectStore, bucket: str, tmp_path: Path) -> None:
    """A version that was overwritten is missing, so nobody reads other content by mistake."""
    old = put(store, bucket)
    put(store, bucket, data=b"other")
    for call in (
        lambda: store.read(old),
        lambda: store.download(old, tmp_path / "file"),
        lambda: store.copy(old, Location(bucket, "copy")),
    ):
        with pytest.raises(ObjectMissingError):
            call()


def test_copy_keeps_content_and_etag(store: ObjectStore, bucket: str) -> None:
    """A copy has the same content and etag; the source stays."""
    version = put(store, bucket)
    target = Location(bucket, "copy/b")
    assert replace(version, location=target) == store.copy(version, target)
    assert b"content" == store.read(store.stat(target)) == store.read(version)


def test_copy_onto_the_same_content_changes_nothing(store: ObjectStore, bucket: str) -> None:
    """Copying again onto the same content returns the existing copy."""
    version, target = put(store, bucket), Location(bucket, "copy")
    assert store.copy(version, target) == store.copy(version, target)
    assert ["a/", "copy"] == sorted(store.list_top(bucket))


def test_copy_goes_beside_other_content(store: ObjectStore, bucket: str) -> None:
    """Other content stays; the copy's key ends with its etag, however often it is made."""
    other = put(store, bucket, "copy", b"other")
    version = put(store, bucket)
    expected = Location(bucket, f"copy~{version.etag}")
    for _ in range(2):
        assert expected == store.copy(version, other.location).location
    assert other == store.stat(other.location)
    assert b"content" == store.read(store.stat(expected))


def test_copy_may_overwrite(store: ObjectStore, bucket: str) -> None:
    """With `overwrite` the copy replaces other content."""
    other = put(store, bucket, "copy", b"other")
    version = put(store, bucket)
    assert other.location == store.copy(version, other.location, overwrite=True).location
    assert b"content" == store.read(store.stat(other.location))
