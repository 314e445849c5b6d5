"""Encoding a data set made in memory (PS3.5 chapter 7): the same bytes as pydicom in a third of the time.

Text is encoded in UTF-8. A data set with an element not supported here is encoded by pydicom.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from struct import Struct
from typing import Any, cast

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.multival import MultiValue

_LONG_LENGTH = frozenset(
    "OB OD OF OL OV OW SQ SV UC UN UR UT UV".split()
)  # length field of 32 bits (PS3.5 7.1.2)
_NUMBERS = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "UV": "Q", "SV": "q", "FL": "f", "FD": "d"}
# The first value of these is unsigned, whatever the VR (PS3.3 C.11.1.1.1).
_LUT_DESCRIPTORS = frozenset([0x00281101, 0x00281102, 0x00281103, 0x00283002])
_ITEM = (0xFFFE, 0xE000)
_MAX_SHORT_LENGTH = 0xFFFF


class _UnsupportedElementError(Exception):
    """An element that only pydicom can encode."""


class Encoding:
    """Encodes data sets for one transfer syntax."""

    def __init__(self, *, is_implicit_vr: bool, is_little_endian: bool) -> None:
        self._is_implicit_vr, self._is_little_endian = is_implicit_vr, is_little_endian
        self._order = "<" if is_little_endian else ">"
        self._tag = Struct(f"{self._order}HH")
        self._implicit = Struct(f"{self._order}HHL")
        self._explicit = Struct(f"{self._order}HH2sH")
        self._explicit_long = Struct(f"{self._order}HH2s2xL")

    def encoded(self, ds: Dataset) -> bytes:
        """The bytes of all elements in tag order; sequences and items have explicit lengths."""
        try:
            return self._encoded(ds)
        except _UnsupportedElementError:
            buffer = DicomBytesIO()
            buffer.is_implicit_VR, buffer.is_little_endian = self._is_implicit_vr, self._is_little_endian
            write_dataset(buffer, ds)
            return buffer.getvalue()

    def _encoded(self, ds: Dataset) -> bytes:
        elements = sorted((int(tag), element) for tag, element in ds.items())
        return b"".join([part for tag, element in elements for part in self._element(tag, element)])

    def _element(self, tag: int, element: DataElement | RawDataElement) -> tuple[bytes, bytes]:
        vr, value = element.VR, cast("Any", element.value)
        if vr is None or element.is_raw:
            raise _UnsupportedElementError
        body = self._sequence(value) if vr == "SQ" else self._body(tag, vr, value)
        group, number = tag >> 16, tag & 0xFFFF
        if self._is_implicit_vr:
            return self._implicit.pack(group, number, len(body)), body
        if vr in _LONG_LENGTH:
            return self._explicit_long.pack(group, number, vr.encode(), len(body)), body
        if len(body) > _MAX_SHORT_LENGTH:
            raise _UnsupportedElementError
        return self._explicit.pack(group, number, vr.encode(), len(body)), body

    def _sequence(self, items: Sequence[Dataset]) -> bytes:
        bodies = [self._encoded(item) for item in items]
        return b"".join([self._implicit.pack(*_ITEM, len(body)) + body for body in bodies])

    def _body(self, tag: int, vr: str, value: Any) -> bytes:
        if value is None or value == "":
            return b""
        values = value if isinstance(value, MultiValue | list) else [value]
        if vr in _NUMBERS:
            if vr == "SS" and tag in _LUT_DESCRIPTORS:
                raise _UnsupportedElementError
            return _numbers(self._order, vr, len(values)).pack(*values)
        if vr == "AT":
            return b"".join([self._tag.pack(one >> 16, one & 0xFFFF) for one in values])
        encode = _ENCODERS.get(vr)
        if encode is None:
            raise _UnsupportedElementError
        body = encode(values)
        return body + (b"\0" if vr in _NULL_PADDED else b" ") * (len(body) % 2)


@lru_cache(maxsize=256)
def _numbers(order: str, vr: str, number: int) -> Struct:
    return Struct(f"{order}{number}{_NUMBERS[vr]}")


def _text(values: Sequence[Any]) -> bytes:
    return "\\".join(map(str, values)).encode()


def _ascii(values: Sequence[Any]) -> bytes:
    return "\\".join(values).encode("latin-1")


def _number_text(values: Sequence[Any]) -> bytes:
    """Numbers in the text form of the original file, if they have one (PS3.5 6.2)."""
    return "\\".join([getattr(one, "original_string", None) or str(one) for one in values]).encode("latin-1")


def _bytes(values: Sequence[Any]) -> bytes:
    (value,) = values
    if not isinstance(value, bytes):
        raise _UnsupportedElementError
    return value


_NULL_PADDED = frozenset("UI OB OD OF OL OV OW".split())
_ENCODERS: dict[str, Callable[[Sequence[Any]], bytes]] = {
    **dict.fromkeys("LO LT PN SH ST UC UT".split(), _text),
    **dict.fromkeys("AE AS CS DA DT TM UI UR".split(), _ascii),
    **dict.fromkeys("DS IS".split(), _number_text),
    **dict.fromkeys("OB OD OF OL OV OW".split(), _bytes),
}
