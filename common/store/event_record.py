"""Parses request bodies into event records, one for each created object.

A body is a notification of MinIO or S3 (Amazon S3 User Guide, "Event message structure") or, for people with
curl, ``{"bucket": …, "key": …}``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import orjson

from common.errors import BadRequestError

EXPECTED = 'Expected an S3 notification {"Records": […]} or {"bucket": "<bucket>", "key": "<key>"} as JSON.'
_CREATED = "s3:ObjectCreated:"
MAX_RECORDS = 1000  # in one body; MinIO sends one
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
    """The created objects in a request body.

    An empty body and ``{}`` give an empty list: they request a run without an event. Records of other kinds
    than ObjectCreated are left out. Raises BadRequestError for any other body.
    """
    if not body.strip():
        return []
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequestError(f"The body is not valid JSON. {EXPECTED}") from None
    if not isinstance(document, dict):
        raise BadRequestError(EXPECTED)
    if not document:
        return []
    if "Records" in document:
        return _notification(document["Records"])
    return [_record(document.get("bucket"), document.get("key"), document)]


def _notification(records: Any) -> list[EventRecord]:
    if not isinstance(records, list):
        raise BadRequestError(f"Records is not a list. {EXPECTED}")
    if len(records) > MAX_RECORDS:
        raise BadRequestError(f"The body has over {MAX_RECORDS} records; send them in several requests.")
    return [_s3_record(record) for record in records if _is_created(record)]


def _is_created(record: Any) -> bool:
    if not isinstance(record, Mapping):
        raise BadRequestError(f"A record is not a JSON object. {EXPECTED}")
    name = record.get("eventName")
    # Amazon writes "ObjectCreated:Put", MinIO "s3:ObjectCreated:Put".
    return isinstance(name, str) and f"s3:{name.removeprefix('s3:')}".startswith(_CREATED)


def _s3_record(record: Mapping[str, Any]) -> EventRecord:
    try:
        s3 = record["s3"]
        bucket, found = s3["bucket"]["name"], s3["object"]
        key, version = found["key"], {"etag": found.get("eTag"), "size": found.get("size", 0)}
    except (KeyError, TypeError, AttributeError):
        raise BadRequestError(f"A record lacks s3.bucket.name or s3.object.key. {EXPECTED}") from None
    # In Records the key is query-escaped: "+" means a space, "%2B" a plus sign.
    return _record(bucket, unquote_plus(key) if isinstance(key, str) else key, version)


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
