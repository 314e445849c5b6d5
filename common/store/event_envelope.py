"""Unwraps what other services put around the records of S3, to any order of them.

- SQS: ``{"Messages": [{"Body": "<JSON>"}]}``, one message, or ``{"Records": [{"body": "<JSON>"}]}``
- SNS: ``{"Type": "Notification", "Message": "<JSON>"}``, or ``{"Records": [{"Sns": {"Message": "<JSON>"}}]}``
- Lambda behind HTTP: ``{"requestContext": …, "body": "<JSON>", "isBase64Encoded": …}``
- EventBridge: ``{"detail-type": "Object Created", "detail": {"bucket": {"name"}, "object": {"key"}}}``
- CloudEvents 1.0: structured and in batches, with the S3 record or notification as data. In binary mode the
  body is the data alone.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from common.errors import BadRequestError

EXPECTED = (
    'Expected an S3 notification {"Records": […]}, also within a message of SQS, SNS, Lambda or EventBridge '
    'or a CloudEvent, or {"bucket": "<bucket>", "key": "<key>"}, as JSON.'
)
MAX_RECORDS = 1000  # in one body; MinIO sends one
_MAX_DEPTH = 6  # envelopes around a record; EventBridge, SNS, SQS and Lambda together are four
_SUBSCRIPTION = ("SubscriptionConfirmation", "UnsubscribeConfirmation")
Document = Mapping[str, Any]


def s3_records(body: bytes) -> Iterator[Document]:
    """The innermost objects of a body: S3 records with ``s3``, or plain ones with ``bucket`` and ``key``.

    An event of S3 about no object has only an ``eventName``. Raises BadRequestError if an envelope has
    another form, holds nothing, or if there are too many records.
    """
    number = 0
    for number, found in enumerate(_records(parse_json(body), 0), start=1):
        _refuse_over_limit(number)
        yield found
    if not number:
        raise BadRequestError(f"The body holds no record. {EXPECTED}")


def parse_json(text: bytes | str) -> Any:
    """A JSON text; raises BadRequestError."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        raise BadRequestError(f"The body is not valid JSON. {EXPECTED}") from None


def _records(document: Any, depth: int) -> Iterator[Document]:
    if depth > _MAX_DEPTH:
        raise BadRequestError(f"The body has over {_MAX_DEPTH} envelopes within each other.")
    if isinstance(document, list) and document and all(map(_is_cloud_event, document)):
        _refuse_over_limit(len(document))
        for event in document:
            yield from _records(event, depth + 1)
        return
    if not isinstance(document, Mapping):
        raise BadRequestError(EXPECTED)
    if "Records" in document:
        for record in _listed(document["Records"], "Records"):
            yield from _inner(record, depth)
    elif "Messages" in document:
        for message in _listed(document["Messages"], "Messages"):
            yield from _inner(message, depth)
    else:
        yield from _inner(document, depth)


def _inner(document: Document, depth: int) -> Iterator[Document]:
    """The records in one message or event; the object itself if it is no envelope."""
    text = _content(document)
    if text is not None:
        yield from _records(parse_json(text) if isinstance(text, str | bytes) else text, depth + 1)
    elif "detail-type" in document:
        yield _event_bridge_record(document)
    elif document.get("Event") == "s3:TestEvent":  # S3 sends it when notifications are set up
        yield {"eventName": "s3:TestEvent", "s3": {}}
    else:
        yield document


def _content(document: Document) -> Any:
    """What an envelope holds: JSON text, or an object; None for other objects."""
    if "s3" in document or "bucket" in document:
        return None
    if _is_cloud_event(document):
        return _cloud_event_data(document)
    if document.get("Type") in _SUBSCRIPTION:
        raise BadRequestError("SNS asks to confirm a subscription: open its SubscribeURL yourself.")
    sns = document.get("Sns", document)
    if isinstance(sns, Mapping) and isinstance(sns.get("Message"), str):
        return sns["Message"]
    text = document.get("Body", document.get("body"))
    if isinstance(text, str):
        return _from_base64(text) if document.get("isBase64Encoded") is True else text
    return None


def _is_cloud_event(document: Any) -> bool:
    return isinstance(document, Mapping) and "specversion" in document


def _cloud_event_data(event: Document) -> Any:
    """The data of a CloudEvent (CloudEvents 1.0, JSON event format, section 3.1)."""
    data, coded = event.get("data"), event.get("data_base64")
    if data is None and isinstance(coded, str):
        return _from_base64(coded)
    if isinstance(data, str | list | Mapping):
        return data
    raise BadRequestError(f"A CloudEvent has no S3 record in its data. {EXPECTED}")


def _event_bridge_record(event: Document) -> Document:
    """The record of an event of EventBridge. Its key is not escaped (S3 User Guide, "Using EventBridge")."""
    detail = event.get("detail")
    if event.get("source") != "aws.s3" or not isinstance(detail, Mapping):
        raise BadRequestError(f"An event of EventBridge is not of aws.s3. {EXPECTED}")
    if event["detail-type"] != "Object Created":
        return {"eventName": "s3:Other", "s3": detail}
    bucket, found = detail.get("bucket"), detail.get("object")
    if not isinstance(bucket, Mapping) or not isinstance(found, Mapping):
        raise BadRequestError(f"An event of EventBridge lacks detail.bucket or detail.object. {EXPECTED}")
    return {
        "bucket": bucket.get("name"),
        "key": found.get("key"),
        "etag": found.get("etag"),
        "size": found.get("size"),
    }


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestError(f"A message is not valid base64. {EXPECTED}") from None


def _listed(value: Any, name: str) -> list[Document]:
    if not isinstance(value, list):
        raise BadRequestError(f"{name} is not a list. {EXPECTED}")
    _refuse_over_limit(len(value))
    if not all(isinstance(each, Mapping) for each in value):
        raise BadRequestError(f"A record is not a JSON object. {EXPECTED}")
    return value


def _refuse_over_limit(number: int) -> None:
    if number > MAX_RECORDS:
        raise BadRequestError(f"The body has over {MAX_RECORDS} records; send them in several requests.")
