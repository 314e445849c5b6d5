"""Counts and hashes the bytes of a file while they are copied into raw, and checks their number."""

import hashlib
import io
from typing import BinaryIO

from common.errors import DependencyAwayError, TransientError


class CountedStream(io.RawIOBase):
    """A stream of a known size that hashes the bytes read from it.

    Reading raises TransientError if the file is longer than its size, before its last bytes are
    returned, and DependencyAwayError if it is shorter or can't be read. So no incomplete file
    ever becomes an object.
    """

    def __init__(self, stream: BinaryIO, *, size: int) -> None:
        self._stream = stream
        self._left = size
        self.md5 = hashlib.md5(usedforsecurity=False)
        self.sha256 = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            data = self._stream.read(size)
            self._left -= len(data)
            grew = self._left < 0 or (self._left == 0 and bool(data) and bool(self._stream.read(1)))
        except OSError as error:
            raise DependencyAwayError(f"The NAS can't be read ({type(error).__name__}).") from None
        if grew:
            raise TransientError("A file on the NAS grew while it was copied; the next poll copies it again.")
        if not data and size and self._left > 0:
            raise DependencyAwayError(
                "A file on the NAS ended before its listed size; the next poll copies it again."
            )
        self.md5.update(data)
        self.sha256.update(data)
        return data
