"""Colours of a palette's indices (PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut  # type: ignore[attr-defined]

_COLOURS = ("Red", "Green", "Blue")


def palette_colours(indices: NDArray[Any], ds: Dataset) -> NDArray[Any]:
    """RGB in the palette's bits, of the indices' shape and 3, unsigned."""
    return apply_color_lut(indices, _with_native_words(ds))


def palette_bits(ds: Dataset) -> int:
    """Bits of each of its values."""
    return int(ds.RedPaletteColorLookupTableDescriptor[2])


def _with_native_words(ds: Dataset) -> Dataset:
    """The palette as pydicom 3.0 takes it, which reads a big endian file's direct table as little endian."""
    meta = getattr(ds, "file_meta", None)
    if meta is None or meta.TransferSyntaxUID.is_little_endian or "RedPaletteColorLookupTableData" not in ds:
        return ds
    palette = Dataset()
    for colour in _COLOURS:
        palette.add(ds[f"{colour}PaletteColorLookupTableDescriptor"])
        keyword = f"{colour}PaletteColorLookupTableData"
        swapped = np.frombuffer(ds[keyword].value, np.uint16).byteswap().tobytes()
        palette.add_new(keyword, "OW", swapped)
    return palette
