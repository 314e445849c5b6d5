"""The modality transform: stored values to modality units, by Modality LUT or rescale (PS3.3 C.11.1)."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from imaging.dataset.described_lut import DescribedLut, Range, read_lut
from imaging.rendering.frame_luts import FrameLuts

Rescale = tuple[float, float]  # slope and intercept
LUT_KEYWORDS = ("LUTDescriptor", "LUTData")
_IDENTITY: Rescale = (1, 0)


def modality_values(values: NDArray[Any], luts: FrameLuts) -> NDArray[Any]:
    """Stored values of any shape in modality units.

    The Modality LUT Sequence is used if there is one, else Rescale Slope and Rescale Intercept.
    Without either the values come back unchanged. Raises PermanentError if the LUT can't be read.
    """
    if has_modality_lut(luts):
        return _modality_lut(luts).mapped(values)
    slope, intercept = rescale(luts)
    if (slope, intercept) == _IDENTITY:
        return values
    # In double precision: an intercept may be far greater than the differences of single floats.
    return cast("NDArray[Any]", np.multiply(values, slope, dtype=np.float64) + intercept)


def modality_range(luts: FrameLuts) -> Range:
    """The least and the greatest modality value that the stored bits can make."""
    if has_modality_lut(luts):
        entries = _modality_lut(luts).entries
        return float(entries.min()), float(entries.max())
    ends = modality_values(np.array(luts.stored.value_range()), luts)
    return float(ends.min()), float(ends.max())


def has_modality_lut(luts: FrameLuts) -> bool:
    """Whether a Modality LUT Sequence replaces slope and intercept."""
    return "ModalityLUTSequence" in luts.attributes


def _modality_lut(luts: FrameLuts) -> DescribedLut:
    item = luts.attributes["ModalityLUTSequence"][0]
    inputs = luts.stored.value_range()
    return read_lut(item, LUT_KEYWORDS, inputs=inputs, is_little_endian=luts.is_little_endian)


def rescale(luts: FrameLuts) -> Rescale:
    """Rescale Slope and Rescale Intercept; 1 and 0 if they are absent."""
    attributes = luts.attributes
    return attributes.get("RescaleSlope", 1.0), attributes.get("RescaleIntercept", 0.0)


def is_hounsfield(luts: FrameLuts) -> bool:
    """Whether modality values of a CT are Hounsfield units; they are if no other unit is said (C.8.2.1)."""
    if has_modality_lut(luts) or "RescaleIntercept" not in luts.attributes:
        return False
    return has_no_other_unit(luts)


def has_no_other_unit(luts: FrameLuts) -> bool:
    """Whether Rescale Type is absent or HU (C.11.1.1.2)."""
    return str(luts.attributes.get("RescaleType", "HU")).strip("\0 ").upper() == "HU"


def modality_description(luts: FrameLuts) -> str:
    """The transform as the recipe's text says it; empty if it changes nothing."""
    if has_modality_lut(luts):
        return "modality LUT; "
    slope, intercept = rescale(luts)
    return "" if (slope, intercept) == _IDENTITY else f"rescale {slope:g} x + {intercept:g}; "
