"""The HTTP interface of functions."""

import io

import pytest
from prometheus_client.core import GaugeMetricFamily

from common.errors import BadRequestError, DependencyAwayError, SettingsError
from common.http.http_target import RETRY_AFTER_SECONDS, Target, respond
from common.http.request_body import MAX_BODY_BYTES
from common.stage.item import Result
from common.store.event_record import EventRecord
from common.tokens import Tokens
from tests.in_memory.requests import TOKEN, recorded, request

EVENT = {"bucket": "raw", "key": "incoming/x"}


def _raising(error: Exception):
    def call(*_: object) -> None:
        raise error

    return call


def _target(**parts: object) -> Target:
    given = {"on_record": lambda record: Result({"bucket": record.bucket, "status": "done"})} | parts
    return Target("extract", Tokens.of(TOKEN), **given)


def test_event_is_answered_with_one_result_a_record() -> None:
    """A notification is answered 200 with one result for each record."""
    response = respond(request(recorded("raw_put")), _target)
    assert 200 == response.status_code
    assert {"results": [{"bucket": "raw", "status": "done"}]} == response.json
    assert "application/json" == response.content_type


def test_records_reach_the_function_in_order() -> None:
    """Each record of a body is passed on once, in order."""
    seen: list[EventRecord] = []
    target = _target(on_record=lambda record: (seen.append(record), Result({}))[1])
    respond(request(recorded("raw_copy")), lambda: target)
    assert ["incoming/Doe^Jane Müller 100%+1/CT small copy.dcm"] == [record.key for record in seen]


def test_one_retry_makes_the_answer_503() -> None:
    """If any record must be retried, the answer requests the complete body again."""
    answers = iter([Result({"status": "done"}), Result({"status": "retry"}, retry=True)])
    body = b'{"Records": [%s]}' % b",".join([_one_record(), _one_record()])
    response = respond(request(body), lambda: _target(on_record=lambda _: next(answers)))
    assert 503 == response.status_code
    assert str(RETRY_AFTER_SECONDS) == response.headers["Retry-After"]
    assert ["done", "retry"] == [result["status"] for result in response.json["results"]]


def _one_record() -> bytes:
    body = recorded("raw_put")
    return body[body.index(b"[") + 1 : body.rindex(b"]")]


def test_body_of_removed_objects_alone_is_done() -> None:
    """A notification without a created object is answered 200, and says that nothing was done."""
    response = respond(request(recorded("raw_removed")), _target)
    assert (200, "ignored", []) == (response.status_code, response.json["status"], response.json["results"])


@pytest.mark.parametrize("token", [None, "", "wrong", TOKEN + "x", TOKEN[:-1], TOKEN.upper(), "Müller"])
def test_wrong_or_missing_token_is_401_without_a_body(token: str | None) -> None:
    """Without the right token nothing is worked on and the answer says nothing."""
    response = respond(request(EVENT, token=token), lambda: _target(on_record=_raising(AssertionError())))
    assert (401, b"") == (response.status_code, response.data)


@pytest.mark.parametrize("header", ["", "Basic x", TOKEN, f"Token {TOKEN}", f"Bearer  {TOKEN}"])
def test_other_schemes_are_401(header: str) -> None:
    """Only the scheme Bearer with the token is authorised."""
    sent = request(EVENT, token=None)
    sent.environ["HTTP_AUTHORIZATION"] = header
    assert 401 == respond(sent, _target).status_code


def test_scheme_is_case_insensitive() -> None:
    """The scheme's name is case-insensitive (RFC 9110, section 11.1)."""
    sent = request(EVENT, token=None)
    sent.environ["HTTP_AUTHORIZATION"] = f"bearer {TOKEN}"
    assert 200 == respond(sent, _target).status_code


@pytest.mark.parametrize(
    "body",
    [b"no json", b"[]", b"null", b'{"bucket": 1}', b'{"Records": [null]}', b'{"Records": []}', b'{"a": 1}'],
)
def test_malformed_body_is_400(body: bytes) -> None:
    """A body that is not an event is answered 400 with what was expected."""
    response = respond(request(body), _target)
    assert 400 == response.status_code
    assert "Expected" in response.json["error"]


def test_body_over_the_limit_is_400() -> None:
    """A body over one mebibyte is refused and not kept."""
    sent = request(b" " * (MAX_BODY_BYTES + 1))
    response = respond(sent, _target)
    assert 400 == response.status_code
    assert b"" == sent.get_data()


@pytest.mark.parametrize("token", [TOKEN, None])
def test_body_over_the_limit_is_discarded_to_its_end(token: str | None) -> None:
    """Nothing stays unread: otherwise the server resets the connection and the client gets no answer."""
    sent = request(b" " * (3 * MAX_BODY_BYTES), token=token)
    sent.environ["wsgi.input"] = stream = io.BytesIO(b" " * (3 * MAX_BODY_BYTES))
    respond(sent, _target)
    assert b"" == stream.read()


class _Broken(io.BytesIO):
    """A body whose connection breaks."""

    def read(self, *_: object) -> bytes:
        raise OSError("Doe^Jane")


@pytest.mark.parametrize(("token", "status"), [(TOKEN, 400), (None, 401)])
def test_incomplete_body_is_400(token: str | None, status: int) -> None:
    """A body that can't be read to its end is refused; the answer does not contain the error."""
    sent = request(EVENT, token=token)
    sent.environ["wsgi.input"] = _Broken()
    response = respond(sent, _target)
    assert status == response.status_code
    assert b"Doe" not in response.data
    assert b"" == sent.get_data()


def test_body_is_bounded_also_without_a_token() -> None:
    """A caller without a token can't make a function hold a large body in memory."""
    sent = request(b" " * (MAX_BODY_BYTES + 1), token=None)
    assert 401 == respond(sent, _target).status_code
    assert b"" == sent.get_data()


def test_empty_body_runs_a_function_that_has_a_run() -> None:
    """An empty POST or {} starts the run that timers start."""
    target = _target(on_run=lambda: {"status": "no_updates"})
    for body in (b"", b"{}", b" {} \n"):
        response = respond(request(body), lambda: target)
        assert (200, {"status": "no_updates"}) == (response.status_code, response.json)


def test_empty_body_is_400_for_a_function_without_a_run() -> None:
    """A function that only takes events says what it expects."""
    assert 400 == respond(request(b""), _target).status_code


def test_event_is_400_for_a_function_without_events() -> None:
    """A function that only runs by a timer says so."""
    target = _target(on_record=None, on_run=lambda: {"status": "no_updates"})
    response = respond(request(EVENT), lambda: target)
    assert 400 == response.status_code
    assert "takes no events" in response.json["error"]


def test_temporary_failure_is_503_with_retry_after() -> None:
    """If a dependency is away, the answer says so and when to try again."""
    target = _target(on_run=_raising(DependencyAwayError("The NAS is away.")))
    response = respond(request(b""), lambda: target)
    assert 503 == response.status_code
    assert {"status": "retry", "cause": "The NAS is away."} == response.json
    assert "Retry-After" in response.headers


def test_unexpected_failure_is_503_without_its_text(log: list[str]) -> None:
    """Of an unexpected error, answer and log contain the type only."""
    target = _target(on_record=_raising(RuntimeError("PatientName is Doe^Jane")))
    response = respond(request(EVENT), lambda: target)
    assert 503 == response.status_code
    assert "Unexpected RuntimeError" in response.json["cause"]
    assert "Doe" not in f"{response.data!r} {log}"


def test_refusal_by_the_function_is_400() -> None:
    """A BadRequestError from the work is the caller's fault."""
    target = _target(on_run=_raising(BadRequestError("No.")))
    assert 400 == respond(request(b""), lambda: target).status_code


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_405(method: str) -> None:
    """Only POST, GET and HEAD are allowed."""
    assert 405 == respond(request(EVENT, method=method), _target).status_code


def test_health_needs_no_token() -> None:
    """GET answers 200 with each dependency, without a token."""
    target = _target(checks={"object store": lambda: None, "database": lambda: None})
    response = respond(request(method="GET", token=None), lambda: target)
    assert 200 == response.status_code
    checks = {"object store": "ok", "database": "ok"}
    assert {"function": "extract", "status": "ok", "checks": checks} == response.json


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/"), ("GET", "/ready"), ("GET", "/extract/ready/")])
def test_readiness_asks_no_dependency(method: str, path: str) -> None:
    """It is answered 200 without a token and without the checks, which may wait long for a server."""
    asked: list[str] = []
    target = _target(checks={"object store": lambda: asked.append("object store")})
    response = respond(_sent(method, path), lambda: target)
    assert 200 == response.status_code
    assert not asked


@pytest.mark.parametrize(("method", "path"), [("HEAD", "/"), ("GET", "/ready")])
def test_a_function_without_its_settings_is_not_ready(method: str, path: str) -> None:
    """A replica with a wrong setting gets no requests, and replaces none that works."""
    response = respond(_sent(method, path), _raising(SettingsError("DCM2SET_TOKEN is not set.")))
    assert (503, "DCM2SET_TOKEN is not set.") == (response.status_code, response.json["cause"])


def _sent(method: str, path: str):
    sent = request(method=method, token=None)
    sent.path = path
    return sent


def test_health_gives_the_cause_of_a_failed_check() -> None:
    """A failed check is listed with its cause, an unexpected error with its type only."""
    target = _target(
        checks={
            "object store": _raising(DependencyAwayError("It is away.")),
            "database": _raising(ValueError("postgresql://user:secret@host")),
        }
    )
    response = respond(request(method="GET"), lambda: target)
    assert 200 == response.status_code
    assert "degraded" == response.json["status"]
    assert {"object store": "It is away.", "database": "Unexpected ValueError."} == response.json["checks"]


def test_missing_setting_is_503_naming_it() -> None:
    """A function without a setting answers events with its name and when to try again."""
    response = respond(request(EVENT), _raising(SettingsError("DCM2SET_TOKEN is not set.")))
    assert (503, "DCM2SET_TOKEN is not set.") == (response.status_code, response.json["cause"])
    assert "Retry-After" in response.headers


def test_health_without_settings_names_the_missing_one() -> None:
    """Health is always answered 200; the missing setting is listed as a failed check."""
    response = respond(request(method="GET"), _raising(SettingsError("DCM2SET_TOKEN is not set.")))
    assert 200 == response.status_code
    assert {"status": "degraded", "checks": {"settings": "DCM2SET_TOKEN is not set."}} == response.json


def test_failure_to_build_is_503_without_its_text(log: list[str]) -> None:
    """An unexpected error while the target is built is a temporary failure too."""
    response = respond(request(EVENT), _raising(ValueError("http://user:secret@host is no host")))
    assert 503 == response.status_code
    assert "secret" not in f"{response.data!r} {log}"


def _get_metrics(token: str | None = TOKEN, **parts: object):
    sent = request(method="GET", token=token)
    sent.path = "/metrics"
    return respond(sent, lambda: _target(**parts))


def test_metrics_need_the_token() -> None:
    """Metrics are in Prometheus' format, for callers with the token only."""
    assert 401 == _get_metrics(token=None).status_code
    respond(request(b""), lambda: _target(on_run=lambda: {"status": "no_updates"}))
    response = _get_metrics(gauges=lambda: [GaugeMetricFamily("dcm2set_now", "Now.", value=7)])
    assert 200 == response.status_code
    assert "text/plain" in response.content_type
    text = response.get_data(as_text=True)
    assert 'dcm2set_runs_total{function="extract",status="no_updates"}' in text
    assert "dcm2set_now 7.0" in text


def test_metrics_without_settings_are_503() -> None:
    """Without its settings a function has no token, so it answers no metrics."""
    sent = request(method="GET")
    sent.path = "/metrics"
    assert 503 == respond(sent, _raising(SettingsError("DCM2SET_TOKEN is not set."))).status_code
