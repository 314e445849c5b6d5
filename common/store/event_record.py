"""Event records: what a request says happened, as one typed record each.

Understands MinIO's and S3's notification (Amazon S3 User Guide, "Event message structure") and,
for people with curl, ``{"bucket": …, "key": …}``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

import orjson

from common.errors import BadRequestError

EXPECTED = 'Expected an S3 notification {"Records": […]} or {"bucket": "<bucket>", "key": "<key>"} as JSON.'
_CREATED = "s3:ObjectCreated:"
MOST_RECORDS = 1000  # MinIO sends one
# S3's own: no object has a longer key (bytes of UTF-8), no bucket a longer name, no etag is near it.
MOST_KEY_BYTES = 1024
_MOST_NAME_CHARACTERS = 255


@dataclass(frozen=True)
class EventRecord:
    """One object that appeared."""

    bucket: str
    key: str  # decoded; nobody downstream unquotes it again
    etag: str | None = None  # None: whatever the store holds now
    size: int | None = None  # bytes


def parse_event_records(body: bytes) -> list[EventRecord]:
    """The created objects that a request body names.

    An empty body or ``{}`` gives an empty list: a run without an event. Records of other
    kinds than ObjectCreated are left out. Raises BadRequestError for anything else.
    """
    if not body.strip():
        return []
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequestError(f"The body is no JSON. {EXPECTED}") from None
    if not isinstance(document, dict):
        raise BadRequestError(EXPECTED)
    if not document:
        return []
    if "Records" in document:
        return _notification(document["Records"])
    return [_record(document.get("bucket"), document.get("key"), document)]


def _notification(records: Any) -> list[EventRecord]:
    if not isinstance(records, list):
        raise BadRequestError(f"Records is no list. {EXPECTED}")
    if len(records) > MOST_RECORDS:
        raise BadRequestError(f"There are over {MOST_RECORDS} records; send them in parts.")
    return [_s3_record(record) for record in records if _is_created(record)]


def _is_created(record: Any) -> bool:
    if not isinstance(record, Mapping):
        raise BadRequestError(f"A record is no object. {EXPECTED}")
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
    # In Records the key is query-escaped: "+" is a space, "%2B" a plus.
    return _record(bucket, unquote_plus(key) if isinstance(key, str) else key, version)


def _record(bucket: Any, key: Any, version: Mapping[str, Any]) -> EventRecord:
    if not (isinstance(bucket, str) and bucket and isinstance(key, str) and key):
        raise BadRequestError(f"bucket or key is missing or no text. {EXPECTED}")
    if "\x00" in bucket or "\x00" in key:
        raise BadRequestError("bucket or key holds a null character.")
    if len(key.encode("utf-8", "replace")) > MOST_KEY_BYTES or len(bucket) > _MOST_NAME_CHARACTERS:
        raise BadRequestError(f"bucket or key is longer than an object's can be ({MOST_KEY_BYTES} bytes).")
    etag, size = version.get("etag"), version.get("size")
    if etag is not None and not (isinstance(etag, str) and _is_plain(etag)):
        raise BadRequestError("etag is no text of up to 255 visible characters.")
    if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
        raise BadRequestError("size is no number of bytes.")
    return EventRecord(bucket, key, etag.strip('"') if etag else None, size)


def _is_plain(text: str) -> bool:
    return len(text) <= _MOST_NAME_CHARACTERS and text.isprintable()
