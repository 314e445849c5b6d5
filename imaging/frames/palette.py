"""PALETTE COLOR: palette indices to colours (PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut  # type: ignore[attr-defined]

_COLOURS = ("Red", "Green", "Blue")


def palette_colours(indices: NDArray[Any], ds: Dataset) -> NDArray[Any]:
    """The colours of indices of any shape: unsigned RGB in the palette's bits, of shape (*shape, 3)."""
    return apply_color_lut(indices, _with_little_endian_tables(ds))


def palette_bits(ds: Dataset) -> int:
    """Bits per palette entry."""
    return int(ds.RedPaletteColorLookupTableDescriptor[2])


def _with_little_endian_tables(ds: Dataset) -> Dataset:
    """The palette in little endian: pydicom 3.0 reads the direct table of any file as little endian."""
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
