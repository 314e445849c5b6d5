"""Objects that the tests of the object store put, and a key with every kind of odd character."""

from common.store.object_key import Location
from common.store.object_store import ObjectStore, ObjectVersion

ODD_KEY = "incoming/Doe^Jane Müller 100%+1/a~b #?&=.dcm"


def put(store: ObjectStore, bucket: str, key: str = "a/b", data: bytes = b"content") -> ObjectVersion:
    """Put a small object."""
    return store.put(Location(bucket, key), data, content_type="text/plain")


def missing_version(bucket: str, key: str = "no/such") -> ObjectVersion:
    """A version that the store does not have."""
    return ObjectVersion(Location(bucket, key), "0" * 32, 3)
