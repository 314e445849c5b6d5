"""A server that accepts connections and never answers delays nobody beyond the time limits."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import urllib3
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from common.database import Database
from common.errors import DependencyAwayError
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from tests.faults.tcp_relay import Mode, TcpRelay
from tests.support.local_home import RunningHome

LIMIT_SECONDS = 2.0
GENEROUS_SECONDS = 20.0  # far below three default limits of 60 s, even on a busy machine
EVENTS = {
    "extract": {"bucket": "raw", "key": "incoming/hung/a.dcm"},
    "store_metadata": {"bucket": "metadata", "key": "incoming/a.json"},
    "quality": {"bucket": "images-1", "key": "a/b/c/d/1.png"},
    "annotations": {"bucket": "annotations", "key": "hung.csv"},
    "sweep": None,
    "poll_nas": None,
}


@pytest.fixture
def silent() -> Iterator[int]:
    """A TCP port that accepts connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(16)
        yield server.getsockname()[1]


@contextmanager
def _relays(home: RunningHome) -> Iterator[tuple[TcpRelay, TcpRelay]]:
    """A relay before the home's MinIO and one before its Postgres."""
    with ExitStack() as stack:
        minio = urlsplit("//" + home.endpoints["minio"]["endpoint"]).port
        postgres = int(conninfo_to_dict(home.endpoints["database_url"])["port"])
        started = [TcpRelay(port).start() for port in (minio, postgres)]
        for relay in started:
            stack.callback(relay.close)
        yield started[0], started[1]


def test_a_store_that_never_answers_is_away(silent: int) -> None:
    """Every call gives up after one time limit in total, not after one for each retry."""
    store = MinioStore(endpoint=f"127.0.0.1:{silent}", access_key="a", secret_key="b", timeout=LIMIT_SECONDS)
    version = ObjectVersion(Location("raw", "a"), "0" * 32, 1)
    calls = [
        lambda: store.stat(version.location),
        lambda: store.read(version),
        lambda: store.put(version.location, b"a", content_type="text/plain"),
        lambda: list(store.list_prefix("raw", "")),
        store.ping,
    ]
    for call in calls:
        started = time.monotonic()
        with pytest.raises(DependencyAwayError):
            call()
        assert time.monotonic() - started < 2 * LIMIT_SECONDS


def test_a_database_that_never_answers_is_away(silent: int) -> None:
    """The first connection gives up after the time limit."""
    database = Database(f"postgresql://a:b@127.0.0.1:{silent}/c", timeout=LIMIT_SECONDS)
    started = time.monotonic()
    with pytest.raises(DependencyAwayError):
        database.ping()
    assert time.monotonic() - started < GENEROUS_SECONDS
    database.close()


@pytest.fixture
def relays(home: RunningHome) -> Iterator[tuple[TcpRelay, TcpRelay]]:
    """Relays for one test."""
    with _relays(home) as relays:
        yield relays


def test_a_database_that_hangs_later_is_away_and_comes_back(
    home: RunningHome, relays: tuple[TcpRelay, TcpRelay]
) -> None:
    """An established connection gives up after its limit; afterwards a new connection works."""
    _, relay = relays
    url = make_conninfo(home.endpoints["database_url"], port=relay.port)
    database = Database(url, answer_seconds=LIMIT_SECONDS)
    database.ping()
    for within_a_transaction in (False, True):
        relay.switch(Mode.PASS)
        started = 0.0
        with pytest.raises(DependencyAwayError), database.transaction() as cursor:  # noqa: PT012 the statement that hangs is tested
            if not within_a_transaction:
                cursor.execute("select 1")
            relay.switch(Mode.HANG)
            started = time.monotonic()
            cursor.execute("select 1")
        assert 0 < time.monotonic() - started < GENEROUS_SECONDS
    relay.switch(Mode.PASS)
    database.ping()
    database.close()


Answer = tuple[str, int, float]  # what hangs, the status, and the seconds that it took


@pytest.fixture(scope="module")
def answers(home: RunningHome, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Answer]]:
    """The answers of all functions at once, while their servers answer, hang and answer again."""
    folders = [tmp_path_factory.mktemp(function) for function in EVENTS]
    with ThreadPoolExecutor(len(EVENTS)) as pool:
        return dict(zip(EVENTS, pool.map(partial(_answers, home), EVENTS, folders), strict=True))


def _answers(home: RunningHome, function: str, folder: Path) -> list[Answer]:
    nas = folder / "nas"  # a folder of its own: the process's log beside it must not be polled
    nas.mkdir()
    given = home.function_environment(function)
    with _relays(home) as (minio, postgres):
        environment = given | {
            "DCM2SET_MINIO_ENDPOINT": f"127.0.0.1:{minio.port}",
            "DATABASE_URL": make_conninfo(given["DATABASE_URL"], port=postgres.port),
            "DCM2SET_STORE_SECONDS": str(LIMIT_SECONDS),
            "DCM2SET_DATABASE_SECONDS": str(LIMIT_SECONDS),
            "DCM2SET_NAS_URL": nas.as_uri(),
            "WORKERS": "1",
        }
        with home.second_process(function, environment, folder) as url:

            def post(hangs: str) -> Answer:
                headers = {"Authorization": f"Bearer {home.endpoints['token']}"}
                started = time.monotonic()
                answer = urllib3.request(
                    "POST", url, json=EVENTS[function] or {}, headers=headers, timeout=90, retries=False
                )
                return hangs, answer.status, time.monotonic() - started

            found = [post("")]
            for name, relay in (("store", minio), ("database", postgres)):
                if (function, name) == ("poll_nas", "store"):
                    continue  # without files it does not call the store
                relay.switch(Mode.HANG)
                found.append(post(name))
                relay.switch(Mode.PASS)
                found.append(post(""))
            return found


@pytest.mark.parametrize("function", EVENTS)
def test_every_function_answers_503_within_its_limit(answers: dict[str, list[Answer]], function: str) -> None:
    """If a server hangs, an event or run is answered 503; once the server answers again, 200."""
    hung = ["database"] if function == "poll_nas" else ["store", "database"]
    assert hung == [hangs for hangs, _, _ in answers[function] if hangs]
    for hangs, status, seconds in answers[function]:
        assert (503 if hangs else 200) == status
        assert not hangs or seconds < GENEROUS_SECONDS
