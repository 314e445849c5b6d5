"""The picture recipe: one decoded frame to one 8-bit picture (PS3.3 C.7.6.3, C.11.1, C.11.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import (  # type: ignore[attr-defined]
    apply_color_lut,
    apply_modality_lut,
    apply_voi,
)

RECIPE_VERSION = 1
RECIPE = "modality LUT, first VOI LUT or window else own range, MONOCHROME1 inverted, 8 bit"

Picture = NDArray[np.uint8]

_TABLE_BYTES = 2  # of up to 16 bits, every stored value fits a table
_LUT_GROUPS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
_LUT_KEYWORDS = (
    "ModalityLUTSequence",
    "RescaleSlope",
    "RescaleIntercept",
    "VOILUTSequence",
    "VOILUTFunction",
    "WindowCenter",
    "WindowWidth",
)


@dataclass(frozen=True)
class Window:
    """A VOI window (PS3.3 C.11.2.1.2), in modality units."""

    center: float
    width: float
    function: str


def render_frame(frame: NDArray[Any], ds: Dataset, *, index: int) -> Picture:
    """One frame as an 8-bit picture.

    Parameters
    ----------
    frame : array of shape (rows, columns) or (rows, columns, 3)
        Stored values as pydicom decodes them; YBR already converted to RGB.
    ds : Dataset
        The frame's data set, of which the pixel description and the look-up tables are used.
    index : int
        Which frame it is, from 0; per-frame functional groups are looked up by it.

    Returns
    -------
    uint8 array of shape (rows, columns), 0 shown black, or (rows, columns, 3) in RGB.
    """
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        return _to_8_bit(apply_color_lut(frame, ds), ds.RedPaletteColorLookupTableDescriptor[2])
    if frame.ndim == 3:
        return _to_8_bit(frame, int(ds.BitsStored))
    luts = frame_luts(ds, index)
    grey = _grey(frame, luts)
    return 255 - grey if ds.PhotometricInterpretation == "MONOCHROME1" else grey


def frame_luts(ds: Dataset, index: int) -> Dataset:
    """The look-up attributes that hold for one frame, functional groups first (PS3.3 C.7.6.16)."""
    luts = Dataset()
    for source in (ds, *_functional_groups(ds, index)):
        for keyword in _LUT_KEYWORDS:
            if keyword in source and source[keyword].value not in (None, ""):
                luts[keyword] = source[keyword]
    if hasattr(ds, "file_meta"):
        luts.file_meta = ds.file_meta  # tells the byte order of tables with VR OW
    luts.PixelRepresentation = ds.PixelRepresentation if "PixelRepresentation" in ds else 0
    luts.BitsStored = ds.BitsStored if "BitsStored" in ds else 16
    return luts


def _functional_groups(ds: Dataset, index: int) -> Iterator[Dataset]:
    """The items that describe the frame's values: shared groups, then the frame's own."""
    shared = ds.get("SharedFunctionalGroupsSequence") or []
    per_frame = ds.get("PerFrameFunctionalGroupsSequence") or []
    for group in [*shared[:1], *per_frame[index : index + 1]]:
        for keyword in _LUT_GROUPS:
            yield from group.get(keyword) or []


def _grey(frame: NDArray[Any], luts: Dataset) -> Picture:
    """The recipe without the inversion; the same greys whichever way is taken."""
    if frame.dtype.kind not in "iu" or frame.dtype.itemsize > _TABLE_BYTES:
        return _recipe(frame, luts)
    native = frame.astype(frame.dtype.newbyteorder("="), copy=False)
    # Stored values are looked up by their bits: a signed value's as those of an unsigned one.
    stored = native.view(f"u{native.dtype.itemsize}")
    if luts.get("VOILUTSequence") or _window(luts) is not None:
        return cast("Picture", _table(native.dtype.str, luts)[stored])
    if luts.get("ModalityLUTSequence"):
        return _recipe(frame, luts)
    # Its own range: a table of the values from the least to the greatest is enough, and differences
    # of unsigned values count up from the least whatever the sign.
    least, greatest = int(native.min()), int(native.max())
    table = _recipe(np.arange(least, greatest + 1), luts)
    return cast("Picture", table[stored - np.array(least).astype(stored.dtype)])


def _recipe(values: NDArray[Any], luts: Dataset) -> Picture:
    """Stored values of any dtype through modality LUT and VOI LUT, window or their own range."""
    modality = apply_modality_lut(values, luts)
    if luts.get("VOILUTSequence"):
        bits = int(luts.VOILUTSequence[0].LUTDescriptor[2])
        return _to_8_bit(apply_voi(modality.astype(np.int64), luts, index=0), bits)
    window = _window(luts)
    return _own_range(modality) if window is None else _windowed(modality, window)


def _table(dtype: str, luts: Dataset) -> Picture:
    """The recipe's grey for each value there can be, uint8 of shape (2 ** bits,), by the value's bits."""
    window = _window(luts)
    if luts.get("VOILUTSequence") or luts.get("ModalityLUTSequence") or window is None:
        return _recipe(_every_value(dtype), luts)
    slope, intercept = float(luts.get("RescaleSlope", 1)), float(luts.get("RescaleIntercept", 0))
    return _window_table(dtype, slope, intercept, window)


@lru_cache(maxsize=64)
def _window_table(dtype: str, slope: float, intercept: float, window: Window) -> Picture:
    """A table that other frames of the device will ask for too; 64 KiB at most each."""
    return _windowed(_every_value(dtype) * slope + intercept, window)


def _every_value(dtype: str) -> NDArray[Any]:
    """Every value of an integer dtype, in the order of its bits."""
    bits = 8 * np.dtype(dtype).itemsize
    return np.arange(1 << bits, dtype=f"u{bits // 8}").view(dtype)


def _window(luts: Dataset) -> Window | None:
    """The first window of the data set, if it has a usable one."""
    if "WindowCenter" not in luts or "WindowWidth" not in luts:
        return None
    center, width = _first(luts.WindowCenter), _first(luts.WindowWidth)
    function = str(luts.get("VOILUTFunction") or "LINEAR").upper()
    if width < 1 if function == "LINEAR" else width <= 0:
        return None
    return Window(center, width, function)


def _first(value: Any) -> float:
    return float(value[0] if hasattr(value, "__iter__") else value)


def _windowed(values: NDArray[Any], window: Window) -> Picture:
    """Values through a window to 0..255 (PS3.3 C.11.2.1.2 and C.11.2.1.3)."""
    center, width = window.center, window.width
    x = values.astype(np.float64)
    if window.function == "SIGMOID":
        return _round(255 / (1 + np.exp(-4 * (x - center) / width)))
    if window.function == "LINEAR":
        # C.11.2.1.2.1: the centre is half a value lower and the width one value less.
        center, width = center - 0.5, width - 1
        if width == 0:
            return _round(np.where(x <= center, 0.0, 255.0))
    return _round(((x - center) / width + 0.5) * 255)


def _own_range(values: NDArray[Any]) -> Picture:
    """Values stretched from their own minimum and maximum; a constant frame is black."""
    x = values.astype(np.float64)
    finite = x[np.isfinite(x)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    if high == low:
        return np.zeros(x.shape, np.uint8)
    x = np.clip(np.where(np.isnan(x), low, x), low, high)
    # Quarters, so that the difference of two large doubles stays finite.
    return _round((x / 4 - low / 4) / (high / 4 - low / 4) * 255)


def _to_8_bit(values: NDArray[Any], bits: int) -> Picture:
    """Unsigned values of `bits` bits scaled to 8; 8-bit input comes back unchanged."""
    if bits == 8 and values.dtype == np.uint8:
        return values
    return _round(values * (255 / ((1 << bits) - 1)))


def _round(values: NDArray[Any]) -> Picture:
    return cast("Picture", np.clip(np.rint(values), 0, 255).astype(np.uint8))
