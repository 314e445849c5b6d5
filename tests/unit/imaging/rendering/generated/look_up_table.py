"""Random look-up tables as the standard describes them (PS3.3 C.11.1.1.1, C.7.6.3.1.5)."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from pydicom.dataset import Dataset

Draw = Callable[[st.SearchStrategy[Any]], Any]
COLOURS = ("Red", "Green", "Blue")


@dataclass(frozen=True, eq=False)
class Table:
    """A table: one entry for each input value from the first one on."""

    first: int
    entries: np.ndarray  # uint16
    bits: int  # of an entry
    form: str  # "words", "packed" two to a word, or "numbers" of VR US
    is_signed: bool  # the input values may be negative

    @property
    def descriptor(self) -> list[int]:
        """Number of entries, of which 65,536 are written as 0; first input value; bits."""
        return [len(self.entries) % 65536, self.first, self.bits]

    def mapped(self, values: np.ndarray) -> np.ndarray:
        """The entries; values before the first and behind the last one get these."""
        return self.entries[np.clip(values.astype(int) - self.first, 0, len(self.entries) - 1)].astype(int)

    def levels(self, values: np.ndarray) -> np.ndarray:
        """The entries as output levels from 0 to 1."""
        return self.mapped(values) / ((1 << self.bits) - 1)

    def item(self, order: str) -> Dataset:
        """The item of a LUT sequence, with words in a byte order."""
        item = Dataset()
        item.add_new("LUTDescriptor", self.descriptor_vr, self.descriptor)
        if self.form == "numbers":
            item.add_new("LUTData", "US", self.entries.tolist())
        else:
            item.add_new("LUTData", "OW", self.data(order))
        return item

    @property
    def descriptor_vr(self) -> str:
        return "SS" if self.is_signed else "US"

    def data(self, order: str) -> bytes:
        if self.form != "packed":
            return self.entries.astype(f"{order}u2").tobytes()
        even = np.append(self.entries, np.zeros(len(self.entries) % 2, np.uint16))
        return (even[::2] | even[1::2] << 8).astype(f"{order}u2").tobytes()


@st.composite
def tables(
    draw: Draw, low: int, high: int, *, sizes: tuple[int, ...] = (8, 16), number: int | None = None
) -> Table:
    """A table for inputs from `low` to `high`, which lie within 16 bits; some begin before or cover all."""
    bits = draw(st.sampled_from(sizes))
    first = draw(st.integers(low, high)) if number is None else low
    number = number or draw(st.integers(2, 300))
    if draw(st.integers(0, 15)) == 0:
        first, number = (-32768 if low < 0 else 0), 65536
    seed = draw(st.integers(0, 1 << 30))
    entries = np.random.default_rng(seed).integers(0, 1 << bits, number).astype(np.uint16)
    # A value of VR US has at most 65,534 bytes.
    forms = ["words"] + ["packed"] * 2 * (bits == 8) + ["numbers"] * (number < 32767)
    return Table(first, entries, bits, draw(st.sampled_from(forms)), low < 0)


@st.composite
def palettes(draw: Draw, low: int, high: int) -> tuple[Table, Table, Table]:
    """Tables of red, green and blue, of the same first value and length."""
    red = draw(tables(low, high))
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    form = "packed" if red.form == "packed" else "words"
    red, green, blue = (
        Table(red.first, random.permutation(red.entries), red.bits, form, red.is_signed) for _ in COLOURS
    )
    return red, green, blue


def add_palette(ds: Dataset, palette: tuple[Table, Table, Table], order: str) -> None:
    """The elements of a palette."""
    for colour, table in zip(COLOURS, palette, strict=True):
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", table.descriptor_vr, table.descriptor)
        ds.add_new(f"{colour}PaletteColorLookupTableData", "OW", table.data(order))


def colours_of(palette: tuple[Table, Table, Table], values: np.ndarray) -> np.ndarray:
    """The colours of values of any shape, from 0 to 255."""
    return np.stack([table.levels(values) * 255 for table in palette], axis=-1)
