"""Requests over HTTP to work on a function's backlog."""

import json
from collections.abc import Callable, Mapping

import pytest

from common.http.http_target import RETRY_AFTER_SECONDS, Target, respond
from common.stage import backlog
from common.stage.item import Result
from common.tokens import Tokens
from tests.in_memory.requests import TOKEN, request


def _works(on_due: Callable[[float], Mapping[str, object]]) -> Target:
    return Target("extract", Tokens.of(TOKEN), on_record=lambda _: Result({}), on_due=on_due)


def test_a_request_to_work_on_the_backlog_is_no_event() -> None:
    """It is recognised with and without spaces; without a free slot the answer is 429."""
    for body in (b'{"due": true}', b'{"due":true}'):
        response = respond(request(body), lambda: _works(lambda _: {"status": "no_updates"}))
        assert (200, {"status": "no_updates"}) == (response.status_code, response.json)
    response = respond(request(b'{"due": true}'), lambda: _works(lambda _: {"status": "full"}))
    assert (429, str(RETRY_AFTER_SECONDS)) == (response.status_code, response.headers["Retry-After"])


@pytest.mark.parametrize(
    "body",
    [
        b'{"due": false}',
        b'{"due": 1}',
        b'{"due": true, "key": "x"}',
        b'{"due": true, "seconds": 2}',
        b'{"due": true, "seconds": -1}',
        b'{"due": true, "seconds": NaN}',
        b'{"due": true, "seconds": true}',
        b'{"due": true',
        b'["due"]',
    ],
)
def test_similar_bodies_are_refused(body: bytes) -> None:
    """Any other body with "due" is neither an event nor a run."""
    assert 400 == respond(request(body), lambda: _works(lambda _: {"status": "worked"})).status_code


@pytest.mark.parametrize(("seconds", "expected"), [(0, 0.0), (0.251, 0.25), (1, 1.0), (30, 1.0)])
def test_a_request_says_how_long_the_function_works(seconds: float, expected: float) -> None:
    """With 0 it works on one item; a function answers after a second at the latest."""
    asked: list[float] = []

    def on_due(seconds: float) -> dict[str, object]:
        asked.append(seconds)
        return {"status": "worked"}

    respond(request(json.dumps(backlog.request(seconds)).encode()), lambda: _works(on_due))
    assert [expected] == asked
