"""Look-up tables of a data set, by their descriptor.

PS3.3 C.11.1.1.1 (Modality LUT), C.11.2.1.1 (VOI LUT), C.7.6.3.1.5 and C.7.6.3.1.6 (palettes).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from common.errors import PermanentError
from imaging.dataset.element_value import tag_of

_MAX_ENTRIES = 1 << 16
_MAX_BITS = 16
_NEXT_STEP = "Ask for the file to be sent again with a right table, then replay it."
Range = tuple[float, float]


@dataclass(frozen=True)
class DescribedLut:
    """A look-up table: one entry for each input value from the first one on."""

    first: int  # the input value of the first entry
    entries: NDArray[np.uint16]  # without bits above `bits`
    bits: int  # of an entry

    def mapped(self, values: NDArray[Any]) -> NDArray[np.uint16]:
        """The entries for values of any shape; values before the first and behind the last get these."""
        if values.dtype.kind == "f":
            values = np.rint(np.nan_to_num(values, nan=self.first))
        return self.entries.take(self.indices(values))

    def indices(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """The index of the entry for each value, which is finite."""
        first, last = self.first, self.first + len(self.entries) - 1
        if values.dtype.kind != "f":
            # Bounds beyond the values' own type can't be compared with them.
            least, greatest = np.iinfo(values.dtype).min, np.iinfo(values.dtype).max
            if last < least or first > greatest:
                return np.full(values.shape, len(self.entries) - 1 if last < least else 0, np.int64)
            first, last = max(first, least), min(last, greatest)
        # Clipped before the difference is taken, which then fits a signed integer of 64 bits.
        return cast("NDArray[np.int64]", np.clip(values, first, last).astype(np.int64) - self.first)


@dataclass(frozen=True)
class Descriptor:
    """The three values of a LUT descriptor."""

    number: int  # of entries
    first: int
    bits: int


def read_descriptor(ds: Dataset, keyword: str, *, inputs: Range, is_little_endian: bool) -> Descriptor:
    """The descriptor `keyword` of a table whose input values are in the range `inputs`.

    Raises PermanentError, which names the attribute, if it doesn't describe a table.
    """
    values = _integers(_value(ds, keyword), "<" if is_little_endian else ">")
    if values is None or len(values) != 3:
        raise PermanentError(f"{keyword} is missing or has not three numbers (PS3.3 C.11.1.1.1).", _NEXT_STEP)
    number, bits = (values[0] & 0xFFFF) or _MAX_ENTRIES, values[2] & 0xFFFF
    if not 1 <= bits <= _MAX_BITS:
        raise PermanentError(f"{keyword} describes entries of no or more than 16 bits.", _NEXT_STEP)
    return Descriptor(number, _first_input(values[1], number, inputs), bits)


def read_lut(
    ds: Dataset, keywords: tuple[str, str], *, inputs: Range, is_little_endian: bool
) -> DescribedLut:
    """The table with the keywords of its descriptor and its data.

    Raises PermanentError, which names the attribute at fault.
    """
    descriptor = read_descriptor(ds, keywords[0], inputs=inputs, is_little_endian=is_little_endian)
    keyword, number, bits = keywords[1], descriptor.number, descriptor.bits
    value = _value(ds, keyword)
    order = "<" if is_little_endian else ">"
    units = _words_of(value, number, bits, order=order, is_bytes=_vr(ds, keyword) == "OB")
    if units is None:
        raise PermanentError(f"{keyword} has fewer entries than {keywords[0]} says.", _NEXT_STEP)
    if units.dtype == np.uint8:
        bits = min(bits, 8)
    entries: NDArray[Any] = units[:number].astype(np.uint16)
    is_scaled = keyword != "LUTData" or not (entries & 0xFF).any()
    if is_scaled and bits <= 8 and (entries >> 8).any():
        # Common writers describe 8 bits and scale the colours to 16, or use the upper byte.
        entries, bits = entries >> 8, 8
    return DescribedLut(descriptor.first, entries & np.uint16((1 << bits) - 1), bits)


def _words_of(value: Any, number: int, bits: int, *, order: str, is_bytes: bool) -> NDArray[Any] | None:
    """At least `number` entries: uint16, or uint8 if two are packed in a word; None if there are fewer."""
    if isinstance(value, bytes):
        words = np.frombuffer(value[: len(value) // 2 * 2], f"{order}u2").astype(np.uint16)
        packed = np.frombuffer(value, np.uint8) if is_bytes or order == "<" else _unpacked(words)
    else:
        numbers = _integers(value, order)
        if numbers is None:
            return None
        words = np.array([one & 0xFFFF for one in numbers], np.uint16)
        packed = _unpacked(words)
    if len(words) >= number:
        return words
    # Entries of 8 bits are packed (C.11.1.1.1), also if a table of that length is described as one of 16.
    is_packed = len(packed) >= number and (bits <= 8 or len(packed) in (number, number + number % 2))
    return packed if is_packed else None


def _unpacked(words: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Two entries of each word, the first one in its lower byte (PS3.5 8.3.1)."""
    return words.astype("<u2").view(np.uint8)


def _first_input(given: int, number: int, inputs: Range) -> int:
    """The first input value, whose VR should be US or SS by the sign of the inputs (C.11.2.1.1).

    Files may have the other VR, or none in implicit VR, so the reading is used in which the table
    covers more of the possible inputs. If both do alike, the sign of the inputs decides.
    """
    unsigned = given & 0xFFFF
    signed = unsigned - 0x10000 if unsigned > 0x7FFF else unsigned
    low, high = inputs

    def covered(first: int) -> float:
        return max(0.0, min(high, first + number - 1) - max(low, first) + 1)

    preferred, other = (signed, unsigned) if low < 0 else (unsigned, signed)
    return other if covered(other) > covered(preferred) else preferred


def _value(ds: Dataset, keyword: str) -> Any:
    tag = tag_of(keyword)
    return ds[tag].value if tag in ds else None


def _vr(ds: Dataset, keyword: str) -> str:
    tag = tag_of(keyword)
    return str(ds[tag].VR) if tag in ds else ""


def _integers(value: Any, order: str) -> list[int] | None:
    """The integers of a value of one or several numbers, or of words in an unknown VR."""
    if isinstance(value, bytes):
        return cast("list[int]", np.frombuffer(value[: len(value) // 2 * 2], f"{order}u2").tolist())
    several: Sequence[Any] = value if isinstance(value, MultiValue | list) else [value]
    return list(several) if several and all(isinstance(one, int) for one in several) else None
