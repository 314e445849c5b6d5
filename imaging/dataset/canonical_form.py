"""The elements of a data set in one form, in whatever encoding they are (PS3.5 section 7 and annex A).

Two data sets with the same elements have the same form in implicit and explicit VR, in little and big
endian, with and without group lengths, with sequences of defined and undefined length, and with other
padding. Values are not interpreted: `1.0` and `1` stay different.
"""

import struct
from functools import cache
from struct import Struct

import numpy as np
from pydicom.datadict import dictionary_VR
from pydicom.valuerep import CUSTOMIZABLE_CHARSET_VR, DEFAULT_CHARSET_VR, EXPLICIT_VR_LENGTH_32, STANDARD_VR

_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_UNDEFINED = 0xFFFFFFFF
_MAX_DEPTH = 32
LONG_LENGTH_VRS = frozenset(vr.encode() for vr in EXPLICIT_VR_LENGTH_32)  # of 32 bits (PS3.5 7.1.2)
_VRS = frozenset(vr.encode() for vr in STANDARD_VR)
_NUMBER_BYTES = {
    **dict.fromkeys(b"US SS OW AT".split(), 2),
    **dict.fromkeys(b"UL SL FL OL OF".split(), 4),
    **dict.fromkeys(b"FD OD SV UV OV".split(), 8),
}
_TEXT = frozenset([*CUSTOMIZABLE_CHARSET_VR, "UR"])  # padded at the end alone
_CODES = frozenset(DEFAULT_CHARSET_VR) - {"UR"}  # ASCII, and each value may be padded
_PIXELS = frozenset([0x7FE00008, 0x7FE00009, 0x7FE00010])
# They describe an encoding: length to end (retired), planar configuration, offset tables, total length.
_OF_ENCODING = frozenset([0x00080001, 0x00280006, 0x7FE00001, 0x7FE00002, 0x7FE00003])
_PHOTOMETRIC_INTERPRETATION = 0x00280004
_TAG_AND_LENGTH = Struct("<LL")
_BEGIN_ITEM, _END_ITEM, _END_SEQUENCE = (
    _TAG_AND_LENGTH.pack(tag, 0) for tag in (_ITEM, _ITEM_END, _SEQUENCE_END)
)
_ITEM_BYTES = b"\xfe\xff\x00\xe0"


class UnclearEncodingError(Exception):
    """The bytes are not elements one after the other."""


def canonical_form(data: bytes, start: int, *, is_implicit: bool, is_big_endian: bool = False) -> bytes:
    """The form of the data set at `start`, up to its pixel data.

    Raises UnclearEncodingError, also for what pydicom would read nevertheless.
    """
    reader = _Reader(data, is_big_endian=is_big_endian)
    try:
        reader.elements(start, len(data), is_implicit=is_implicit, depth=0)
    except struct.error:
        raise UnclearEncodingError from None
    return b"".join(reader.parts)


class _Reader:
    """Reads encoded elements and collects their forms."""

    def __init__(self, data: bytes, *, is_big_endian: bool) -> None:
        order = ">" if is_big_endian else "<"
        self.parts: list[bytes] = []
        self._data, self._is_big_endian = data, is_big_endian
        self._implicit, self._explicit = Struct(f"{order}HHL"), Struct(f"{order}HH2sH")
        self._length = Struct(f"{order}L")

    def elements(self, position: int, end: int, *, is_implicit: bool, depth: int) -> int:
        """Read elements up to `end`, or to the delimiter of an item; returns the position behind them."""
        unpack = (self._implicit if is_implicit else self._explicit).unpack_from
        while position < end:
            group, number, *vr, length = unpack(self._data, position)
            tag = group << 16 | number
            position += 8
            if group == 0xFFFE:
                if tag != _ITEM_END or depth == 0:
                    raise UnclearEncodingError
                return position
            if depth == 0 and tag in _PIXELS:
                return position
            if not is_implicit and vr[0] in LONG_LENGTH_VRS:
                (length,) = self._length.unpack_from(self._data, position)
                position += 4
            position = self._element(tag, vr[0] if vr else b"", position, length, depth)
        if position > end:
            raise UnclearEncodingError
        return position

    def _element(self, tag: int, vr: bytes, position: int, length: int, depth: int) -> int:
        kind = _kind(tag)
        if vr and vr not in _VRS:
            raise UnclearEncodingError
        if length == _UNDEFINED:
            if vr in (b"OB", b"OW"):
                return self._fragments(tag, position)
            return self._sequence(tag, position, None, is_implicit=vr in (b"", b"UN"), depth=depth)
        end = position + length
        if end > len(self._data):
            raise UnclearEncodingError
        if length and self._is_sequence(vr, kind, position):
            return self._sequence(tag, position, end, is_implicit=vr != b"SQ", depth=depth)
        if tag not in _OF_ENCODING and tag & 0xFFFF:
            value = self._value(tag, kind, vr, self._data[position:end])
            self.parts += (_TAG_AND_LENGTH.pack(tag, len(value)), value)
        return end

    def _is_sequence(self, vr: bytes, kind: str, position: int) -> bool:
        """Whether a value is a sequence; without a known VR, its first bytes say it."""
        if vr == b"SQ" or kind == "SQ":
            return True
        return kind == "" and vr in (b"", b"UN") and self._data.startswith(_ITEM_BYTES, position)

    def _sequence(self, tag: int, position: int, end: int | None, *, is_implicit: bool, depth: int) -> int:
        """Read the items of a sequence; `end` is None if its length is undefined."""
        if depth >= _MAX_DEPTH:
            raise UnclearEncodingError
        first = len(self.parts)
        while end is None or position < end:
            item, length, position = self._item(position)
            if item == _SEQUENCE_END and end is None:
                break
            if item != _ITEM:
                raise UnclearEncodingError
            last = len(self._data) if length == _UNDEFINED else position + length
            self.parts.append(_BEGIN_ITEM)
            position = self.elements(position, last, is_implicit=is_implicit, depth=depth + 1)
            self.parts.append(_END_ITEM)
        if end is not None and position != end:
            raise UnclearEncodingError
        is_empty = len(self.parts) == first  # the same as a value of no length
        self.parts.insert(first, _TAG_AND_LENGTH.pack(tag, 0 if is_empty else _UNDEFINED))
        if not is_empty:
            self.parts.append(_END_SEQUENCE)
        return position

    def _item(self, position: int) -> tuple[int, int, int]:
        """The tag and length of an item or delimiter, and the position behind them."""
        group, number, length = self._implicit.unpack_from(self._data, position)
        return group << 16 | number, length, position + 8

    def _fragments(self, tag: int, position: int) -> int:
        """Read encapsulated pixel data within an item, such as an icon's."""
        fragments = []
        while True:
            item, length, position = self._item(position)
            if item == _SEQUENCE_END:
                break
            if item != _ITEM or position + length > len(self._data):
                raise UnclearEncodingError
            fragments.append(self._data[position : position + length])
            position += length
        value = b"".join(fragments[1:])  # without the offset table
        self.parts += (_TAG_AND_LENGTH.pack(tag, len(value)), value)
        return position

    def _value(self, tag: int, kind: str, vr: bytes, value: bytes) -> bytes:
        if kind == "text":
            return value.rstrip(b" \0")
        if kind == "codes":
            stripped = value.strip(b" \0")
            if b"\\" in stripped:
                stripped = b"\\".join([one.strip(b" \0") for one in stripped.split(b"\\")])
            # The reversible transform of JPEG 2000 gives RGB (PS3.3 C.7.6.3.1.2).
            is_transformed = tag == _PHOTOMETRIC_INTERPRETATION and stripped == b"YBR_RCT"
            return b"RGB" if is_transformed else stripped
        size = _NUMBER_BYTES.get(vr, 1) if self._is_big_endian else 1
        if size > 1:
            if len(value) % size:
                raise UnclearEncodingError
            return np.frombuffer(value, f"u{size}").byteswap().tobytes()
        return value


@cache
def _kind(tag: int) -> str:
    """How the values of an attribute are padded, by the data dictionary; empty for an unknown attribute."""
    if tag >> 16 & 1:
        return "text" if 0x10 <= tag & 0xFFFF <= 0xFF else ""  # a private creator
    try:
        vr = dictionary_VR(tag)
    except KeyError:
        return ""
    if vr == "SQ":
        return "SQ"
    return "text" if vr in _TEXT else "codes" if vr in _CODES else "bytes"
