"""Requests near and far from what functions take, over real HTTP: each is answered as documented.

300 requests to each function; DCM2SET_FUZZ_REQUESTS asks for more (`make fuzz`: 10,000). The same
requests come in every run.
"""

import json
import os
import socket
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import orjson
import pytest
import urllib3
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.store.object_key import ANNOTATIONS, METADATA, QUARANTINE, RAW
from infra.local.home import Home
from infra.provision.function_card import function_cards
from tests.support.factories import make_dataset, to_bytes
from tests.support.local_home import RunningHome, wait_for

REQUESTS = int(os.environ.get("DCM2SET_FUZZ_REQUESTS", "300"))
FUNCTIONS = [card.function for card in function_cards()]
PATIENT = "Zmfuzzname"
PLANTED = [
    f"{folder}/{PATIENT}^Jane/{fate}.dcm"
    for folder in ("incoming", "held")
    for fate in ("good", "bad", "text")
]
NO_RIGHT_TOKEN = ["", "wrong", "Bearer", "' or 1=1 --", "x" * 5000, "\x80\xff", "null"]
HOSTILE = [
    *("' or 1=1 --", "'; drop table ledger_item; --", '"; select pg_sleep(9); --', "\\'; --", "%s %(id)s %n"),
    *(
        "{0.__class__}",
        "$(touch /tmp/x)",
        "`id`",
        "; rm -rf /",
        "${jndi:ldap://127.0.0.1/x}",
        "<script>alert(1)",
    ),
    *(
        "../../etc/passwd",
        "/etc/passwd",
        "..",
        ".",
        "/",
        "//",
        "a//b",
        "incoming/../processed/a",
        "%00",
        "a%00b",
    ),
    *(
        "incoming/%2e%2e/a",
        "a\x00b",
        "\r\nSet-Cookie: a=b",
        "\u202egnp.1",
        "\ufeff",
        "\uffff",
        "\U0001f600",
        "é",
    ),
    *(
        "e\u0301",
        "s3://raw/incoming/a",
        "incoming/",
        "incoming/a.json",
        "incoming/a.dcm",
        "a.csv",
        "a/b/c/d/1.png",
    ),
    *(
        "a/b/c/d/99999999999999999999.png",
        "a/b/c/d/-1.png",
        "a/b/c/d/\u0661.png",
        "+",
        "%2B",
        "%",
        "%zz",
        "null",
    ),
    *("NaN", " ", "\t"),
]
# By what is told of them in a failure.
HUGE_TEXTS = {"1,025 times a": "a" * 1025, "700 folders": "a/" * 700, "200,000 times a": "a" * 200_000}
HUGE_BODIES = {
    "lists in lists": b"[" * 100_000,
    "objects in objects": b'{"a":' * 5000,
    "over the limit": b" " * 1_048_577,
    "a long number": b"9" * 10_000,
    "50,000 records": b'{"Records": [' + b",".join([b"{}"] * 50_000) + b"]}",
}
BUCKETS = [
    RAW,
    METADATA,
    ANNOTATIONS,
    QUARANTINE,
    "images-",
    "images-20260101t000000",
    "deidentified",
    "none",
    "",
]
# Where keys come from the pipeline itself, they are told in answers.
OF_PATIENTS = [RAW, QUARANTINE, "RAW", "raw ", "raw/incoming", "nowhere"]


@dataclass(frozen=True)
class Body:
    """What is sent; shown in short."""

    data: bytes

    def __repr__(self) -> str:
        return f"{self.data[:2000]!r}, {len(self.data)} bytes"


@dataclass(frozen=True)
class Sent:
    """One request."""

    method: str
    path: str
    headers: Mapping[str, str]
    token: str | None  # None: the right one
    body: "Body"

    def __repr__(self) -> str:
        return f"{self.method} {self.path} {dict(self.headers)} token={self.token!r:.40} {self.body}"


def _text() -> st.SearchStrategy[str]:
    huge = st.sampled_from(sorted(HUGE_TEXTS)).map(HUGE_TEXTS.__getitem__)
    words = (
        st.text(max_size=40)
        | st.sampled_from(HOSTILE)
        | st.integers(0, 20).flatmap(lambda n: st.text(max_size=9) if n else huge)
    )
    return words | st.tuples(st.sampled_from(["incoming/", "processed/", "held/", "../"]), words).map("".join)


def _numbers() -> st.SearchStrategy[object]:
    huge = st.sampled_from([2**31, 2**63 - 1, 2**63, 2**64, -1, -(2**63), 10**300])
    return st.integers() | huge | st.floats(allow_nan=False, allow_infinity=False)


def _anything() -> st.SearchStrategy[object]:
    leaves = st.none() | st.booleans() | _numbers() | _text()
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_text(), inner, max_size=4),
        max_leaves=12,
    )


def _odd(usual: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """Mostly what belongs there, at times anything."""
    return st.integers(0, 7).flatmap(lambda n: usual if n else _anything())


def _places() -> st.SearchStrategy[tuple[object, object]]:
    """Bucket and key."""
    planted = st.tuples(st.sampled_from(OF_PATIENTS), st.sampled_from(PLANTED))
    return planted | st.tuples(_odd(st.sampled_from(BUCKETS) | _text()), _odd(_text()))


def _versions() -> st.SearchStrategy[dict]:
    etags = st.sampled_from(["0" * 32, '"abc"', "", "a" * 10_000]) | _text()
    return st.fixed_dictionaries({}, optional={"etag": _odd(etags), "size": _odd(st.integers(0, 10**6))})


def _events() -> st.SearchStrategy[object]:
    """What people with curl send, nearly."""
    return st.tuples(_places(), _versions(), st.dictionaries(_text(), _anything(), max_size=1)).map(
        lambda parts: {**parts[2], "bucket": parts[0][0], "key": parts[0][1], **parts[1]}
    )


def _records() -> st.SearchStrategy[object]:
    """What MinIO sends, nearly."""
    names = st.sampled_from(["s3:ObjectCreated:Put", "ObjectCreated:Copy", "s3:ObjectRemoved:Delete"])
    return st.lists(st.tuples(_odd(names), _places(), _versions(), _anything()).map(_record), max_size=3).map(
        lambda records: {"EventName": "s3:ObjectCreated:Put", "Records": records}
    )


def _record(parts: tuple) -> object:
    name, (bucket, key), version, other = parts
    found = {"key": quote(key.encode("utf-8", "replace")) if isinstance(key, str) else key}
    found |= {"eTag" if part == "etag" else part: value for part, value in version.items()}
    return {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": found}, "x": other}


def _as_json(document: object) -> bytes:
    # Python's own writer has numbers and lone surrogates that others refuse to write.
    return json.dumps(document).encode()


def _spoiled(body: bytes, place: int, change: bytes) -> bytes:
    at = place % (len(body) + 1)
    return body[:at] + change + body[at + len(change) :]


def _bodies() -> st.SearchStrategy[bytes]:
    right = (_events() | _records()).map(_as_json)
    spoiled = st.builds(_spoiled, right, st.integers(0, 10_000), st.binary(max_size=4))
    odd = [
        b"",
        b"{}",
        b" {} ",
        b"[]",
        b"null",
        b"[" * 100_000,
        b'{"a":' * 5000,
        b"{} {}",
        b"\xff\xfe{\x00}\x00",
    ]
    odd += [b"1e999999", b"NaN", b'{"Records": []}', b'{"bucket": "raw", "bucket": 1}', b"\xef\xbb\xbf{}"]
    odd += [b'{"key": "\\ud800", "bucket": "raw"}']
    huge = st.sampled_from(sorted(HUGE_BODIES)).map(HUGE_BODIES.__getitem__)
    return (
        right
        | right
        | right
        | spoiled
        | _anything().map(_as_json)
        | st.sampled_from(odd)
        | huge
        | st.binary()
    )


def _mostly(usual: object, others: list) -> st.SearchStrategy:
    """In nine of ten cases the usual."""
    return st.integers(0, 9).flatmap(lambda n: st.sampled_from(others) if n == 7 else st.just(usual))


def _requests() -> st.SearchStrategy[Sent]:
    methods = _mostly("POST", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "X"])
    paths = ["/a", "//", "/%00", "/..%2f..", "/favicon.ico", "/robots.txt", "/?a=b", f"/{PATIENT}"]
    names = ["Content-Type", "X-Forwarded-For", "Host", "Cookie", "Accept", "Ce-Id", "Ce-Type", "Range"]
    values = [
        "",
        "a",
        "application/json; charset=utf-16",
        "multipart/form-data",
        "x" * 4000,
        "é",
        "' --",
        PATIENT,
    ]
    headers = st.dictionaries(st.sampled_from(names), st.sampled_from(values), max_size=2)
    tokens = _mostly(None, NO_RIGHT_TOKEN)
    return st.builds(Sent, methods, _mostly("/", paths), headers, tokens, _bodies().map(Body))


@pytest.fixture(scope="module")
def fuzzed_home(start_home, tmp_path_factory) -> RunningHome:
    """A home of its own with files of a patient in every state, below a path that names the patient."""
    nas = tmp_path_factory.mktemp("nas")
    home = start_home(
        DCM2SET_NAS_URL=f"file://{nas}",
        DCM2SET_NAS_QUIET_SECONDS="0",
        DCM2SET_NAS_POLL_SECONDS="3600",
        DCM2SET_SWEEP_SECONDS="3600",
        DCM2SET_SWEEP_LIMIT="2",
        DCM2SET_SWEEP_GRACE_SECONDS="0",
    )
    for number, key in enumerate(PLANTED):
        ds = make_dataset()
        ds.PatientName, ds.PatientID, ds.SOPInstanceUID = f"{PATIENT}^Jane", PATIENT, f"2.25.77{number}"
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        if "text" in key:
            ds.Modality = "XC"
        body = to_bytes(ds)
        home.put(key, body[:300] if "bad" in key else body)
        if key.startswith("incoming/"):
            home.settled("extract", key)
    (nas / f"{PATIENT}^Jane").mkdir()
    (nas / f"{PATIENT}^Jane" / "file.dcm").write_bytes(to_bytes(make_dataset()))
    return home


class Talk:
    """One function's end of the talk, and what it answered so far."""

    def __init__(self, home: RunningHome, function: str) -> None:
        self.url, self._token = home.endpoints["functions"][function], home.endpoints["token"]
        self._pool = urllib3.PoolManager(retries=False, timeout=60)
        self.statuses: Counter[int] = Counter()

    def send(self, sent: Sent) -> None:
        """Send one request, and hold its answer against what is documented."""
        token = self._token if sent.token is None else sent.token
        headers = {**sent.headers, "Authorization": f"Bearer {token}"}
        answer = self._pool.request(
            sent.method, self.url.rstrip("/") + sent.path, body=sent.body.data, headers=_latin(headers)
        )
        self.statuses[answer.status] += 1
        assert answer.status in {200, 400, 401, 404, 405, 429, 503}, answer.data
        assert answer.status != 200 or sent.token is None or sent.method in {"GET", "HEAD"}
        for word in (
            b"Traceback",
            b'File "',
            PATIENT.encode(),
            self._token.encode(),
            b"/home/",
            b"psycopg",
            b"S3Error",
        ):
            assert word not in answer.data, answer.data
        # A host that is none is refused before any function is asked, in the server's own words.
        is_asked = not (answer.status == 400 and "Host" in sent.headers)
        if is_asked and sent.method in {"POST", "PUT", "DELETE", "PATCH"} and answer.status not in {401, 404}:
            assert isinstance(orjson.loads(answer.data), dict)
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0
            assert b"Unexpected" not in answer.data, answer.data


def _latin(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value.encode("latin-1", "replace").decode("latin-1") for name, value in headers.items()}


def test_each_request_is_answered_as_documented(fuzzed_home: RunningHome) -> None:
    """Any request gets a documented status; nothing told names a patient, a secret or a fault of the code."""
    talks = {function: Talk(fuzzed_home, function) for function in FUNCTIONS}

    @settings(
        max_examples=REQUESTS,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(sent=_requests())
    def fuzz(sent: Sent) -> None:
        for talk in talks.values():
            talk.send(sent)

    fuzz()
    _assert_nothing_told(fuzzed_home)
    assert wait_for(fuzzed_home.is_up, seconds=60)
    for function, talk in talks.items():
        print(function, talk.statuses.total(), dict(sorted(talk.statuses.items())))  # noqa: T201
        assert talk.statuses.total() >= REQUESTS
        assert {200, 400, 401, 404, 405} <= set(talk.statuses)


def _assert_nothing_told(home: RunningHome) -> None:
    """No log of the home holds a patient, a secret or a traceback."""
    secrets = Home(home.folder).secrets()
    words = [
        "Traceback",
        PATIENT,
        secrets.token,
        secrets.pseudonym_key,
        secrets.minio_password,
        secrets.postgres_password,
    ]
    words += [*secrets.minio_keys.values(), *secrets.postgres_keys.values()]
    for path in (home.folder / "log").iterdir():
        text = path.read_text(encoding="utf-8", errors="replace")
        assert [] == [word for word in words if word in text], path.name


RAW_REQUESTS = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 100,
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{}",
    b"POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    b"POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Length: 50\r\n\r\n{}",
    b"POST / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer %s\r\nContent-Encoding: gzip\r\n\r\n{}",
    b"POST /%s HTTP/1.1\r\n" + b"A: b\r\n" * 2000 + b"\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    b"POST " + b"/a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\r\nBad Header\r\n\r\n",
    b"POST / HTTP/1.1\r\nHost: a\nX-Smuggled: b\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET / HTTP/1.1\r\n\r\n",
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_no_http_harms_nothing(fuzzed_home: RunningHome, function: str) -> None:
    """Broken HTTP is refused or cut off, without a fault of the code, and the function goes on."""
    target = urlsplit(fuzzed_home.endpoints["functions"][function])
    token = fuzzed_home.endpoints["token"].encode()
    for raw in RAW_REQUESTS:
        answer = b""
        with socket.create_connection((target.hostname, target.port), timeout=60) as connection:
            try:
                connection.sendall(raw.replace(b"%s", token))
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    answer += piece
            except ConnectionError:
                pass  # cut off: also an answer
        assert not answer.startswith((b"HTTP/1.1 500", b"HTTP/1.0 500")), (raw[:80], answer)
        assert not [word for word in (b"Traceback", token, PATIENT.encode()) if word in answer], answer
    _assert_nothing_told(fuzzed_home)
    assert wait_for(fuzzed_home.is_up, seconds=60)
