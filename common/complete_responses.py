"""HTTP responses that are complete, or an error.

Python's http.client (3.11) takes the end of a connection for the end of the headers. A response that was
truncated there has no Content-Length, so its body counts as complete and empty; or its last header is
truncated, for example the etag. A caller that trusts such a response takes a good file for a damaged one.
"""

import http.client
from typing import Any, ClassVar

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class TruncatedResponseError(http.client.HTTPException):
    """The connection ended within a response's headers; urllib3 turns it into a ProtocolError."""


class _LastLineReader:
    """Wraps a file and remembers the last line that was read."""

    def __init__(self, file: Any) -> None:
        self.file = file
        self.last_line = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last_line = self.file.readline(limit)
        return bytes(self.last_line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


class _CompleteResponse(http.client.HTTPResponse):
    """A response whose headers end with an empty line (RFC 9112, section 2.1)."""

    def begin(self) -> None:
        reader = _LastLineReader(self.fp)
        self.fp: Any = reader
        super().begin()
        if self.fp is reader:  # http.client sets it to None if no body follows
            self.fp = reader.file
        if reader.last_line not in {b"\r\n", b"\n"}:
            self.close()
            raise TruncatedResponseError("the headers have no end")


class _Connection(HTTPConnection):
    response_class = _CompleteResponse


class _TlsConnection(HTTPSConnection):
    response_class = _CompleteResponse


class _ConnectionPool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsConnectionPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class CompleteResponses(urllib3.PoolManager):
    """A PoolManager that raises an error for a response whose headers are truncated."""

    _CLASSES: ClassVar = {"http": _ConnectionPool, "https": _TlsConnectionPool}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.pool_classes_by_scheme = self._CLASSES
