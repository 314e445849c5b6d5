"""A request's body, read once, before anything else, and never more of it than an event can be."""

import io

from flask import Request, current_app, has_app_context
from flask import request as current_request

from common.errors import BadRequestError

MAX_BODY_BYTES = 1024 * 1024
_FAULT = "dcm2set.body_fault"


def read_body(request: Request) -> None:
    """Read the body into the request; one that is too large or broken is left, and the fault kept.

    Needed also where it is of no interest: functions-framework reads every body to its end before it
    answers, into memory, whoever sent it.
    """
    request.max_content_length = MAX_BODY_BYTES
    try:
        request.get_data()
    except Exception as error:  # noqa: BLE001 the server, werkzeug and the socket each have their own kinds
        is_large = getattr(error, "code", None) == 413
        told = f"The body is over {MAX_BODY_BYTES} bytes." if is_large else "The body is not whole."
        request.environ[_FAULT] = told
        request.stream = io.BytesIO()


def body_of(request: Request) -> bytes:
    """The body; raises BadRequestError if it was too large or broken."""
    fault = request.environ.get(_FAULT)
    if fault is not None:
        raise BadRequestError(fault)
    return request.get_data()


# functions-framework loads a function within its application; here is the one place to come before
# it, also on paths that it answers itself.
if has_app_context():

    @current_app.before_request
    def _read_first() -> None:
        read_body(current_request)
