"""Hypothesis strategies for HTTP requests to functions: valid, almost valid and hostile."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from common.store.object_key import ANNOTATIONS, METADATA, QUARANTINE, RAW
from tests.support.envelopes import ENVELOPES

PATIENT = "Zmfuzzname"
PLANTED_KEYS = [
    f"{folder}/{PATIENT}^Jane/{file}.dcm"
    for folder in ("incoming", "held")
    for file in ("good", "bad", "text")
]
WRONG_TOKENS = ["", "wrong", "Bearer", "' or 1=1 --", "x" * 5000, "\x80\xff", "null"]
HOSTILE_TEXTS = [
    *("' or 1=1 --", "'; drop table ledger_item; --", '"; select pg_sleep(9); --', "\\'; --", "%s %(id)s %n"),
    *("{0.__class__}", "$(touch /tmp/x)", "`id`", "; rm -rf /", "${jndi:ldap://127.0.0.1/x}"),
    *("<script>alert(1)", "../../etc/passwd", "/etc/passwd", "..", ".", "/", "//", "a//b"),
    *("incoming/../processed/a", "%00", "a%00b", "incoming/%2e%2e/a", "a\x00b", "\r\nSet-Cookie: a=b"),
    *("\u202egnp.1", "\ufeff", "\uffff", "\U0001f600", "é", "e\u0301", "s3://raw/incoming/a"),
    *("incoming/", "incoming/a.json", "incoming/a.dcm", "a.csv", "a/b/c/d/1.png"),
    *("a/b/c/d/99999999999999999999.png", "a/b/c/d/-1.png", "a/b/c/d/\u0661.png"),
    *("+", "%2B", "%", "%zz", "null", "NaN", " ", "\t"),
]
# Sampled by name, so that Hypothesis reports the name and not the text.
HUGE_TEXTS = {"1,025 times a": "a" * 1025, "700 folders": "a/" * 700, "200,000 times a": "a" * 200_000}
HUGE_BODIES = {
    "lists in lists": b"[" * 100_000,
    "objects in objects": b'{"a":' * 5000,
    "over the limit": b" " * 1_048_577,
    "a long number": b"9" * 10_000,
    "50,000 records": b'{"Records": [' + b",".join([b"{}"] * 50_000) + b"]}",
}
ODD_BODIES = [
    *(b"", b"{}", b" {} ", b"[]", b"null", b"[" * 100_000, b'{"a":' * 5000, b"{} {}", b"\xff\xfe{\x00}\x00"),
    *(b"1e999999", b"NaN", b'{"Records": []}', b'{"bucket": "raw", "bucket": 1}', b"\xef\xbb\xbf{}"),
    b'{"key": "\\ud800", "bucket": "raw"}',
]
BUCKETS = [
    *(RAW, METADATA, ANNOTATIONS, QUARANTINE, "images-", "images-20260101t000000", "deidentified"),
    *("none", ""),
]
# Keys that name a patient are used with these buckets only: answers repeat keys of all other buckets.
BUCKETS_OF_PATIENTS = [RAW, QUARANTINE, "RAW", "raw ", "raw/incoming", "nowhere"]
METHODS = ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "X"]
PATHS = ["/a", "//", "/%00", "/..%2f..", "/favicon.ico", "/robots.txt", "/?a=b", f"/{PATIENT}"]
HEADER_NAMES = [
    *("Content-Type", "X-Forwarded-For", "Host", "Cookie", "Accept", "Range"),
    *("Ce-Id", "Ce-Type", "Ce-Specversion", "Ce-Source"),
]
HEADER_VALUES = [
    *("1.0", "application/cloudevents+json", "application/cloudevents-batch+json"),
    *("", "a", "application/json; charset=utf-16", "multipart/form-data", "x" * 4000, "é", "' --", PATIENT),
]


@dataclass(frozen=True)
class Body:
    """The body of a request; its representation is cut at 2,000 bytes."""

    data: bytes

    def __repr__(self) -> str:
        return f"{self.data[:2000]!r}, {len(self.data)} bytes"


@dataclass(frozen=True)
class FuzzRequest:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    token: str | None  # None: the right token
    body: Body

    def __repr__(self) -> str:
        return f"{self.method} {self.path} {dict(self.headers)} token={self.token!r:.40} {self.body}"

    def _repr_pretty_(self, printer: Any, _is_cycle: bool) -> None:
        # Otherwise Hypothesis prints the strategies' arguments, and fails with a warning where they are huge.
        printer.text(repr(self))


def fuzz_requests() -> st.SearchStrategy[FuzzRequest]:
    """Requests that are mostly POST to / with the right token and an almost valid body."""
    methods, paths = _mostly("POST", METHODS), _mostly("/", PATHS)
    headers = st.dictionaries(st.sampled_from(HEADER_NAMES), st.sampled_from(HEADER_VALUES), max_size=2)
    return st.builds(FuzzRequest, methods, paths, headers, _mostly(None, WRONG_TOKENS), _bodies().map(Body))


def _mostly(usual: object, others: list[str]) -> st.SearchStrategy[Any]:
    """The usual value in nine of ten cases."""
    return st.integers(0, 9).flatmap(lambda n: st.sampled_from(others) if n == 7 else st.just(usual))


def _bodies() -> st.SearchStrategy[bytes]:
    events = _simple_events() | _notifications()
    valid = (events | events | _enveloped(events)).map(_as_json)
    spoiled = st.builds(_spoiled, valid, st.integers(0, 10_000), st.binary(max_size=4))
    huge = st.sampled_from(sorted(HUGE_BODIES)).map(HUGE_BODIES.__getitem__)
    odd = st.sampled_from(ODD_BODIES)
    return valid | valid | valid | spoiled | _any_json().map(_as_json) | odd | huge | st.binary()


def _as_json(document: object) -> bytes:
    # json writes numbers and lone surrogates that orjson refuses to write.
    return json.dumps(document).encode()


def _spoiled(body: bytes, position: int, change: bytes) -> bytes:
    at = position % (len(body) + 1)
    return body[:at] + change + body[at + len(change) :]


def _simple_events() -> st.SearchStrategy[object]:
    """Events almost as a person sends them with curl."""
    return st.tuples(_locations(), _versions(), st.dictionaries(_text(), _any_json(), max_size=1)).map(
        lambda parts: {**parts[2], "bucket": parts[0][0], "key": parts[0][1], **parts[1]}
    )


def _notifications() -> st.SearchStrategy[object]:
    """Notifications almost as MinIO sends them."""
    names = st.sampled_from(["s3:ObjectCreated:Put", "ObjectCreated:Copy", "s3:ObjectRemoved:Delete"])
    parts = st.tuples(_mostly_valid(names), _locations(), _versions(), _any_json())
    return st.lists(parts.map(_record), max_size=3).map(
        lambda records: {"EventName": "s3:ObjectCreated:Put", "Records": records}
    )


def _record(parts: tuple[Any, ...]) -> object:
    name, (bucket, key), version, other = parts
    found = {"key": quote(key.encode("utf-8", "replace")) if isinstance(key, str) else key}
    found |= {"eTag" if part == "etag" else part: value for part, value in version.items()}
    return {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": found}, "x": other}


def _enveloped(events: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Events within messages of other services, also within several, and within messages that are changed."""
    names = st.lists(st.sampled_from([*ENVELOPES, "changed"]), min_size=1, max_size=8)
    bridge = st.tuples(_locations(), _versions()).map(
        lambda parts: {
            "detail-type": "Object Created",
            "source": "aws.s3",
            "detail": {"bucket": {"name": parts[0][0]}, "object": {"key": parts[0][1], **parts[1]}},
        }
    )
    return st.builds(_wrapped, events | bridge | _any_json(), names, _text(), _any_json())


def _wrapped(event: object, names: list[str], key: str, value: object) -> object:
    for name in names:
        if name != "changed":
            event = ENVELOPES[name](event)
        elif isinstance(event, dict) and event:
            event = {**event, next(iter(event)): value, key: value}
    return event


def _locations() -> st.SearchStrategy[tuple[object, object]]:
    """Buckets and keys."""
    planted = st.tuples(st.sampled_from(BUCKETS_OF_PATIENTS), st.sampled_from(PLANTED_KEYS))
    others = st.tuples(_mostly_valid(st.sampled_from(BUCKETS) | _text()), _mostly_valid(_text()))
    return planted | others


def _versions() -> st.SearchStrategy[dict[str, object]]:
    etags = st.sampled_from(["0" * 32, '"abc"', "", "a" * 10_000]) | _text()
    sizes = st.integers(0, 10**6)
    return st.fixed_dictionaries({}, optional={"etag": _mostly_valid(etags), "size": _mostly_valid(sizes)})


def _mostly_valid(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """The usual values in seven of eight cases, otherwise any JSON value."""
    return st.integers(0, 7).flatmap(lambda n: usual if n else _any_json())


def _any_json() -> st.SearchStrategy[object]:
    leaves = st.none() | st.booleans() | _numbers() | _text()
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text(), inner, max_size=4),
        max_leaves=12,
    )


def _numbers() -> st.SearchStrategy[object]:
    huge = st.sampled_from([2**31, 2**63 - 1, 2**63, 2**64, -1, -(2**63), 10**300])
    return st.integers() | huge | st.floats(allow_nan=False, allow_infinity=False)


def _text() -> st.SearchStrategy[str]:
    huge = st.sampled_from(sorted(HUGE_TEXTS)).map(HUGE_TEXTS.__getitem__)
    words = (
        st.text(max_size=40)
        | st.sampled_from(HOSTILE_TEXTS)
        | st.integers(0, 20).flatmap(lambda n: st.text(max_size=9) if n else huge)
    )
    return words | st.tuples(st.sampled_from(["incoming/", "processed/", "held/", "../"]), words).map("".join)
