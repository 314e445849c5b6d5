"""Where a file's outputs are until they are uploaded: small ones in memory, the others on disk."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MOST_BYTES_IN_MEMORY = 1024 * 1024  # of all of one file's outputs


@dataclass(frozen=True)
class Spooled:
    """An output's place in the file that several share, for a file of its own costs more than a frame."""

    path: Path
    offset: int
    size: int


Kept = bytes | Path | Spooled


class OutputSpace:
    """Takes the outputs of one file.

    The first few are kept in memory, for a disk costs more than a small picture; the others, so
    that memory stays flat, in a folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spool = folder / "outputs"
        self._free = MOST_BYTES_IN_MEMORY

    def keep(self, body: bytes) -> Kept:
        """One output that is whole already."""
        if len(body) <= self._free:
            self._free -= len(body)
            return body
        with self._spool.open("ab") as file:
            offset = file.tell()
            file.write(body)
        return Spooled(self._spool, offset, len(body))

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


def to_upload(kept: Kept) -> bytes | Path:
    """What an object store takes: a frame from the shared file is read, a file of its own is not."""
    if not isinstance(kept, Spooled):
        return kept
    with kept.path.open("rb") as file:
        file.seek(kept.offset)
        return file.read(kept.size)


def read_kept(kept: Kept) -> bytes:
    """An output's bytes."""
    found = to_upload(kept)
    return found.read_bytes() if isinstance(found, Path) else found
