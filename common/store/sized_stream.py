"""A stream of a declared size, as the body of a request."""

import io
from typing import BinaryIO

from common.errors import DependencyAwayError


class SizedStream(io.RawIOBase):
    """A stream of exactly the declared size; reading raises DependencyAwayError if it ends early."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self._stream = stream
        self._bytes_left = size

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(min(size, self._bytes_left)) if self._bytes_left else b""
        except OSError:
            data = b""
        if self._bytes_left and not data:
            raise DependencyAwayError("A stream ended before its declared size.")
        self._bytes_left -= len(data)
        return data
