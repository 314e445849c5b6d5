"""Objects that are put without a notification."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.local_home import RunningHome


@contextmanager
def without_notifications(home: RunningHome, bucket: str = "raw") -> Iterator[None]:
    """Remove the bucket's notification rules until the block ends."""
    client = home.store.client
    rules = client.get_bucket_notification(bucket)
    client.delete_bucket_notification(bucket)
    try:
        yield
    finally:
        client.set_bucket_notification(bucket, rules)
