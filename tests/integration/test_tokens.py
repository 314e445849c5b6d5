"""Another token for a running home, under load."""

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
    """A home of the test's own, that sweeps often."""
    return start_home(DCM2SET_SWEEP_SECONDS="1", DCM2SET_SWEEP_GRACE_SECONDS="2", DCM2SET_RETRY_SECONDS="1")


class Load:
    """Uploads files and asks functions all the time, with the token of the moment and with a kept one."""

    def __init__(self, home: RunningHome) -> None:
        told = home.endpoints["minio"]
        self._home, self._ended = home, Event()
        self._threads: list[Thread] = []
        self._client = Minio(told["endpoint"], told["access_key"], told["secret_key"], secure=False)
        self._kept = home.endpoints["token"]
        self.uploaded: list[str] = []
        self.answers: Counter[int] = Counter()
        self.answers_to_kept: Counter[int] = Counter()

    @contextmanager
    def running(self) -> Iterator[None]:
        """The load, in three threads."""
        self._threads = [Thread(target=each) for each in (self._upload, self._ask, self._ask_with_kept)]
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self.end()

    @property
    def is_running(self) -> bool:
        """Whether it has not been ended."""
        return not self._ended.is_set()

    def end(self) -> None:
        """End it; every request that was made is answered."""
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _upload(self) -> None:
        while not self._ended.is_set():
            key, body = (
                f"incoming/load/{len(self.uploaded)}.dcm",
                make_instance(len(self.uploaded), patient=901),
            )
            # A store that restarts is away, or has ended the request (`ClientDisconnected`): again.
            with suppress(urllib3.exceptions.HTTPError, MinioException):
                self._client.put_object("raw", key, BytesIO(body), len(body))
                self.uploaded.append(key)

    def _ask(self) -> None:
        while not self._ended.is_set():
            token = json.loads((self._home.folder / "endpoints.json").read_text())["token"]
            self._ask_all(token, self.answers)

    def _ask_with_kept(self) -> None:
        while not self._ended.is_set():
            self._ask_all(self._kept, self.answers_to_kept)

    def _ask_all(self, token: str, answers: Counter[int]) -> None:
        for name in FUNCTIONS:
            body = b"" if name == "sweep" else b'{"bucket": "raw", "key": "nowhere"}'
            headers = {"Authorization": f"Bearer {token}"}
            url = self._home.endpoints["functions"][name]
            answers[urllib3.request("POST", url, body=body, headers=headers, timeout=60).status] += 1


def _refused_by(home: RunningHome) -> list[str]:
    """The functions that told of a refused caller."""
    return [name for name in FUNCTIONS if "unauthorised" in (home.folder / "log" / f"{name}.log").read_text()]


def test_rotation_under_load_refuses_and_loses_nothing(busy_home: RunningHome) -> None:
    """Files and requests come in while the token changes: no 401, no event lost; then the old one ends."""
    old, load = busy_home.endpoints["token"], Load(busy_home)

    def follow(told: str) -> None:
        """The load goes on in each phase, and ends before the old token does."""
        before = len(load.uploaded)
        assert wait_for(lambda: len(load.uploaded) > before + 10, seconds=120)
        if told.startswith("MinIO"):
            load.end()

    with load.running():
        follow("before the rotation")
        rotate(Home(busy_home.folder), overlap=0, tell=lambda told: load.is_running and follow(told))
    assert {200} == set(load.answers) | set(load.answers_to_kept), (load.answers, load.answers_to_kept)
    assert [] == _refused_by(busy_home)
    del busy_home.endpoints  # read anew
    for key in load.uploaded:
        assert "extracted" == busy_home.settled("extract", key, seconds=240)["outcome"]
    assert 0 == busy_home.wait_until_idle()["balance"]["files_difference"]
    for name in FUNCTIONS:
        assert 401 == busy_home.post(name, b"{}", token=old).status
        assert 401 != busy_home.post(name, b"{}").status
    assert set(FUNCTIONS) == set(_refused_by(busy_home))
    print(f"{len(load.uploaded)} files, {load.answers.total() + load.answers_to_kept.total()} requests")  # noqa: T201


def test_events_come_with_the_new_token(busy_home: RunningHome) -> None:
    """After a rotation MinIO itself sends the new token: nobody is refused, and files are worked on."""
    done = busy_home.run_cli("rotate-token", "--overlap", "0")
    assert (0, "") == (done.returncode, done.stderr)
    del busy_home.endpoints
    assert (busy_home.folder / "tokens").read_text() == busy_home.endpoints["token"] + "\n"
    busy_home.put("incoming/after.dcm", make_instance(1, patient=902))
    assert "extracted" == busy_home.settled("extract", "incoming/after.dcm")["outcome"]


def test_a_token_of_the_user_s_own_is_changed_by_the_user(start_home) -> None:
    """With DCM2SET_TOKEN set, the command changes nothing and says where the token comes from."""
    home = start_home(DCM2SET_TOKEN="a-token-of-the-user-s", DCM2SET_TOKEN_BEFORE="b" * 16)
    for token in ("a-token-of-the-user-s", "b" * 16):
        assert 200 == home.post("sweep", token=token).status
    done = home.run_cli("rotate-token")
    assert 2 == done.returncode
    assert "DCM2SET_TOKEN" in done.stderr
    assert 200 == home.post("sweep", token="a-token-of-the-user-s").status
    home.end()
