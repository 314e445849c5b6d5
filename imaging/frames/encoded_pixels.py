"""The position and layout of a file's encoded pixel data (PS3.5 section 8 and annex A)."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from struct import Struct
from typing import BinaryIO

from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from pydicom.tag import Tag

from imaging.frames.fragments import (
    FrameFragments,
    Item,
    basic_offsets,
    extended_offset_table,
    frame_fragments,
)

KEYWORDS = {
    Tag(0x7FE0, 0x0008): "FloatPixelData",
    Tag(0x7FE0, 0x0009): "DoubleFloatPixelData",
    Tag(0x7FE0, 0x0010): "PixelData",
}
_VRS = frozenset(["OB", "OW", "OF", "OD", "OV", "UN"])
_UNDEFINED_LENGTH = 0xFFFFFFFF
_ITEM, _SEQUENCE_DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_ITEM_HEADER = Struct("<4sL")
_LAST = 10  # bytes of a fragment, among which its end marker may be padded


class UnreadableElementError(Exception):
    """The bytes where the pixel data element should begin are not its header."""


@dataclass(frozen=True)
class EncodedPixels:
    """The value of a pixel data element, still encoded and still on disk."""

    keyword: str
    vr: str
    offset: int  # of the value, in bytes from the start of the file
    length: int  # in bytes: native as declared, encapsulated up to the end of the file
    is_encapsulated: bool  # has an undefined length (PS3.5 A.4)
    available: int  # bytes of it that the file has
    path: Path
    inflated: bytes | None = field(
        default=None, repr=False
    )  # the value in memory, if the data set is deflated

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """A stream at the value's first byte."""
        with self.path.open("rb") if self.inflated is None else io.BytesIO(self.inflated) as stream:
            stream.seek(self.offset)
            yield stream

    def native(self, length: int, *, chunk: int) -> Iterator[bytes]:
        """The first `length` bytes of native pixel data, in chunks of at most `chunk` bytes."""
        with self.opened() as stream:
            while length > 0:
                piece = stream.read(min(chunk, length))
                if not piece:
                    return
                length -= len(piece)
                yield piece

    def frames(self, ds: FileDataset, number_of_frames: int) -> Iterator[bytes]:
        """The code streams of encapsulated frames, one in memory at a time."""
        found = self.fragments(ds, number_of_frames)
        with self.opened() as stream:
            if found is None or found.is_by_tables:
                yield from generate_frames(
                    stream, number_of_frames=number_of_frames, extended_offsets=extended_offsets(ds)
                )
            else:
                for frame in found.frames:
                    yield b"".join([self._read(stream, item) for item in frame])

    def fragments(self, ds: FileDataset, number_of_frames: int) -> FrameFragments | None:
        """The fragments of each frame; see `frame_fragments`."""
        items = self.items or []
        with self.opened() as stream:
            table = self._read(stream, items[0]) if items else b""
            return frame_fragments(
                items[1:],
                number_of_frames,
                basic=basic_offsets(table),
                extended=extended_offset_table(extended_offsets(ds)),
                read_start=lambda item: self._read(stream, item)[:_LAST],
                read_end=lambda item: self._read(stream, item)[-_LAST:],
            )

    def _read(self, stream: BinaryIO, item: Item) -> bytes:
        stream.seek(self.offset + item.offset)
        return stream.read(item.length)

    @cached_property
    def items(self) -> list[Item] | None:
        """The items of encapsulated pixel data: the basic offset table, then the fragments.

        None if they do not end with the delimiter or exactly with the file.
        """
        items: list[Item] = []
        with self.opened() as stream:
            position = 0
            while position + _ITEM_HEADER.size <= self.available:
                stream.seek(self.offset + position)
                tag, length = _ITEM_HEADER.unpack(stream.read(_ITEM_HEADER.size))
                if tag == _SEQUENCE_DELIMITER:
                    return items
                if tag != _ITEM:
                    return None
                items.append(Item(position + _ITEM_HEADER.size, length))
                position += _ITEM_HEADER.size + length
            return items if position == self.available else None


def extended_offsets(ds: FileDataset) -> tuple[bytes, bytes] | None:
    """The extended offset table and its lengths, if the file has both (PS3.3 C.7.6.3.1.8)."""
    if "ExtendedOffsetTable" in ds and "ExtendedOffsetTableLengths" in ds:
        return ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths
    return None


def locate_pixels(stream: BinaryIO, ds: FileDataset, path: Path) -> EncodedPixels | None:
    """The pixel data element at a stream's position; None at the end of the stream.

    `ds` is the data set read up to this position. Raises UnreadableElementError if there is
    anything else than a pixel data element.
    """
    is_implicit, is_little = ds.original_encoding
    order = "<" if is_little else ">"
    header = stream.read(8)
    if len(header) < 8:
        return None
    tag = Tag(Struct(f"{order}HH").unpack(header[:4]))
    # Some writers mix elements of the other VR encoding into a data set, so each is examined. A
    # length may be spelt with letters as well, but never those of a VR here: it would be odd.
    is_vr = header[4:6].decode("latin-1") in _VRS and (not is_implicit or header[6:8] == b"\0\0")
    is_explicit = is_vr or (not is_implicit and header[4:6].isalpha())
    vr = header[4:6].decode() if is_explicit else "OW"
    long = stream.read(4) if is_explicit else header[4:]
    if tag not in KEYWORDS or vr not in _VRS or len(long) < 4:
        raise UnreadableElementError
    (declared,) = Struct(f"{order}L").unpack(long)
    offset = stream.tell()
    left = stream.seek(0, io.SEEK_END) - offset
    is_undefined = declared == _UNDEFINED_LENGTH
    length = left if is_undefined else declared
    return EncodedPixels(KEYWORDS[tag], vr, offset, length, is_undefined, min(length, left), path)


def inflated_pixels(ds: FileDataset, path: Path) -> EncodedPixels | None:
    """The pixel data of a deflated data set, removed from it; such a file can't be read in pieces."""
    for tag, keyword in KEYWORDS.items():
        if tag in ds:
            element = ds[tag]
            del ds[tag]
            value = element.value or b""
            return EncodedPixels(keyword, element.VR, 0, len(value), False, len(value), path, value)
    return None
