"""The timers of a home."""

import http.server
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest
import urllib3

from common.errors import SettingsError
from common.settings import load_settings
from common.tokens import Tokens
from infra.local import timers
from infra.local.timers import run_until_finished, running_timers
from infra.provision.function_card import function_cards
from tests.support.free_ports import free_port
from tests.support.local_home import wait_for
from tests.support.repository import ROOT

_TOKEN = "a-token-of-timers"


class _Server(http.server.ThreadingHTTPServer):
    answers: list[bytes]
    requests = 0
    tokens: set[str | None]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        self.server.tokens.add(self.headers["Authorization"])
        answer = self.server.answers[min(self.server.requests, len(self.server.answers) - 1)]
        self.server.requests += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def _answering(*answers: bytes) -> Iterator[_Server]:
    """A function that gives these answers in turn, and then the last one again and again."""
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.answers, server.tokens = list(answers), set()
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _is_called(server: _Server, times: int) -> bool | None:
    """Whether the timer has called it that many times; its interval is an hour."""
    url = f"http://127.0.0.1:{server.server_port}/"
    settings = load_settings(sweep_seconds=3600, nas_poll_seconds=3600)
    elsewhere = f"http://127.0.0.1:{free_port()}/"  # nothing listens there
    urls = {card.function: url if card.function == "sweep" else elsewhere for card in function_cards()}
    with running_timers(urls, settings, tokens=Tokens.of(_TOKEN)):
        return wait_for(lambda: server.requests >= times or None, seconds=30)


def test_an_unfinished_run_is_followed_by_the_next_at_once() -> None:
    """A sweep that ran out of time is called again at once, until it no longer answers `more`."""
    more = orjson.dumps({"status": "sent", "more": True})
    with _answering(more, more, orjson.dumps({"status": "sent"})) as server:
        assert _is_called(server, 3)
        assert {f"Bearer {_TOKEN}"} == server.tokens
    assert 3 == server.requests


@pytest.mark.parametrize("answer", [b"", b"[1]", b"<html>", b'{"status": "retry"}'])
def test_other_answers_wait_for_the_next_interval(answer: bytes) -> None:
    """After any other answer the function is not called again before its interval."""
    with _answering(answer) as server, urllib3.PoolManager(retries=False) as pool:
        url = f"http://127.0.0.1:{server.server_port}/"
        run_until_finished(pool, url, Tokens.of(_TOKEN), threading.Event())
    assert 1 == server.requests


def test_a_run_that_fails_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a run ends with, the timer goes on."""
    runs = []

    def fails(*_: object) -> None:
        runs.append(1)
        raise ValueError("of any kind")

    monkeypatch.setattr(timers, "run_until_finished", fails)
    urls = dict.fromkeys((card.function for card in function_cards()), "http://127.0.0.1:9/")
    with running_timers(urls, load_settings(sweep_seconds=0.01), tokens=Tokens.of(_TOKEN)):
        assert wait_for(lambda: len(runs) > 5, seconds=30)


@pytest.mark.parametrize(("answer", "code"), [(b"{}", 0), (None, 2)])
def test_another_scheduler_calls_one_function(tmp_path: Path, answer: bytes | None, code: int) -> None:
    """`dcm2set timers --once` ends when the function has no more to do, and fails if it does not answer."""
    (tmp_path / "tokens").write_text(f"{_TOKEN}\n")
    more = orjson.dumps({"status": "sent", "more": True})
    with _answering(more, more, answer or b"") as server:
        port = server.server_port if answer else free_port()
        environment = {
            "PYTHONPATH": str(ROOT),
            "DCM2SET_TOKEN_FILE": str(tmp_path / "tokens"),
            "DCM2SET_FUNCTION_URLS": json.dumps({"sweep": f"http://127.0.0.1:{port}/"}),
        }
        command = [sys.executable, "-m", "infra.cli", "timers", "--once", "sweep"]
        assert code == subprocess.run(command, env=environment, check=False, timeout=60).returncode
        assert (3 if answer else 0) == server.requests


def test_a_function_without_timer_or_nas_is_not_called() -> None:
    """A wrong name is an error; poll_nas without a NAS has nothing to do."""
    urls = dict.fromkeys(("poll_nas", "extract"), "http://127.0.0.1:9/")
    settings = load_settings(function_urls=urls)
    once = {"settings": settings, "tokens": Tokens.of(_TOKEN), "ended": threading.Event()}
    assert timers.call_once("poll_nas", **once)
    with pytest.raises(SettingsError, match="extract does not run at intervals"):
        timers.call_once("extract", **once)
    with pytest.raises(SettingsError, match="has no URL of sweep"):
        timers.call_once("sweep", **once)


def test_timers_alone_call_the_functions_until_they_are_told_to_end(tmp_path: Path) -> None:
    """`dcm2set timers` sends the token of the file, `--check` says that it runs, and SIGTERM ends it."""
    (tmp_path / "tokens").write_text(f"{_TOKEN}\n")
    with _answering(b"{}") as server:
        urls = {card.function: f"http://127.0.0.1:{server.server_port}/" for card in function_cards()}
        environment = {
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(tmp_path),
            "DCM2SET_TOKEN_FILE": str(tmp_path / "tokens"),
            "DCM2SET_FUNCTION_URLS": json.dumps(urls),
        }
        command = [sys.executable, "-m", "infra.cli", "timers"]
        check = [*command, "--check"]
        assert 1 == subprocess.run(check, env=environment, check=False).returncode
        process = subprocess.Popen(command, env=environment)
        try:
            assert wait_for(lambda: server.requests >= 2, seconds=30)
            assert 0 == subprocess.run(check, env=environment, check=False).returncode
        finally:
            process.terminate()
            assert 0 == process.wait(timeout=30)
        assert {f"Bearer {_TOKEN}"} == server.tokens
