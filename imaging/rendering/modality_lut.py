"""The modality transform: stored values to modality units, by Modality LUT or rescale (PS3.3 C.11.1)."""

from typing import Any

from numpy.typing import NDArray
from pydicom.pixels import apply_modality_lut  # type: ignore[attr-defined]

from imaging.rendering.frame_luts import FrameLuts

Rescale = tuple[float, float]  # slope and intercept
_IDENTITY: Rescale = (1, 0)


def modality_values(values: NDArray[Any], luts: FrameLuts) -> NDArray[Any]:
    """Stored values of any shape in modality units.

    The Modality LUT Sequence is used if there is one, else Rescale Slope and Rescale Intercept.
    Without either the values come back unchanged.
    """
    if has_modality_lut(luts):
        return apply_modality_lut(values, luts.tables)
    slope, intercept = rescale(luts)
    return values if (slope, intercept) == _IDENTITY else values * slope + intercept


def has_modality_lut(luts: FrameLuts) -> bool:
    """Whether a Modality LUT Sequence replaces slope and intercept."""
    return bool(luts.attributes.get("ModalityLUTSequence"))


def rescale(luts: FrameLuts) -> Rescale:
    """Rescale Slope and Rescale Intercept; 1 and 0 if they are absent."""
    attributes = luts.attributes
    return float(attributes.get("RescaleSlope", 1)), float(attributes.get("RescaleIntercept", 0))


def modality_description(luts: FrameLuts) -> str:
    """The transform as the recipe's text says it; empty if it changes nothing."""
    if has_modality_lut(luts):
        return "modality LUT; "
    slope, intercept = rescale(luts)
    return "" if (slope, intercept) == _IDENTITY else f"rescale {slope:g} x + {intercept:g}; "
