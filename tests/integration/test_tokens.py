"""A new token for a running home, under load."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from threading import Event, Thread

import pytest
import urllib3
from minio import Minio
from minio.error import MinioException

from infra.local.home import Home
from infra.local.token_rotation import rotate
from tests.support.local_home import RunningHome, wait_for
from tests.support.real_files import make_instance

FUNCTIONS = ("extract", "store_metadata", "quality", "annotations", "sweep")


@pytest.fixture(scope="module")
def busy_home(start_home) -> RunningHome:
    """An own home with frequent sweeps."""
    return start_home(DCM2SET_SWEEP_SECONDS="1", DCM2SET_RETRY_SECONDS="1")


class Load:
    """Uploads files and calls functions all the time, with the current token and with the first one."""

    def __init__(self, home: RunningHome) -> None:
        minio = home.endpoints["minio"]
        self._home, self._ended = home, Event()
        self._threads: list[Thread] = []
        self._client = Minio(minio["endpoint"], minio["access_key"], minio["secret_key"], secure=False)
        self._first_token = home.endpoints["token"]
        self.uploaded: list[str] = []
        self.answers: Counter[int] = Counter()
        self.answers_to_first_token: Counter[int] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the load in three threads."""
        self._threads = [
            Thread(target=each) for each in (self._upload, self._call, self._call_with_first_token)
        ]
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self.end()

    @property
    def is_running(self) -> bool:
        """Whether the load is still running."""
        return not self._ended.is_set()

    def end(self) -> None:
        """End the load; every request that was sent is answered."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _upload(self) -> None:
        while not self._ended.is_set():
            key, body = (
                f"incoming/load/{len(self.uploaded)}.dcm",
                make_instance(len(self.uploaded), patient=901),
            )
            # A store that restarts does not answer, or interrupts the request (`ClientDisconnected`).
            with suppress(urllib3.exceptions.HTTPError, MinioException):
                self._client.put_object("raw", key, BytesIO(body), len(body))
                self.uploaded.append(key)

    def _call(self) -> None:
        while not self._ended.is_set():
            token = json.loads((self._home.folder / "endpoints.json").read_text())["token"]
            self._call_all(token, self.answers)

    def _call_with_first_token(self) -> None:
        while not self._ended.is_set():
            self._call_all(self._first_token, self.answers_to_first_token)

    def _call_all(self, token: str, answers: Counter[int]) -> None:
        for name in FUNCTIONS:
            body = b"" if name == "sweep" else b'{"bucket": "raw", "key": "nowhere"}'
            headers = {"Authorization": f"Bearer {token}"}
            url = self._home.endpoints["functions"][name]
            answers[urllib3.request("POST", url, body=body, headers=headers, timeout=60).status] += 1


def _refused_by(home: RunningHome) -> list[str]:
    """The functions that logged a refused caller."""
    return [name for name in FUNCTIONS if "unauthorised" in (home.folder / "log" / f"{name}.log").read_text()]


def test_rotation_under_load_refuses_and_loses_nothing(busy_home: RunningHome) -> None:
    """While the token changes, no request is refused and no event lost; then the old token is refused."""
    old, load = busy_home.endpoints["token"], Load(busy_home)

    def follow(sentence: str) -> None:
        """Let the load run for a while in each phase, and end it before the old token is refused."""
        before = len(load.uploaded)
        assert wait_for(lambda: len(load.uploaded) > before + 10, seconds=120)
        if sentence.startswith("MinIO"):
            load.end()

    with load.running():
        follow("before the rotation")
        rotate(Home(busy_home.folder), overlap=0, say=lambda sentence: load.is_running and follow(sentence))
    answers = load.answers + load.answers_to_first_token
    assert set(answers) <= {200, 503}, answers  # 503: the store was away longer than a request waits
    assert answers[503] < answers[200]
    assert [] == _refused_by(busy_home)
    del busy_home.endpoints  # so that they are read again
    for key in load.uploaded:
        assert "extracted" == busy_home.settled("extract", key, seconds=240)["outcome"]
    assert 0 == busy_home.wait_until_idle()["balance"]["files_difference"]
    for name in FUNCTIONS:
        assert 401 == busy_home.post(name, b"{}", token=old).status
        assert 401 != busy_home.post(name, b"{}").status
    assert set(FUNCTIONS) == set(_refused_by(busy_home))
    number = load.answers.total() + load.answers_to_first_token.total()
    print(f"{len(load.uploaded)} files, {number} requests")  # noqa: T201


def test_events_have_the_new_token(busy_home: RunningHome) -> None:
    """After a rotation MinIO sends the new token: no event is refused, and files are processed."""
    done = busy_home.run_cli("rotate-token", "--overlap", "0")
    assert (0, "") == (done.returncode, done.stderr)
    del busy_home.endpoints
    assert (busy_home.folder / "tokens").read_text() == busy_home.endpoints["token"] + "\n"
    assert (busy_home.folder / "prometheus" / "token").read_text() == busy_home.endpoints["token"]
    busy_home.put("incoming/after.dcm", make_instance(1, patient=902))
    assert "extracted" == busy_home.settled("extract", "incoming/after.dcm")["outcome"]
