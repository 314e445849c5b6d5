"""Requests as MinIO, curl and a scheduler send them, without a server."""

import json
from pathlib import Path

from flask import Request
from werkzeug.test import EnvironBuilder

EVENTS = Path(__file__).parent.parent / "events"
TOKEN = "test-token-of-a-function"


def recorded(name: str) -> bytes:
    """The body of a recorded notification."""
    return (EVENTS / f"{name}.json").read_bytes()


def request(body: object = b"", *, method: str = "POST", token: str | None = TOKEN) -> Request:
    """A request whose body is bytes, or a value written as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    builder = EnvironBuilder(
        method=method,
        data=data,
        headers=headers,
        content_type="application/json",
        base_url="http://function/",
    )
    return Request(builder.get_environ())
