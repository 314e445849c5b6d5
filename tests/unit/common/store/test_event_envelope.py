"""Events of S3 within messages of other services."""

import json
import time
from itertools import product
from typing import Any

import pytest

from common.errors import BadRequestError
from common.store.event_record import EventRecord, parse_event_records
from tests.in_memory.requests import recorded
from tests.support.envelopes import (
    ENVELOPES,
    cloud_event,
    cloud_events,
    event_bridge,
    sns_over_http,
    sqs_of_lambda,
)

NOTIFICATION = json.loads(recorded("raw_put"))
(EXPECTED,) = parse_event_records(recorded("raw_put"))


def _parse(document: Any) -> list[EventRecord]:
    return parse_event_records(json.dumps(document).encode())


@pytest.mark.parametrize("name", sorted(ENVELOPES))
def test_an_envelope_is_taken_off(name: str) -> None:
    """A notification within a message gives the same record as by itself; a record alone does too."""
    assert [EXPECTED] == _parse(ENVELOPES[name](NOTIFICATION))
    assert [EXPECTED] == _parse(ENVELOPES[name](NOTIFICATION["Records"][0]))


@pytest.mark.parametrize(("outer", "inner"), [*product(sorted(ENVELOPES), repeat=2)])
def test_envelopes_may_lie_within_each_other(outer: str, inner: str) -> None:
    """Every message may be carried by every other, as SNS by SQS."""
    assert [EXPECTED] == _parse(ENVELOPES[outer](ENVELOPES[inner](NOTIFICATION)))


def test_an_event_of_event_bridge_has_a_plain_key() -> None:
    """Its key is not escaped, unlike that of a notification."""
    event = event_bridge("raw", "incoming/a+b 100%2B.dcm", etag="abc", size=3)
    expected = [EventRecord("raw", "incoming/a+b 100%2B.dcm", "abc", 3)]
    assert expected == _parse(event) == _parse(sqs_of_lambda(event)) == _parse(cloud_event(event))


def test_all_messages_of_a_batch_are_given() -> None:
    """Each message of a batch may hold several records."""
    messages = sqs_of_lambda(NOTIFICATION)["Records"] * 3
    assert [EXPECTED] * 3 == _parse({"Records": messages})
    assert [EXPECTED] * 2 == _parse(cloud_events(NOTIFICATION) * 2)


@pytest.mark.parametrize(
    "event",
    [
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "raw"},
        event_bridge("raw", "k", etag="a", size=1, kind="Object Deleted"),
        json.loads(recorded("raw_removed")),
    ],
)
def test_other_events_of_s3_give_nothing(event: Any) -> None:
    """An event of S3 about no created object is known, and gives no record."""
    assert [] == _parse(event) == _parse(sqs_of_lambda(event)) == _parse(cloud_event(event))


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"Records": [{"eventSource": "aws:sqs", "body": "Hello"}]}, "not valid JSON"),
        ({"Records": [{"eventSource": "aws:sqs", "body": "{}"}]}, "bucket or key is missing"),
        ({"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": "e30="}}]}, "bucket or key"),
        ({"Messages": []}, "holds no record"),
        ({"Messages": None}, "Messages is not a list"),
        (sqs_of_lambda({"Records": []}), "holds no record"),
        ({"Type": "SubscriptionConfirmation", "SubscribeURL": "https://a"}, "SubscribeURL"),
        ({"body": "!", "isBase64Encoded": True}, "not valid base64"),
        ({"specversion": "1.0", "type": "x"}, "CloudEvent has no S3 record"),
        ({"specversion": "1.0", "type": "x", "data": [1]}, "Expected"),
        ({"specversion": "1.0", "type": "x", "data": {"a": 1}}, "bucket or key is missing"),
        ([cloud_event(NOTIFICATION), {"Records": []}], "Expected"),
        ({"detail-type": "EC2 Instance State-change", "source": "aws.ec2", "detail": {}}, "aws.s3"),
        ({"detail-type": "Object Created", "source": "aws.s3", "detail": {}}, "detail.bucket"),
        ({"eventName": "s3:ObjectCreated:Put"}, "lacks eventName or s3"),
    ],
)
def test_what_holds_no_event_of_s3_is_refused(document: Any, message: str) -> None:
    """The error says what is missing, and what was expected."""
    with pytest.raises(BadRequestError, match=message):
        _parse(document)


@pytest.mark.parametrize(
    "value", [None, True, 1, "x", [], {}, [[]], ["x"], [{}], {"Message": "x"}, {"x": []}]
)
@pytest.mark.parametrize(
    "name",
    [
        *("Records", "Messages", "Type", "Sns", "Message", "Body", "body", "specversion", "data"),
        *("data_base64", "detail-type", "detail", "source", "Event", "eventName", "s3", "bucket"),
    ],
)
def test_values_of_other_types_are_refused(name: str, value: Any) -> None:
    """No value in an envelope gives another error than that of a bad request."""
    others = [{}, *(envelope(NOTIFICATION) for envelope in ENVELOPES.values())]
    for other in others:
        document = {**other, name: value} if isinstance(other, dict) else [{**other[0], name: value}]
        try:
            assert isinstance(_parse(document), list)
        except BadRequestError as error:
            assert "Expected" in str(error) or "subscription" in str(error)  # noqa: PT017


def test_envelopes_and_records_are_limited() -> None:
    """Neither many envelopes within each other nor many records in many messages are unwrapped."""
    nested: Any = NOTIFICATION
    for _ in range(7):
        nested = sns_over_http(nested)
    with pytest.raises(BadRequestError, match="over 6 envelopes"):
        _parse(nested)
    (message,) = sqs_of_lambda(NOTIFICATION["Records"][0])["Records"]
    message["body"] = json.dumps({"Records": [{"eventName": "s3:ObjectCreated:Put", "s3": {}}] * 100})
    message = {"body": message["body"]}
    for many in ({"Records": [message] * 11}, {"Messages": [{}] * 1001}, cloud_events({}) * 1001):
        with pytest.raises(
            BadRequestError, match=r"over 1000 records|lacks s3\.bucket|CloudEvent|bucket or key"
        ):
            _parse(many)


def test_a_hostile_body_costs_little() -> None:
    """A body of the greatest size is refused in a moment, however its messages lie within each other."""
    text = "[" * 300_000
    bodies = [text, json.dumps({"Message": json.dumps({"Message": text})}), json.dumps({"body": text})]
    started = time.process_time()
    for body in bodies:
        with pytest.raises(BadRequestError):
            parse_event_records(body.encode())
    assert time.process_time() - started < 1
