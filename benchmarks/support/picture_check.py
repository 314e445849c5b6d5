"""Check pictures against pydicom's modality LUT and VOI window."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut, pixel_array  # type: ignore[attr-defined]

from benchmarks.support.corpus import Sample
from functions.extract.output_space import Output, read_output

_GREY_LEVELS, _COLOUR_LEVELS = 1, 2  # tolerance for rounding and for interpolated colours
INCOMPARABLE = 255.0


@dataclass(frozen=True)
class Verdict:
    """The result of a check of a route's pictures."""

    difference: float  # maximum in the first frame, in grey levels; 255 if the frames or the size are wrong
    cause: str  # empty if the pictures are right

    def __str__(self) -> str:
        return f"wrong ({self.cause})" if self.cause else "right"


class ExpectedPicture:
    """The expected first frame, float (rows, columns) or (rows, columns, 3), 0..255."""

    def __init__(self, sample: Sample) -> None:
        ds = pydicom.dcmread(sample.path)
        frame = pixel_array(ds, index=0)
        self._is_colour = frame.ndim == 3
        self._picture = frame.astype(float) if self._is_colour else _grey(frame, ds)
        self._number_of_frames = sample.number_of_frames

    def judge(self, pngs: Sequence[Output]) -> Verdict:
        """Compare a route's PNGs with it."""
        if len(pngs) != self._number_of_frames:
            return Verdict(INCOMPARABLE, f"{len(pngs)} of {self._number_of_frames} frames")
        picture = np.asarray(Image.open(io.BytesIO(read_output(pngs[0]))))
        if picture.shape != self._picture.shape:
            return Verdict(INCOMPARABLE, f"shape {picture.shape}")
        difference = float(np.abs(picture - self._picture).max())
        allowed = _COLOUR_LEVELS if self._is_colour else _GREY_LEVELS
        return Verdict(difference, "" if difference <= allowed else f"max difference {difference:.0f}")


def _grey(frame: NDArray[Any], ds: Dataset) -> NDArray[Any]:
    values = apply_modality_lut(frame, ds)
    low, high = _output_range(ds)
    grey = (apply_voi_lut(values, ds) - low) * (255 / (high - low))
    return 255 - grey if ds.PhotometricInterpretation == "MONOCHROME1" else grey


def _output_range(ds: Dataset) -> tuple[float, float]:
    """Return the output range of pydicom's window: the range of the stored bits in modality units."""
    bits = ds.BitsStored
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if ds.PixelRepresentation else (0, 2**bits - 1)
    slope, intercept = float(ds.get("RescaleSlope") or 1), float(ds.get("RescaleIntercept") or 0)
    return low * slope + intercept, high * slope + intercept
