"""HTTP answers that are whole, or none at all.

Python's http.client (3.11) takes the end of a connection for the end of the headers. An answer that
was cut there has no Content-Length, so its body counts as whole and empty; or a header that is half
there: another etag. Whoever believes that takes a good file for a bad one.
"""

import http.client
from typing import Any, ClassVar

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class TruncatedResponseError(http.client.HTTPException):
    """The connection ended within an answer's headers; urllib3 makes a ProtocolError of it."""


class _Lines:
    """A file that remembers the last line that was read."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self.file.readline(limit)
        return bytes(self.last)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


class _WholeResponse(http.client.HTTPResponse):
    """Its headers end with an empty line (RFC 9112, 2.1)."""

    def begin(self) -> None:
        lines = _Lines(self.fp)
        self.fp: Any = lines
        super().begin()
        if self.fp is lines:  # None if there is no body to come
            self.fp = lines.file
        if lines.last not in {b"\r\n", b"\n"}:
            self.close()
            raise TruncatedResponseError("headers without an end")


class _Connection(HTTPConnection):
    response_class = _WholeResponse


class _SecureConnection(HTTPSConnection):
    response_class = _WholeResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class CompleteResponses(urllib3.PoolManager):
    """A PoolManager that gives no answer whose headers were cut short."""

    _CLASSES: ClassVar = {"http": _Pool, "https": _SecurePool}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.pool_classes_by_scheme = self._CLASSES
