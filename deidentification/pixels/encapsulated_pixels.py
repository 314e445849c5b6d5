"""Encapsulated pixel data elements (PS3.5 A.4)."""

from collections.abc import Iterable
from struct import Struct
from typing import BinaryIO

_ITEM, _SEQUENCE_DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_LONG = Struct("<L")
_UNDEFINED_LENGTH = 0xFFFFFFFF
_MAX_INDEXED = 3 << 30  # bytes; an encoder may make noise larger than it was


def write_encapsulated(frames: Iterable[bytes], number: int, stream: BinaryIO, *, size: int) -> None:
    """Write the code streams of `number` frames, one fragment each, behind a basic offset table.

    `size` is their approximate size in bytes; if it is so large that offsets may not fit 32 bits,
    the table is empty.
    """
    indexed = number if size < _MAX_INDEXED else 0
    stream.write(b"\xe0\x7f\x10\x00OB\0\0" + _LONG.pack(_UNDEFINED_LENGTH))
    start = stream.tell()
    stream.write(_ITEM + _LONG.pack(4 * indexed) + bytes(4 * indexed))
    first, offsets = stream.tell(), []
    for frame in frames:
        offsets.append(stream.tell() - first)
        padding = b"\0" * (len(frame) % 2)
        stream.write(_ITEM + _LONG.pack(len(frame) + len(padding)) + frame + padding)
    stream.write(_SEQUENCE_DELIMITER + _LONG.pack(0))
    end = stream.tell()
    stream.seek(start + 8)
    stream.write(b"".join(_LONG.pack(offset) for offset in offsets[:indexed]))
    stream.seek(end)
