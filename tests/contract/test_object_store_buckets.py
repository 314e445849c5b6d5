"""The object store's contract: deleting, listing, buckets, and a store that is away."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from common.errors import DependencyAwayError, ObjectMissingError
from common.store.minio_store import MinioStore
from common.store.object_store import Notification, ObjectStore
from tests.contract.objects import missing_version, put
from tests.in_memory.object_store import InMemoryObjectStore


def test_delete_twice_is_no_error(store: ObjectStore, bucket: str) -> None:
    """Deleting a missing object is no error."""
    version = put(store, bucket)
    store.delete(version)
    store.delete(version)
    with pytest.raises(ObjectMissingError):
        store.stat(version.location)


def test_delete_leaves_other_content(store: ObjectStore, bucket: str) -> None:
    """Content that was put over the version is not deleted."""
    old, new = put(store, bucket, data=b"old"), put(store, bucket, data=b"new")
    store.delete(old)
    assert b"new" == store.read(new)


def test_list_prefix_is_in_key_order(store: ObjectStore, bucket: str) -> None:
    """A listing gives complete keys in the order of their bytes, with etag, size and an aware time."""
    keys = ["p/b", "p/a/z", "p/ä", "p/A", "q/x", "p/a b", "p/a+b"]
    for key in keys:
        put(store, bucket, key)
    listed = list(store.list_prefix(bucket, "p/"))
    assert sorted((key for key in keys if key.startswith("p/")), key=str.encode) == [
        found.version.location.key for found in listed
    ]
    assert [store.stat(found.version.location) for found in listed] == [found.version for found in listed]
    age = datetime.now(UTC) - listed[0].last_modified
    assert timedelta(minutes=-5) < age < timedelta(minutes=5)


def test_list_prefix_goes_over_pages(store: ObjectStore, bucket: str) -> None:
    """More objects than fit in one page are all listed, once each."""
    keys = [f"p/{number:04}" for number in range(1005)]
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda key: put(store, bucket, key, b""), keys))
    assert keys == [found.version.location.key for found in store.list_prefix(bucket, "p/")]


def test_a_listing_goes_on_after_a_key(store: ObjectStore, bucket: str) -> None:
    """With `after`, only later keys are listed, whether or not that key exists."""
    for key in ("p/a", "p/b", "p/ä"):
        put(store, bucket, key)
    for after, expected in (("p/a", ["p/b", "p/ä"]), ("p/aa", ["p/b", "p/ä"]), ("p/ä", [])):
        listed = store.list_prefix(bucket, "", after=after)
        assert expected == [found.version.location.key for found in listed]


def test_exists_says_whether_there_is_an_object(store: ObjectStore, bucket: str) -> None:
    """An object is there until it is deleted; its etag is the MD5 of its content."""
    version = put(store, bucket)
    assert store.exists(version.location)
    assert store.has_md5_etag(version.location)
    store.delete(version)
    assert not store.exists(version.location)


def test_list_top_gives_first_components(store: ObjectStore, bucket: str) -> None:
    """The top level of a bucket is its first path components; folders end in a slash."""
    for key in ("labels.csv", "processed/1", "processed/2/3", "a b/c"):
        put(store, bucket, key)
    assert ["a b/", "labels.csv", "processed/"] == sorted(store.list_top(bucket))
    assert [] == list(store.list_prefix(bucket, "absent/"))


def test_ensure_bucket_again_is_no_error(store: ObjectStore, bucket: str) -> None:
    """An existing bucket stays, with its objects."""
    version = put(store, bucket)
    store.ensure_bucket(bucket)
    assert version == store.stat(version.location)


def test_ensure_bucket_sets_notifications(store: ObjectStore, bucket: str) -> None:
    """Notifications are set with prefix and suffix, also for an existing bucket."""
    notification = Notification("quality", "never/", ".x")
    for _ in range(2):
        store.ensure_bucket(bucket, [notification])
    if isinstance(store, MinioStore):
        (queue,) = store.client.get_bucket_notification(bucket).queue_config_list
        assert ("arn:minio:sqs::QUALITY:webhook", "never/", ".x") == (
            queue.queue,
            queue.prefix_filter_rule.value,
            queue.suffix_filter_rule.value,
        )
    else:
        assert [notification] == store.notifications[bucket]


def test_ping_answers(store: ObjectStore) -> None:
    """A running store answers."""
    store.ping()


def _away(kind: str) -> ObjectStore:
    if kind == "real":
        return MinioStore(endpoint="127.0.0.1:1", access_key="a", secret_key="b", timeout=1)
    return InMemoryObjectStore(away=True)


@pytest.mark.parametrize("kind", ["memory", "real"])
def test_store_that_does_not_answer(kind: str, tmp_path: Path) -> None:
    """Every call to a store that is away raises DependencyAwayError, without the key."""
    store, version = _away(kind), missing_version("bucket", "Doe^Jane")
    for call in (
        lambda: store.stat(version.location),
        lambda: store.read(version),
        lambda: store.download(version, tmp_path / "file"),
        lambda: store.put(version.location, b"", content_type="text/plain"),
        lambda: store.upload(version.location, io.BytesIO(b"x"), size=1),
        lambda: store.copy(version, version.location),
        lambda: store.delete(version),
        lambda: list(store.list_prefix("bucket", "Doe")),
        lambda: store.list_top("bucket"),
        lambda: store.ensure_bucket("bucket"),
        store.ping,
    ):
        with pytest.raises(DependencyAwayError) as caught:
            call()
        assert "Doe" not in str(caught.value)
