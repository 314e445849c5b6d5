"""Parses request bodies into event records, one for each created object.

A body is a notification of S3 (Amazon S3 User Guide, "Event message structure"), or in its form of MinIO,
RustFS or Ceph, possibly within a message of another service, or, for people with curl,
``{"bucket": …, "key": …}``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from common.errors import BadRequestError
from common.store.event_envelope import EXPECTED, s3_records

_CREATED = "s3:ObjectCreated:"
_CEPH = "ceph:s3"  # the eventSource of its gateway
_DIGITS = re.compile(r"[0-9]{1,18}")
# Limits of S3: keys in bytes of UTF-8. Names of buckets are shorter than 255 characters, and so are etags.
MAX_KEY_BYTES = 1024
_MAX_NAME_CHARACTERS = 255


@dataclass(frozen=True)
class EventRecord:
    """One created object."""

    bucket: str
    key: str  # decoded; other code must not unquote it again
    etag: str | None = None  # None: the version that is in the store now
    size: int | None = None  # bytes


def parse_event_records(body: bytes) -> list[EventRecord]:
    """The created objects in a request body, also within messages of other services.

    The list is empty if all records are of other kinds than ObjectCreated. Raises BadRequestError for a body
    without any record of S3.
    """
    return [_record_of(found) for found in s3_records(body) if _is_created(found)]


def _is_created(record: Mapping[str, Any]) -> bool:
    """Whether a record is about a created object; raises BadRequestError if it is none of S3."""
    if "s3" not in record and "eventName" not in record:
        return True  # a plain one
    name = record.get("eventName")
    if not isinstance(name, str) or "s3" not in record:
        raise BadRequestError(f"A record lacks eventName or s3. {EXPECTED}")
    # Amazon writes "ObjectCreated:Put", MinIO "s3:ObjectCreated:Put".
    return f"s3:{name.removeprefix('s3:')}".startswith(_CREATED)


def _record_of(found: Mapping[str, Any]) -> EventRecord:
    return _s3_record(found) if "s3" in found else _record(found.get("bucket"), found.get("key"), found)


def _s3_record(record: Mapping[str, Any]) -> EventRecord:
    try:
        s3 = record["s3"]
        bucket, found = s3["bucket"]["name"], s3["object"]
        # Older gateways of Ceph write "etag", and its documents show the size as a text.
        key, etag, size = found["key"], found.get("eTag", found.get("etag")), found.get("size", 0)
    except (KeyError, TypeError, AttributeError):
        raise BadRequestError(f"A record lacks s3.bucket.name or s3.object.key. {EXPECTED}") from None
    # In Records the key is query-escaped: "+" means a space, "%2B" a plus sign. Ceph writes it as it is.
    if isinstance(key, str) and record.get("eventSource") != _CEPH:
        key = unquote_plus(key)
    if isinstance(size, str) and _DIGITS.fullmatch(size):
        size = int(size)
    return _record(bucket, key, {"etag": etag, "size": size})


def _record(bucket: Any, key: Any, version: Mapping[str, Any]) -> EventRecord:
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        raise BadRequestError(f"bucket or key is missing or not a string. {EXPECTED}")
    if "\x00" in bucket or "\x00" in key:
        raise BadRequestError("bucket or key contains a null character.")
    if len(key.encode("utf-8", "replace")) > MAX_KEY_BYTES or len(bucket) > _MAX_NAME_CHARACTERS:
        raise BadRequestError(f"bucket or key is longer than S3 allows ({MAX_KEY_BYTES} bytes).")
    etag, size = version.get("etag"), version.get("size")
    if etag is not None and not (isinstance(etag, str) and _is_printable(etag)):
        raise BadRequestError("etag is not a string of up to 255 printable characters.")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise BadRequestError("size is not a number of bytes.")
    return EventRecord(bucket, key, etag.strip('"') if etag else None, size)


def _is_printable(text: str) -> bool:
    return len(text) <= _MAX_NAME_CHARACTERS and text.isprintable()
