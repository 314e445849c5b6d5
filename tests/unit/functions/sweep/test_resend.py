"""What a sweep sends to the functions."""

import http.server
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import orjson
import pytest

from common.errors import SettingsError
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from common.tokens import Tokens
from functions.sweep.backlog_drain import BacklogAnswer
from functions.sweep.resend import FUNCTIONS, HttpSender, sweep_once
from functions.sweep.sweep_times import SweepTimes
from tests.support.sweep_fakes import FakeSender, Pending


def _version(key: str, etag: str = "e") -> ObjectVersion:
    return ObjectVersion(Location("raw", key), etag, 7)


def test_nothing_pending_is_no_updates() -> None:
    """Without pending work nothing is sent."""
    sender = FakeSender()
    assert {"status": "no_updates"} == sweep_once(Pending(), sender, limit=5, concurrency=2)
    assert [] == sender.events


def test_each_function_is_sent_its_items() -> None:
    """Every missed version goes to its function, and the answers are counted."""
    sender = FakeSender("retry")
    pending = Pending(
        {function: [_version(f"{function}-{number}") for number in (1, 2)] for function in FUNCTIONS}
    )
    answer = sweep_once(pending, sender, limit=5, concurrency=2)
    assert {"status": "sent", "functions": {function: {"retry": 2} for function in FUNCTIONS}} == answer
    assert {("extract", "raw"), ("quality", "raw")} <= {(to, event["bucket"]) for to, event in sender.events}
    assert {5} == set(pending.limits)


def test_work_of_one_function_makes_work_for_the_next_in_the_same_sweep() -> None:
    """While one function has work, the others are checked again; nothing is sent twice."""

    class Line(Pending):
        def find_missed(self, function: str, *, limit: int) -> list[ObjectVersion]:
            super().find_missed(function, limit=limit)
            is_there = function == "extract" or (function == "quality" and is_extracted.is_set())
            return [_version(function)] if is_there else []

    @dataclass
    class Slow(FakeSender):
        def send(self, function: str, event: Mapping[str, object]) -> str:
            if function == "extract":
                is_extracted.set()
                assert is_judged.wait(timeout=30)
            if function == "quality":
                is_judged.set()
            return super().send(function, event)

    is_extracted, is_judged = threading.Event(), threading.Event()
    answer = sweep_once(Line(), Slow(), limit=5, concurrency=1)
    assert {"extract": {"settled": 1}, "quality": {"settled": 1}} == answer["functions"]


def test_an_event_names_the_listed_version() -> None:
    """An event has bucket, key, ETag and size, so the function needs no request to the store for them."""
    sender = FakeSender()
    sweep_once(Pending({"extract": [_version("b")]}), sender, limit=5, concurrency=1)
    assert [("extract", {"bucket": "raw", "key": "b", "etag": "e", "size": 7})] == sender.events


def test_a_function_works_on_its_due_items_itself() -> None:
    """It gets several requests at a time, again while items are due, and its results are counted."""
    sender = FakeSender()
    answer = sweep_once(Pending(due={"extract": 2}), sender, limit=5, concurrency=4)
    assert {"status": "sent", "functions": {"extract": {"done": 24}}} == answer
    assert ["extract"] * 8 == sender.drained


def test_a_function_that_reports_more_gets_the_next_request_at_once() -> None:
    """Its slot is not idle while the ledger is checked; another request beside it tries for another slot."""
    sender, pending = FakeSender(more=1), Pending(due={"extract": 1})
    answer = sweep_once(pending, sender, limit=5, concurrency=1)
    assert {"status": "sent", "functions": {"extract": {"done": 9}}} == answer
    pending, over = Pending(due={"extract": 1}), SweepTimes(-1)
    late = sweep_once(pending, FakeSender(more=9), limit=5, concurrency=1, times=over)
    assert ({"extract": {"left": 1}}, True) == (late["functions"], late["more"])


def test_a_function_without_a_free_slot_waits_for_the_next_sweep() -> None:
    """Its due items are not lost, and the sweep does not loop."""
    sender = FakeSender(done={})
    assert {"status": "no_updates"} == sweep_once(Pending(due={"quality": 1}), sender, limit=5, concurrency=2)


def test_a_function_that_is_away_gets_no_more_backlog_requests() -> None:
    """It is counted, and gets no request until the next sweep."""
    sender = FakeSender(done={"unreachable": 1})
    answer = sweep_once(Pending(due={"quality": 9}), sender, limit=5, concurrency=2)
    assert {"quality": {"unreachable": 2}} == answer["functions"]
    assert 2 == len(sender.drained)


@pytest.mark.parametrize("result", ["refused", "retry"])
def test_a_function_that_can_do_nothing_is_not_asked_without_a_pause(result: str) -> None:
    """One that refuses the token, or whose database is away, gets requests twice a second."""
    sender = FakeSender(done={result: 1})
    pending, second = Pending(due={"quality": 10**6}), SweepTimes(seconds=1.0)
    sweep_once(pending, sender, limit=5, concurrency=2, times=second)
    assert 2 <= len(sender.drained) <= 6


@pytest.mark.parametrize("function", ["annotations", "quality"])
def test_work_without_an_event_starts_a_run(function: str) -> None:
    """Held labels whose images are known, and images set aside, start a run by an empty event."""
    sender = FakeSender()
    sweep_once(Pending(runs=(function,)), sender, limit=5, concurrency=1)
    assert [(function, {})] == sender.events


def test_a_function_that_does_not_answer_gets_no_more_events() -> None:
    """It costs one timeout for each thread, and the other functions get all their events."""
    sender = FakeSender("unreachable")
    pending = Pending({name: [_version(str(number)) for number in range(50)] for name in FUNCTIONS})
    answer = sweep_once(pending, sender, limit=50, concurrency=2)
    assert isinstance(answer["functions"], dict)
    for function in FUNCTIONS:
        counts = answer["functions"][function]
        assert 50 == counts["unreachable"] + counts["left"]
        assert counts["unreachable"] <= 2


def test_a_function_that_is_full_gets_the_event_again() -> None:
    """Its events wait for a slot within the sweep, and none is left for the next one."""

    @dataclass
    class Full(FakeSender):
        def send(self, function: str, event: Mapping[str, object]) -> str:
            super().send(function, event)
            return "full" if len(self.events) < 3 else "settled"

    sender = Full()
    answer = sweep_once(Pending({"extract": [_version("a")]}), sender, limit=5, concurrency=1)
    assert {"extract": {"settled": 1}} == answer["functions"]
    assert 3 == len(sender.events)


def test_a_function_with_much_work_does_not_delay_others() -> None:
    """While extract works on its first event, annotations gets all its events."""
    is_sent = threading.Event()

    @dataclass
    class Slow(FakeSender):
        def send(self, function: str, event: Mapping[str, object]) -> str:
            if function == "extract":
                assert is_sent.wait(timeout=30)
            if function == "annotations":
                is_sent.set()
            return super().send(function, event)

    pending = Pending({"extract": [_version("a")], "annotations": [_version("b")]})
    answer = sweep_once(pending, Slow(), limit=5, concurrency=1)
    assert {"extract": {"settled": 1}, "annotations": {"settled": 1}} == answer["functions"]


def test_unsent_events_are_left_for_the_next_sweep() -> None:
    """A sweep ends at its time limit, however much work is left, and says that there is more."""
    answer = sweep_once(
        Pending({"extract": [_version("a")] * 3}), FakeSender(), limit=5, concurrency=1, times=SweepTimes(-1)
    )
    assert {"status": "sent", "functions": {"extract": {"left": 3}}, "more": True} == answer


class _Server(http.server.ThreadingHTTPServer):
    status, answer = 200, b""
    seen: list[tuple[str | None, bytes]]


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.headers["Authorization"], body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[_Server]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.daemon_threads, server.seen = True, []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize(
    ("status", "expected"),
    [(200, "settled"), (503, "retry"), (401, "refused"), (400, "refused"), (500, "refused")],
)
def test_answers_over_http(server: _Server, status: int, expected: str) -> None:
    """The answer of a function is reduced to one word; the event and the token are sent."""
    server.status = status
    sender = HttpSender(
        {"extract": f"http://127.0.0.1:{server.server_port}/"}, tokens=Tokens.of("secret"), timeout=5
    )
    event = {"bucket": "raw", "key": "Müller 100%+1"}
    assert expected == sender.send("extract", event)
    assert [("Bearer secret", orjson.dumps(event))] == server.seen
    sender._pool.clear()  # noqa: SLF001 its pooled connections would outlive the test


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (
            200,
            b'{"status": "worked", "items": {"done": 5, "retry": 1}}',
            BacklogAnswer({"done": 5, "retry": 1}),
        ),
        (
            200,
            b'{"status": "worked", "items": {"done": 5}, "more": true}',
            BacklogAnswer({"done": 5}, has_more=True),
        ),
        (200, b'{"status": "no_updates"}', BacklogAnswer()),
        (429, b'{"status": "full"}', BacklogAnswer(is_full=True)),
        (503, b'{"status": "retry"}', BacklogAnswer({"retry": 1})),
        (401, b"", BacklogAnswer({"refused": 1})),
    ],
)
def test_backlog_answers_over_http(server: _Server, status: int, body: bytes, expected: object) -> None:
    """A function answers how its due items ended; one without a free slot does nothing."""
    server.status, server.answer = status, body
    sender = HttpSender(
        {"extract": f"http://127.0.0.1:{server.server_port}/"}, tokens=Tokens.of("secret"), timeout=5
    )
    assert expected == sender.drain("extract", 9)
    assert [("Bearer secret", b'{"due":true}')] == server.seen
    sender._pool.clear()  # noqa: SLF001 its pooled connections would outlive the test


def test_function_that_does_not_answer_is_unreachable() -> None:
    """If nobody listens, the sweep does not fail: the next one sends again."""
    assert "unreachable" == HttpSender(
        {"extract": "http://127.0.0.1:1/"}, tokens=Tokens.of("t"), timeout=1
    ).send("extract", {})


def test_function_without_a_url_is_a_wrong_setting() -> None:
    """A function that is missing in the setting is named in the error."""
    with pytest.raises(SettingsError, match="DCM2SET_FUNCTION_URLS has no URL of extract"):
        HttpSender({}, tokens=Tokens.of("t"), timeout=1).send("extract", {})
