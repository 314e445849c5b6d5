"""The HTTP interface of every function: events, runs without an event, health and metrics.

This one module maps results and errors to HTTP statuses that MinIO, curl and schedulers understand.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial

import orjson
from flask import Request, Response

from common.errors import BadRequestError, PipelineError, SettingsError, TransientError
from common.http.request_body import body_of, read_body
from common.process.json_log import log_item
from common.process.metrics import CONTENT_TYPE, Collect, count_run, metrics_text
from common.stage import backlog
from common.stage.admission import Admission
from common.stage.item import Result
from common.store.event_envelope import EXPECTED
from common.store.event_record import EventRecord, parse_event_records
from common.tokens import Tokens

RETRY_AFTER_SECONDS = 5
_EMPTY = ([b"{}"], [b"{", b"}"])
_NOTHING_CREATED = "The events are about no created object."

Check = Callable[[], object]


@dataclass(frozen=True)
class Target:
    """What one function does for each kind of request."""

    function: str
    tokens: Tokens
    on_record: Callable[[EventRecord], Result] | None = None
    on_full: Callable[[EventRecord], None] = lambda _: None  # for an event without a slot
    on_run: Callable[[], Mapping[str, object]] | None = None
    on_due: Callable[[float], Mapping[str, object]] | None = None  # works on the backlog for so many seconds
    checks: Mapping[str, Check] = field(default_factory=dict)
    gauges: Collect = tuple  # current values at /metrics, beside the counters
    admission: Admission | None = None  # None: no limit


def respond(request: Request, build: Callable[[], Target]) -> Response:
    """Answer one request; `build` makes the target, or raises SettingsError."""
    read_body(request)
    try:
        target = build()
    except SettingsError as error:
        if request.method == "GET" and not _ends(request, "/metrics", "/ready"):
            return _json(200, {"status": "degraded", "checks": {"settings": str(error)}})
        return _unavailable(error)
    except Exception as error:  # noqa: BLE001 the text may quote a setting
        return _unavailable(PipelineError(f"Unexpected {type(error).__name__}; check the settings."))
    if request.method in {"GET", "HEAD"}:
        return _get(request, target)
    if request.method != "POST":
        return _json(405, {"error": "Use POST for events and runs, GET for health."})
    try:
        if not _is_authorised(request, target.tokens):
            log_item(target.function, status="unauthorised")
            return Response(status=401)
        return _post(request, target)
    except BadRequestError as error:
        return _json(400, {"error": str(error)})
    except TransientError as error:
        return _unavailable(error)
    except Exception as error:  # noqa: BLE001 the text and the traceback may quote values
        log_item(target.function, status="retry", cause=f"Unexpected {type(error).__name__}.")
        return _unavailable(PipelineError(f"Unexpected {type(error).__name__}; see the log."))


def _get(request: Request, target: Target) -> Response:
    """Answer GET and HEAD."""
    # Asked by a balancer or Kubernetes, which must not wait for servers that all replicas share.
    if request.method == "HEAD" or _ends(request, "/ready"):
        return _json(200, {"function": target.function, "status": "ready"})
    return _metrics(request, target) if _ends(request, "/metrics") else _json(200, _health(target))


def _ends(request: Request, *paths: str) -> bool:
    return request.path.rstrip("/").endswith(paths)


def _metrics(request: Request, target: Target) -> Response:
    if not _is_authorised(request, target.tokens):
        return Response(status=401)
    return Response(metrics_text(target.gauges), content_type=CONTENT_TYPE)


def _post(request: Request, target: Target) -> Response:
    body = body_of(request)
    is_run = _is_empty(body)
    run = target.on_run if is_run else None
    seconds = backlog.DRAIN_SECONDS if is_run else backlog.requested_seconds(body)
    if run is None and target.on_due is not None and seconds is not None:
        run = partial(target.on_due, seconds)
    if run is not None:
        answer = _run(target.function, run)
        return _full(target) if answer["status"] == backlog.FULL else _json(200, answer)
    if target.on_record is None:
        raise BadRequestError(f"{target.function} takes no events; POST it an empty body to run it.")
    if is_run:
        raise BadRequestError(EXPECTED)
    records = parse_event_records(body)
    if not records:
        return _json(200, {"status": "ignored", "cause": _NOTHING_CREATED, "results": []})
    with target.admission.slot() if target.admission else nullcontext(True) as has_slot:
        if not has_slot:
            for record in records:
                target.on_full(record)
            return _full(target)
        results = [target.on_record(record) for record in records]
    bodies = [result.body for result in results]
    if any(result.retry for result in results):
        return _json(503, {"results": bodies}, retry=True)
    return _json(200, {"results": bodies})


def _is_empty(body: bytes) -> bool:
    """Whether a body is empty or {}, which requests a run."""
    return body.isspace() or not body or (len(body) < backlog.MAX_REQUEST_BYTES and body.split() in _EMPTY)


def _full(target: Target) -> Response:
    return _json(429, {"status": backlog.FULL, "cause": f"{target.function} is full."}, retry=True)


def _run(function: str, on_run: Callable[[], Mapping[str, object]]) -> Mapping[str, object]:
    started, status = time.monotonic(), "retry"
    try:
        answer = on_run()
        status = str(answer.get("status", "done"))
    finally:
        count_run(function, status=status, seconds=time.monotonic() - started)
    return answer


def _is_authorised(request: Request, tokens: Tokens) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and tokens.accepts(given)


def _health(target: Target) -> dict[str, object]:
    checks = {name: _checked(check) for name, check in target.checks.items()}
    healthy = all(answer == "ok" for answer in checks.values())
    return {"function": target.function, "status": "ok" if healthy else "degraded", "checks": checks}


def _checked(check: Check) -> str:
    try:
        check()
    except PipelineError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001 the text may quote values
        return f"Unexpected {type(error).__name__}."
    return "ok"


def _unavailable(error: PipelineError) -> Response:
    return _json(503, {"status": "retry", "cause": str(error)}, retry=True)


def _json(status: int, body: Mapping[str, object], *, retry: bool = False) -> Response:
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if retry else {}
    text = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS, default=str)
    return Response(text, status=status, headers=headers, content_type="application/json")
