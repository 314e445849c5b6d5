"""Holds the outputs of one file until they are uploaded: small ones in memory, the others on disk."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

MAX_BYTES_IN_MEMORY = 1024 * 1024  # of all outputs of one file together
_SPOOL, _DICOM = "outputs", "deidentified.dcm"
FILES = (_SPOOL, _DICOM)  # that may be written to the folder


@dataclass(frozen=True)
class Spooled:
    """An output in a file shared by several outputs: a file for each would cost more than a frame."""

    path: Path
    offset: int
    size: int


Output = bytes | Path | Spooled


class OutputSpace:
    """Takes the outputs of one file.

    The first ones stay in memory, because a disk costs more than a small picture. The others go
    to a folder, so that memory use stays flat. Files that exist there are written anew: a process in
    a sandbox can make none.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._spool = folder / _SPOOL
        self._free = MAX_BYTES_IN_MEMORY

    def clear(self) -> None:
        """Forget the outputs so far: the file is drawn again."""
        if self._spool.exists():
            self._spool.write_bytes(b"")
        self._free = MAX_BYTES_IN_MEMORY

    def add(self, body: bytes) -> Output:
        """Take one complete output."""
        if len(body) <= self._free:
            self._free -= len(body)
            return body
        with self._spool.open("ab") as file:
            offset = file.tell()
            file.write(body)
        return Spooled(self._spool, offset, len(body))

    def write_dicom(self, write: Callable[[BinaryIO], None], *, size: int) -> Output:
        """Take the de-identified file, of about `size` bytes, that `write` writes to a stream."""
        if size <= self._free:
            self._free -= size
            buffer = io.BytesIO()
            write(buffer)
            return buffer.getvalue()
        path = self._folder / _DICOM
        with path.open("w+b") as file:
            write(file)
        return path


def upload_body(output: Output) -> bytes | Path:
    """An output as the object store takes it: bytes, or the path of a file of its own."""
    if not isinstance(output, Spooled):
        return output
    with output.path.open("rb") as file:
        file.seek(output.offset)
        return file.read(output.size)


def read_output(output: Output) -> bytes:
    """The bytes of an output."""
    body = upload_body(output)
    return body.read_bytes() if isinstance(body, Path) else body
