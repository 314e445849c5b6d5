"""A file's bytes on their way into raw: counted, digested, and refused unless they are as listed."""

import hashlib
import io
from typing import BinaryIO

from common.errors import DependencyAwayError, TransientError


class CountedStream(io.RawIOBase):
    """A stream of a known size that digests what is read from it.

    Refuses a file that turns out longer before its last bytes are handed on, and a shorter one
    in place of its end, so that no part of a file ever becomes an object.
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

    def is_copied_as(self, etag: str) -> bool:
        """Whether an object's etag tells the same content: its MD5, unless it was put in parts."""
        return "-" in etag or etag == self.md5.hexdigest()
