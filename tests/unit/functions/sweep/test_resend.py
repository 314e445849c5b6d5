"""The sweep's sending."""

import http.server
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson
import pytest

from common.errors import SettingsError
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from common.tokens import Tokens
from functions.sweep.resend import OWNERS, Asked, HttpSender, sweep_once


@dataclass
class Pending:
    """What is pending, by function."""

    items: Mapping[str, list[ObjectVersion]] = field(default_factory=dict)
    runs: tuple[str, ...] = ()  # functions that have work without an event
    due: dict[str, int] = field(default_factory=dict)  # how often a function has items that are due
    limits: list[int] = field(default_factory=list)
    is_tidy: bool = False

    def find(self, function: str, *, limit: int) -> list[ObjectVersion]:
        self.limits.append(limit)
        return list(self.items.get(function, []))

    def has_due(self, function: str) -> bool:
        self.due[function] = self.due.get(function, 0) - 1
        return self.due[function] >= 0

    def asks_for_run(self, function: str) -> bool:
        return function in self.runs

    def tidy(self) -> None:
        self.is_tidy = True


@dataclass
class Sent:
    """A sender that keeps what it is given."""

    answer: str = "settled"
    events: list[tuple[str, Mapping[str, object]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    done: Mapping[str, int] = field(default_factory=lambda: {"done": 3})
    more: int = 0  # so often an answer tells of more

    def ask(self, function: str) -> Asked:
        self.asked.append(function)
        self.more -= 1
        return Asked(self.done, has_more=self.more >= 0)

    def send(self, function: str, event: Mapping[str, object]) -> str:
        self.events.append((function, event))
        return self.answer


def _version(key: str, etag: str = "e") -> ObjectVersion:
    return ObjectVersion(Location("raw", key), etag, 7)


def test_nothing_pending_is_no_updates() -> None:
    """Without a backlog nothing is sent."""
    sent = Sent()
    assert {"status": "no_updates"} == sweep_once(Pending(), sent, limit=5, concurrency=2)
    assert [] == sent.events


def test_each_owner_is_sent_its_items() -> None:
    """Every pending version goes to the function that owns it, and the answers are counted."""
    sent = Sent("retry")
    pending = Pending(
        {function: [_version(f"{function}-{number}") for number in (1, 2)] for function in OWNERS}
    )
    answer = sweep_once(pending, sent, limit=5, concurrency=2)
    assert {"status": "sent", "functions": {function: {"retry": 2} for function in OWNERS}} == answer
    assert {("extract", "raw"), ("quality", "raw")} <= {(to, event["bucket"]) for to, event in sent.events}
    assert {5} == set(pending.limits)


def test_what_comes_of_one_function_goes_to_the_next_in_the_same_sweep() -> None:
    """While work was found for one, the others are looked at again; nothing is sent twice."""

    class Line(Pending):
        def find(self, function: str, *, limit: int) -> list[ObjectVersion]:
            super().find(function, limit=limit)
            is_there = function == "extract" or (function == "quality" and is_extracted.is_set())
            return [_version(function)] if is_there else []

    @dataclass
    class Slow(Sent):
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


def test_the_version_that_was_listed_is_meant() -> None:
    """An event names the place, the etag and the size, so the function has to ask the store for none."""
    sent = Sent()
    sweep_once(Pending({"extract": [_version("b")]}), sent, limit=5, concurrency=1)
    assert [("extract", {"bucket": "raw", "key": "b", "etag": "e", "size": 7})] == sent.events


def test_what_is_due_the_function_takes_itself() -> None:
    """It is asked several at a time, again as long as anything is due, and what it did is counted."""
    sent = Sent()
    answer = sweep_once(Pending(due={"extract": 2}), sent, limit=5, concurrency=4)
    assert {"status": "sent", "functions": {"extract": {"done": 24}}} == answer
    assert ["extract"] * 8 == sent.asked


def test_whoever_tells_of_more_is_asked_at_once_again() -> None:
    """Its place is not empty while others are still at it, and while the ledger is looked at."""
    sent, pending = Sent(more=3), Pending(due={"extract": 1})
    answer = sweep_once(pending, sent, limit=5, concurrency=1)
    assert {"status": "sent", "functions": {"extract": {"done": 12}}} == answer
    late = sweep_once(Pending(due={"extract": 1}), Sent(more=9), limit=5, concurrency=1, seconds=-1)
    assert ({"extract": {"left": 1}}, True) == (late["functions"], late["more"])


def test_a_function_without_a_place_is_asked_by_the_next_sweep() -> None:
    """What is due is not lost by it, and the sweep does not turn round and round."""
    sent = Sent(done={})
    assert {"status": "no_updates"} == sweep_once(Pending(due={"quality": 1}), sent, limit=5, concurrency=2)


def test_a_function_that_is_away_is_asked_no_more() -> None:
    """It is counted, and left alone until the next sweep."""
    sent = Sent(done={"unreachable": 1})
    answer = sweep_once(Pending(due={"quality": 9}), sent, limit=5, concurrency=2)
    assert {"quality": {"unreachable": 2}} == answer["functions"]
    assert 2 == len(sent.asked)


@pytest.mark.parametrize("function", ["annotations", "quality"])
def test_work_that_no_object_tells_of_is_asked_for(function: str) -> None:
    """Held labels that can be applied, and images set aside, start a run by an empty event."""
    sent = Sent()
    sweep_once(Pending(runs=(function,)), sent, limit=5, concurrency=1)
    assert [(function, {})] == sent.events


def test_a_function_that_does_not_answer_is_sent_no_more() -> None:
    """One that hangs costs one time limit a worker, and no other function its events."""
    sent = Sent("unreachable")
    pending = Pending({name: [_version(str(number)) for number in range(50)] for name in OWNERS})
    answer = sweep_once(pending, sent, limit=50, concurrency=2)
    assert isinstance(answer["functions"], dict)
    for function in OWNERS:
        counts = answer["functions"][function]
        assert 50 == counts["unreachable"] + counts["left"]
        assert counts["unreachable"] <= 2


def test_a_function_that_is_full_is_asked_again() -> None:
    """Its events wait for a place within the sweep, and none is left to the next one."""

    @dataclass
    class Full(Sent):
        def send(self, function: str, event: Mapping[str, object]) -> str:
            super().send(function, event)
            return "full" if len(self.events) < 3 else "settled"

    sent = Full()
    answer = sweep_once(Pending({"extract": [_version("a")]}), sent, limit=5, concurrency=1)
    assert {"extract": {"settled": 1}} == answer["functions"]
    assert 3 == len(sent.events)


def test_one_function_with_much_to_do_keeps_no_other_waiting() -> None:
    """While extract takes its time over its first event, annotations gets all of its own."""
    told = threading.Event()

    @dataclass
    class Slow(Sent):
        def send(self, function: str, event: Mapping[str, object]) -> str:
            if function == "extract":
                assert told.wait(timeout=30)
            if function == "annotations":
                told.set()
            return super().send(function, event)

    pending = Pending({"extract": [_version("a")], "annotations": [_version("b")]})
    answer = sweep_once(pending, Slow(), limit=5, concurrency=1)
    assert {"extract": {"settled": 1}, "annotations": {"settled": 1}} == answer["functions"]


def test_what_is_not_sent_in_time_is_left_to_the_next_sweep() -> None:
    """A sweep ends in time, however much there is, and says that there is more."""
    answer = sweep_once(Pending({"extract": [_version("a")] * 3}), Sent(), limit=5, concurrency=1, seconds=-1)
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
    """What a function answers is told in one word; the event and the token are sent."""
    server.status = status
    sender = HttpSender(
        {"extract": f"http://127.0.0.1:{server.server_port}/"}, tokens=Tokens.of("secret"), timeout=5
    )
    event = {"bucket": "raw", "key": "Müller 100%+1"}
    assert expected == sender.send("extract", event)
    assert [("Bearer secret", orjson.dumps(event))] == server.seen
    sender._pool.clear()  # noqa: SLF001 its kept connections would outlive the test


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b'{"status": "worked", "items": {"done": 5, "retry": 1}}', Asked({"done": 5, "retry": 1})),
        (200, b'{"status": "worked", "items": {"done": 5}, "more": true}', Asked({"done": 5}, has_more=True)),
        (200, b'{"status": "no_updates"}', Asked()),
        (429, b'{"status": "full"}', Asked()),
        (503, b'{"status": "retry"}', Asked({"retry": 1})),
        (401, b"", Asked({"refused": 1})),
    ],
)
def test_what_was_due_is_told_over_http(server: _Server, status: int, body: bytes, expected: object) -> None:
    """A function tells what it did with what was due; one without a place does nothing."""
    server.status, server.answer = status, body
    sender = HttpSender(
        {"extract": f"http://127.0.0.1:{server.server_port}/"}, tokens=Tokens.of("secret"), timeout=5
    )
    assert expected == sender.ask("extract")
    assert [("Bearer secret", b'{"due":true}')] == server.seen
    sender._pool.clear()  # noqa: SLF001 its kept connections would outlive the test


def test_function_that_does_not_answer_is_unreachable() -> None:
    """Nobody listening is no error of the sweep: the next one sends again."""
    assert "unreachable" == HttpSender(
        {"extract": "http://127.0.0.1:1/"}, tokens=Tokens.of("t"), timeout=1
    ).send("extract", {})


def test_function_without_a_url_is_a_wrong_setting() -> None:
    """A function that the setting does not name is told."""
    with pytest.raises(SettingsError, match="DCM2SET_FUNCTION_URLS has no URL of extract"):
        HttpSender({}, tokens=Tokens.of("t"), timeout=1).send("extract", {})
