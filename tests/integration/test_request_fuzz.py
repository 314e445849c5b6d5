"""Random requests over real HTTP: each is answered as documented.

300 requests to each function; DCM2SET_FUZZ_REQUESTS sets another number (`make fuzz`: 10,000).
Every run sends the same requests.
"""

import os
import socket
from collections import Counter
from collections.abc import Mapping
from urllib.parse import urlsplit

import orjson
import pytest
import urllib3
from hypothesis import HealthCheck, example, given, settings

from infra.local.home import Home
from infra.provision.function_card import function_cards
from tests.support.factories import make_dataset, to_bytes
from tests.support.fuzz_requests import PATIENT, PLANTED_KEYS, Body, FuzzRequest, fuzz_requests
from tests.support.local_home import RunningHome, wait_for

REQUESTS = int(os.environ.get("DCM2SET_FUZZ_REQUESTS", "300"))
FUNCTIONS = [card.function for card in function_cards()]
NEVER_IN_ANSWERS = (b"Traceback", b'File "', PATIENT.encode(), b"/home/", b"psycopg", b"S3Error")


@pytest.fixture(scope="module")
def fuzzed_home(start_home, tmp_path_factory) -> RunningHome:
    """A home with a patient's files in every state, whose paths contain the patient's name."""
    nas = tmp_path_factory.mktemp("nas")
    home = start_home(
        DCM2SET_NAS_URL=f"file://{nas}",
        DCM2SET_NAS_QUIET_SECONDS="0",
        DCM2SET_NAS_POLL_SECONDS="3600",
        DCM2SET_SWEEP_SECONDS="3600",
    )
    for number, key in enumerate(PLANTED_KEYS):
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


class FunctionClient:
    """Sends requests to one function, checks the answers and counts their statuses."""

    def __init__(self, home: RunningHome, function: str) -> None:
        self.url, self._token = home.endpoints["functions"][function], home.endpoints["token"]
        self._pool = urllib3.PoolManager(retries=False, timeout=60)
        self.statuses: Counter[int] = Counter()

    def send(self, sent: FuzzRequest) -> None:
        """Send one request, and check that its answer is as documented."""
        token = self._token if sent.token is None else sent.token
        headers = {**sent.headers, "Authorization": f"Bearer {token}"}
        answer = self._pool.request(
            sent.method, self.url.rstrip("/") + sent.path, body=sent.body.data, headers=_latin(headers)
        )
        self.statuses[answer.status] += 1
        assert answer.status in {200, 400, 401, 404, 405, 429, 503}, answer.data
        assert answer.status != 200 or sent.token is None or sent.method in {"GET", "HEAD"}
        for word in (*NEVER_IN_ANSWERS, self._token.encode()):
            assert word not in answer.data, answer.data
        # gunicorn itself answers 400 to an invalid Host header, and not in JSON.
        is_from_function = not (answer.status == 400 and "Host" in sent.headers)
        has_json = sent.method in {"POST", "PUT", "DELETE", "PATCH"} and answer.status not in {401, 404}
        if is_from_function and has_json:
            assert isinstance(orjson.loads(answer.data), dict)
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) > 0
            assert b"Unexpected" not in answer.data, answer.data


def _latin(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value.encode("latin-1", "replace").decode("latin-1") for name, value in headers.items()}


def test_each_request_is_answered_as_documented(fuzzed_home: RunningHome) -> None:
    """Each answer has a documented status, and names no patient, secret or error of the code."""
    clients = {function: FunctionClient(fuzzed_home, function) for function in FUNCTIONS}

    @settings(
        max_examples=REQUESTS,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(sent=fuzz_requests())
    @example(sent=FuzzRequest("POST", "/favicon.ico", {}, None, Body(b"")))
    @example(sent=FuzzRequest("PUT", "/", {}, None, Body(b"")))
    @example(sent=FuzzRequest("POST", "/", {}, "wrong", Body(b"")))
    def fuzz(sent: FuzzRequest) -> None:
        for client in clients.values():
            client.send(sent)

    fuzz()
    _assert_logs_are_clean(fuzzed_home)
    assert wait_for(fuzzed_home.is_up, seconds=60)
    for function, client in clients.items():
        print(function, client.statuses.total(), dict(sorted(client.statuses.items())))  # noqa: T201
        assert client.statuses.total() >= REQUESTS
        assert {200, 400, 401, 404, 405} <= set(client.statuses)


def _assert_logs_are_clean(home: RunningHome) -> None:
    """No log of the home contains a patient's name, a secret or a traceback."""
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


INVALID_HTTP = [
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
def test_invalid_http_does_no_harm(fuzzed_home: RunningHome, function: str) -> None:
    """Invalid HTTP is refused or the connection is closed, without an error of the code."""
    target = urlsplit(fuzzed_home.endpoints["functions"][function])
    token = fuzzed_home.endpoints["token"].encode()
    for raw in INVALID_HTTP:
        answer = b""
        with socket.create_connection((target.hostname, target.port), timeout=60) as connection:
            try:
                connection.sendall(raw.replace(b"%s", token))
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    answer += piece
            except ConnectionError:
                pass  # a closed connection is an answer too
        assert not answer.startswith((b"HTTP/1.1 500", b"HTTP/1.0 500")), (raw[:80], answer)
        assert not [word for word in (b"Traceback", token, PATIENT.encode()) if word in answer], answer
    _assert_logs_are_clean(fuzzed_home)
    assert wait_for(fuzzed_home.is_up, seconds=60)
