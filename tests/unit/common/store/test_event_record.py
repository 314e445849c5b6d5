"""Event records: MinIO's notifications, plain bodies, and malformed bodies."""

import json
from pathlib import Path

import orjson
import pytest

from common.errors import BadRequestError
from common.store.event_record import EventRecord, parse_event_records
from tests.in_memory.requests import recorded
from tests.support.repository import ROOT

FOLDER = "incoming/Doe^Jane Müller 100%+1"
EMPTY_MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def _notification(**changes: object) -> dict:
    return {"Records": [json.loads(recorded("raw_put"))["Records"][0] | changes]}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("raw_put", EventRecord("raw", f"{FOLDER}/CT small.dcm", "ccf71ca6735bc1c52fbe33e29eb42886", 39206)),
        (
            "raw_copy",
            EventRecord("raw", f"{FOLDER}/CT small copy.dcm", "ccf71ca6735bc1c52fbe33e29eb42886", 39206),
        ),
        (
            "raw_multipart",
            EventRecord(
                "raw", f"{FOLDER}/large multi+part.dcm", "b7992ce8540773fdfcab72bd0e8c4c64-2", 6291456
            ),
        ),
        ("raw_put_empty", EventRecord("raw", f"{FOLDER}/empty.dcm", EMPTY_MD5, 0)),
    ],
)
def test_recorded_notifications_give_decoded_keys(event: str, expected: EventRecord) -> None:
    """Notifications of PUT, copy, multipart PUT and empty PUT give bucket, key, etag and size."""
    assert [expected] == parse_event_records(recorded(event))


def test_annotations_notification_keeps_plus_and_percent() -> None:
    """A plus and a percent sign in a key survive the query escaping of notifications."""
    (record,) = parse_event_records(recorded("annotations_put"))
    assert "reader A/first labels+ 50% Müller.csv" == record.key


def test_removed_objects_are_left_out() -> None:
    """A notification of a removed object gives no record."""
    assert [] == parse_event_records(recorded("raw_removed"))


def test_doubled_records_are_both_given() -> None:
    """A record that is twice in one body is given twice; the ledger recognises that it is one item."""
    both = _notification()["Records"] * 2
    records = parse_event_records(json.dumps({"Records": both}).encode())
    assert 2 == len(records)
    assert records[0] == records[1]


def test_amazon_spelling_of_event_names_is_understood() -> None:
    """Amazon writes ObjectCreated:Put without the prefix s3:."""
    body = json.dumps(_notification(eventName="ObjectCreated:Put")).encode()
    assert 1 == len(parse_event_records(body))


def test_plain_body_names_an_object() -> None:
    """{"bucket", "key"} from curl is taken literally: nothing in it is unquoted."""
    body = json.dumps({"bucket": "raw", "key": "incoming/a+b 100%2B.dcm"}).encode()
    assert [EventRecord("raw", "incoming/a+b 100%2B.dcm", None, None)] == parse_event_records(body)


def test_plain_body_may_name_a_version() -> None:
    """An etag and a size may be given; quotes around the etag are removed."""
    body = json.dumps({"bucket": "raw", "key": "k", "etag": '"abc"', "size": 3}).encode()
    assert [EventRecord("raw", "k", "abc", 3)] == parse_event_records(body)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"  \n", b"{}", b'{"Records": []}', b'{"Messages": []}', b'{"Records": [{}]}'),
        b'{"Records": [{"eventName": "INSERT", "dynamodb": {}, "eventSource": "aws:dynamodb"}]}',
        b"\xff\xfe",
        b"not json",
        b"{",
        b"null",
        b"1",
        b'"raw"',
        b"[]",
        b'[{"bucket": "raw", "key": "k"}]',
        b'{"Records": null}',
        b'{"Records": {}}',
        b'{"Records": [null]}',
        b'{"Records": [[]]}',
        b'{"Records": ["s3"]}',
        b'{"other": 1}',
        b'{"bucket": "raw"}',
        b'{"bucket": "", "key": "k"}',
        b'{"bucket": "raw", "key": ""}',
        b'{"bucket": "raw", "key": null}',
        b'{"bucket": "raw", "key": 7}',
        b'{"bucket": ["raw"], "key": "k"}',
        b'{"bucket": "raw", "key": "a\\u0000b"}',
        b'{"bucket": "r\\u0000", "key": "k"}',
        b'{"bucket": "raw", "key": "k", "etag": 5}',
        b'{"bucket": "raw", "key": "k", "size": -1}',
        b'{"bucket": "raw", "key": "k", "size": true}',
        b'{"bucket": "raw", "key": "k", "size": "3"}',
        b'{"bucket": "raw", "key": "\\ud800"}',
        b"[" * 10_000,
        b'{"Records": [{"eventName": "s3:ObjectCreated:Put"}]}',
    ],
)
def test_malformed_bodies_are_refused(body: bytes) -> None:
    """A body that is not an event raises BadRequestError."""
    with pytest.raises(BadRequestError):
        parse_event_records(body)


@pytest.mark.parametrize(
    "s3",
    [
        None,
        [],
        "s3",
        {},
        {"bucket": None, "object": {"key": "k"}},
        {"bucket": "raw", "object": {"key": "k"}},
        {"bucket": {"name": "raw"}, "object": None},
        {"bucket": {"name": "raw"}, "object": []},
        {"bucket": {"name": "raw"}, "object": "k"},
        {"bucket": {"name": "raw"}, "object": {}},
        {"bucket": {"name": "raw"}, "object": {"key": None}},
        {"bucket": {"name": "raw"}, "object": {"key": ["k"]}},
        {"bucket": {"name": "raw"}, "object": {"key": "a%00b"}},
        {"bucket": {"name": "raw"}, "object": {"key": "k", "size": "big"}},
        {"bucket": {"name": "raw"}, "object": {"key": "k", "eTag": {}}},
    ],
)
def test_malformed_records_are_refused(s3: object) -> None:
    """A record without bucket name or object key, or with wrong types, is refused."""
    with pytest.raises(BadRequestError):
        parse_event_records(json.dumps(_notification(s3=s3)).encode())


def test_refusal_quotes_nothing_of_the_body() -> None:
    """The error says what was expected and quotes nothing of the body."""
    with pytest.raises(BadRequestError) as caught:
        parse_event_records(b'{"bucket": 5, "key": "incoming/Doe^Jane"}')
    assert "Doe" not in str(caught.value)
    assert "Records" in str(caught.value)


@pytest.mark.parametrize(
    "event",
    [
        {"bucket": "raw", "key": "a" * 1025},
        {"bucket": "raw", "key": "é" * 513},
        {"bucket": "r" * 256, "key": "a"},
        {"bucket": "raw", "key": "a", "etag": "a" * 256},
        {"bucket": "raw", "key": "a", "etag": "a\x00b"},
        {"bucket": "raw", "key": "a", "etag": "a\nb"},
        {"Records": [{}] * 1001},
    ],
)
def test_values_over_the_limits_are_refused(event: dict) -> None:
    """Names and etags longer than S3 allows, and too many records, are refused before any database call."""
    with pytest.raises(BadRequestError) as caught:
        parse_event_records(orjson.dumps(event))
    assert "aaaa" not in str(caught.value)


def test_the_longest_key_is_accepted() -> None:
    """A key may have 1,024 bytes."""
    event = {"bucket": "raw", "key": "é" * 512, "etag": "a" * 255}
    assert ["é" * 512] == [record.key for record in parse_event_records(orjson.dumps(event))]


DOCUMENTED = sorted((ROOT / "tests" / "events" / "documented").glob("*.json"))


@pytest.mark.parametrize("path", DOCUMENTED, ids=lambda path: path.stem)
def test_notifications_of_other_stores_are_read(path: Path) -> None:
    """Events in the forms that Amazon, RustFS and Ceph document name the same object, with its true key."""
    expected = EventRecord("raw", "incoming/A study/CT%+ü 1.dcm", "9a0364b9e99bb480dd25e1f0284c8555", 7)
    assert [expected] == parse_event_records(path.read_bytes())


@pytest.mark.parametrize("size", ["", "-1", "7.0", "²", "1" * 19])
def test_a_size_in_a_text_is_a_number(size: str) -> None:
    """Ceph's documents show the size as a text of digits; another text is refused."""
    s3 = {"bucket": {"name": "raw"}, "object": {"key": "a", "size": size}}
    body = {"eventName": "ObjectCreated:Put", "s3": s3}
    with pytest.raises(BadRequestError):
        parse_event_records(json.dumps({"Records": [body]}).encode())
