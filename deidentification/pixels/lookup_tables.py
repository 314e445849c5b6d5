"""Look-up tables and palettes with nothing but the entries that their descriptor describes.

PS3.3 C.11.1.1.1 (LUT Descriptor), C.7.6.3.1.5 and C.7.6.3.1.6 (palettes), C.7.9.2 (segmented palettes).
"""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

_COLOURS = ("Red", "Green", "Blue")
_SEGMENTED = frozenset(Tag(f"Segmented{colour}PaletteColorLookupTableData") for colour in _COLOURS)
_PALETTES = {
    Tag(f"{kind}{colour}PaletteColorLookupTableData"): Tag(f"{colour}PaletteColorLookupTableDescriptor")
    for kind in ("", "Segmented")
    for colour in _COLOURS
}
_LUT_DATA = Tag("LUTData")
_DESCRIPTORS = _PALETTES | {_LUT_DATA: Tag("LUTDescriptor")}
_MAX_ENTRIES = 1 << 16
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


def keep_described_entries(ds: Dataset, *, is_little_endian: bool) -> None:
    """Cut every table in a data set, to any depth, to its described entries and bits.

    A table without a valid descriptor, or a segmented one that can't be read, is removed.
    `is_little_endian` is the byte order of the data set's words.
    """
    order = "<" if is_little_endian else ">"
    for tag, element in list(ds.items()):
        if element.VR == "SQ":
            for item in cast("Sequence", element.value):
                keep_described_entries(item, is_little_endian=is_little_endian)
        elif tag in _DESCRIPTORS and element.value is not None and element.value != b"":
            value = _described(ds, tag, element.value, order)
            if value is None:
                del ds[tag]
            elif value != element.value:
                ds[tag].value = value


def _described(ds: Dataset, tag: BaseTag, value: Any, order: str) -> Any:
    """The described part of a table's value; None if it is not known."""
    descriptor = ds.get(_DESCRIPTORS[tag])
    if descriptor is None or descriptor.VM != 3:
        return None
    entries, bits = (int(descriptor.value[0]) & 0xFFFF) or _MAX_ENTRIES, int(descriptor.value[2])
    if not 1 <= bits <= 16:
        return None
    if not isinstance(value, bytes):
        numbers = [value] if isinstance(value, int) else list(value)
        return [int(number) & ((1 << bits) - 1) for number in numbers[:entries]]
    if tag in _SEGMENTED:
        length = _segmented_length(value, entries, f"{order}u{1 if bits <= 8 else 2}")
        kept = None if length is None else value[:length]
    elif len(value) < 2 * entries and (bits <= 8 or len(value) in (entries, entries + entries % 2)):
        # Two entries in a word; the last one of an odd number is in the first or the second byte of its word.
        kept = value[: entries if order == "<" else entries + entries % 2]
    else:
        words = np.frombuffer(value[: min(2 * entries, len(value) // 2 * 2)], f"{order}u2")
        kept = _described_bits(words, bits, is_palette=tag in _PALETTES)
    return None if kept is None else kept + b"\0" * (len(kept) % 2)


def _described_bits(words: NDArray[np.uint16], bits: int, *, is_palette: bool) -> bytes:
    """Entries in words of 16 bits, without bits above the described ones."""
    high, low = words >> 8, words & 0xFF
    if bits <= 8 and high.any() and (is_palette or not low.any()):
        # Common writers describe 8 bits, and scale them to 16 or use the upper byte: these are kept.
        return (words if not low.any() else (high << 8 | high).astype(words.dtype)).tobytes()
    return (words & ((1 << bits) - 1)).astype(words.dtype).tobytes()


def _segmented_length(value: bytes, entries: int, dtype: str) -> int | None:
    """The bytes of the segments that make up all entries; None if they can't be read (C.7.9.2)."""
    size = np.dtype(dtype).itemsize
    units = np.frombuffer(value[: len(value) // size * size], dtype).tolist()
    made: dict[int, int] = {}  # the entries of each segment, by its offset
    position = total = 0
    last = len(units) - 2
    while total < entries:
        if position > last:
            return None
        kind, number = units[position], units[position + 1]
        length = 3
        if kind == _DISCRETE:
            length = 2 + number
        elif kind == _INDIRECT:
            copied = _copied(made, units[position + 2 :][: 4 // size], number, size)
            if copied is None:
                return None
            number, length = copied, 2 + 4 // size
        elif kind != _LINEAR:
            return None
        made[position] = number
        total += number
        position += length
    return min(position, len(units)) * size


def _copied(made: dict[int, int], offset: list[int], number: int, size: int) -> int | None:
    """The entries of an indirect segment, which repeats `number` segments from a byte offset on."""
    if len(offset) != 4 // size:
        return None
    given = sum(unit << (8 * size * index) for index, unit in enumerate(offset))
    first = given // size if given // size in made else given  # some writers count words, as pydicom does
    repeated = [made[at] for at in sorted(made) if at >= first][:number]
    return sum(repeated) if first in made and len(repeated) == number else None
