"""Where a file's outputs are until they are uploaded: small ones in memory, the others on disk."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

MOST_BYTES_IN_MEMORY = 1024 * 1024  # of all of one file's outputs
Kept = bytes | Path  # an output, or the file it was put into


class OutputSpace:
    """Takes the outputs of one file.

    The first few are kept in memory, for a file costs more than a small picture; the others, so
    that memory stays flat, in a folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._free = MOST_BYTES_IN_MEMORY

    def keep(self, name: str, body: bytes) -> Kept:
        """One output that is whole already."""
        if len(body) <= self._free:
            self._free -= len(body)
            return body
        path = self._folder / name
        path.write_bytes(body)
        return path

    def write(self, name: str, write: Callable[[BinaryIO], None], *, size: int) -> Kept:
        """One output of about `size` bytes that `write` writes to a stream."""
        if size <= self._free:
            self._free -= size
            buffer = io.BytesIO()
            write(buffer)
            return buffer.getvalue()
        path = self._folder / name
        with path.open("w+b") as file:
            write(file)
        return path


def read_kept(kept: Kept) -> bytes:
    """An output's bytes."""
    return kept.read_bytes() if isinstance(kept, Path) else kept
