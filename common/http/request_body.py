"""Reads a request's body once, before anything else, up to the size that an event can have."""

import io
from contextlib import suppress
from typing import IO

from flask import Request, current_app, has_app_context
from flask import request as current_request

from common.errors import BadRequestError

MAX_BODY_BYTES = 1024 * 1024
_MAX_DISCARDED_BYTES = 64 * 1024 * 1024
_FAULT = "dcm2set.body_fault"
_PIECE_BYTES = 64 * 1024


def read_body(request: Request) -> None:
    """Read the body into the request. A body that is too large or broken is dropped and the fault is stored.

    This is done for every request: functions-framework reads each body completely into memory before it
    answers, whoever sent it.
    """
    request.max_content_length = MAX_BODY_BYTES
    try:
        request.get_data()
    except Exception as error:  # noqa: BLE001 the server, werkzeug and the socket raise different types
        is_large = getattr(error, "code", None) == 413
        fault = f"The body is over {MAX_BODY_BYTES} bytes." if is_large else "The body is incomplete."
        request.environ[_FAULT] = fault
        request.stream = io.BytesIO()
        if is_large:
            _discard(request.environ["wsgi.input"])


def _discard(stream: IO[bytes]) -> None:
    # A server that closes a connection with unread bytes resets it, and the client may lose the answer.
    with suppress(Exception):  # the server, werkzeug and the socket raise different types
        left = _MAX_DISCARDED_BYTES
        while left > 0 and (piece := stream.read(min(_PIECE_BYTES, left))):
            left -= len(piece)


def body_of(request: Request) -> bytes:
    """The body of a request; raises BadRequestError if it was too large or broken."""
    fault = request.environ.get(_FAULT)
    if fault is not None:
        raise BadRequestError(fault)
    return request.get_data()


# functions-framework imports a function within its Flask application. A hook that is registered here runs
# before the framework, also for paths that the framework answers itself.
if has_app_context():

    @current_app.before_request
    def _read_first() -> None:
        read_body(current_request)
