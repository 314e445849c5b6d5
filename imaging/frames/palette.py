"""Palettes: stored values to colours (PS3.3 C.7.6.3.1.5, C.7.6.3.1.6, C.7.6.19, C.7.9.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels.processing import _expand_segmented_lut

from common.errors import PermanentError
from imaging.dataset.described_lut import DescribedLut, Range, read_descriptor, read_lut
from imaging.dataset.element_value import tag_of
from imaging.frames.stored_value import stored_value

_COLOURS = ("Red", "Green", "Blue")
_ASK_SENDER = "Ask for the file to be sent again with a right palette, then replay it."


@dataclass(frozen=True)
class Palette:
    """The tables of red, green and blue."""

    tables: tuple[DescribedLut, DescribedLut, DescribedLut]

    @property
    def first(self) -> int:
        """The first stored value that has a colour of its own."""
        return self.tables[0].first

    def colours(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """The colours of stored values of any shape, as RGB of 8 bits and of shape (*shape, 3)."""
        first, length = self.first, len(self.tables[0].entries)
        scaled = [np.rint(table.entries * (255 / ((1 << table.bits) - 1))) for table in self.tables]
        if any((table.first, len(table.entries)) != (first, length) for table in self.tables):
            return np.stack(
                [
                    levels.astype(np.uint8)[table.indices(values)]
                    for table, levels in zip(self.tables, scaled, strict=True)
                ],
                axis=-1,
            )
        return np.stack(scaled, axis=-1).astype(np.uint8).take(self.tables[0].indices(values), axis=0)


def palette_colours(values: NDArray[Any], ds: Dataset) -> NDArray[np.uint8]:
    """The colours of stored values by the data set's palette; see `Palette.colours`."""
    return read_palette(ds).colours(values)


def read_palette(ds: Dataset) -> Palette:
    """The palette of a data set; raises PermanentError, which names the attribute at fault."""
    meta = getattr(ds, "file_meta", None)
    is_little = meta is None or meta.TransferSyntaxUID.is_little_endian
    inputs = stored_value(ds).value_range()
    red, green, blue = (_table(ds, colour, inputs=inputs, is_little_endian=is_little) for colour in _COLOURS)
    return Palette((red, green, blue))


def _table(ds: Dataset, colour: str, *, inputs: Range, is_little_endian: bool) -> DescribedLut:
    described = f"{colour}PaletteColorLookupTableDescriptor"
    segmented = f"Segmented{colour}PaletteColorLookupTableData"
    direct = f"{colour}PaletteColorLookupTableData"
    if tag_of(direct) in ds or tag_of(segmented) not in ds:
        return read_lut(ds, (described, direct), inputs=inputs, is_little_endian=is_little_endian)
    descriptor = read_descriptor(ds, described, inputs=inputs, is_little_endian=is_little_endian)
    entries = _expanded(ds[tag_of(segmented)].value, descriptor.bits, is_little_endian=is_little_endian)
    if entries is None or len(entries) < descriptor.number:
        raise PermanentError(f"{segmented} does not have the entries that its descriptor says.", _ASK_SENDER)
    mask = (1 << descriptor.bits) - 1
    table = np.array(entries[: descriptor.number], np.int64) & mask
    return DescribedLut(descriptor.first, table.astype(np.uint16), descriptor.bits)


def _expanded(data: Any, bits: int, *, is_little_endian: bool) -> list[int] | None:
    """The entries of segments (C.7.9.2); None if they can't be read."""
    order, unit = "<" if is_little_endian else ">", "B" if bits <= 8 else "H"
    dtype = np.dtype(f"{order}u{1 if unit == 'B' else 2}")
    if not isinstance(data, bytes):
        return None
    units = np.frombuffer(data[: len(data) // dtype.itemsize * dtype.itemsize], dtype).tolist()
    try:
        return _expand_segmented_lut(tuple(units), f"{order}{unit}")
    except (IndexError, ValueError, RecursionError):
        return None
