"""The VOI transform: modality units to grey levels, by VOI LUT, window or range (PS3.3 C.11.2)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.dataset.described_lut import read_lut
from imaging.rendering.frame_luts import FrameLuts
from imaging.rendering.grey_levels import Picture, rounded
from imaging.rendering.modality_lut import LUT_KEYWORDS, modality_range

_MAX_EXPONENT = 700  # of a finite double


@dataclass(frozen=True)
class Window:
    """A window in modality units, and where it comes from (PS3.3 C.11.2.1.2, C.11.2.1.3)."""

    center: float
    width: float
    function: str = "LINEAR"  # or LINEAR_EXACT, SIGMOID
    origin: str = "of the file"

    def __str__(self) -> str:
        return f"window {self.center:g}/{self.width:g} {self.function} {self.origin}"

    def greys(self, values: NDArray[Any]) -> Picture:
        """Grey levels 0 to 255 of values of any shape."""
        center, width = self.center, self.width
        x = values.astype(np.float64)
        if self.function == "SIGMOID":
            return rounded(255 / (1 + np.exp(np.minimum(-4 * (x - center) / width, _MAX_EXPONENT))))
        if self.function == "LINEAR":
            # C.11.2.1.2.1: the center is half a value lower and the width one value less.
            center, width = center - 0.5, width - 1
            if width == 0:
                return rounded(np.where(x <= center, 0.0, 255.0))
        return rounded(((x - center) / width + 0.5) * 255)


# Soft tissue, as most viewers show a CT without a window: air is black, bone is white.
CT_DEFAULT = Window(40, 400, origin="by default for CT")


def has_voi_lut(luts: FrameLuts) -> bool:
    """Whether the file has a VOI LUT Sequence for the frame."""
    return "VOILUTSequence" in luts.attributes


def voi_lut_greys(values: NDArray[Any], luts: FrameLuts) -> Picture:
    """Grey levels 0 to 255 of values of any shape, by the first VOI LUT of the sequence (C.11.2.1.1)."""
    item, is_little = luts.attributes["VOILUTSequence"][0], luts.is_little_endian
    table = read_lut(item, LUT_KEYWORDS, inputs=modality_range(luts), is_little_endian=is_little)
    return rounded(table.mapped(values) * (255 / ((1 << table.bits) - 1)))


def first_window(luts: FrameLuts) -> Window | None:
    """The first window of the file for the frame; None if there is none."""
    attributes = luts.attributes
    if "WindowCenter" not in attributes or "WindowWidth" not in attributes:
        return None
    function = attributes.get("VOILUTFunction", "LINEAR")
    return Window(attributes["WindowCenter"], attributes["WindowWidth"], function)
