"""Pictures of 16 bits that hold the modality values themselves."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

DeepPicture = NDArray[np.uint16]
_MOST = 65_535
_MIDDLE = 32_768


@dataclass(frozen=True)
class Scale:
    """What a pixel of 16 bits stands for: value = pixel * step + zero, in modality units."""

    step: float
    zero: float

    def __str__(self) -> str:
        return f"16 bit, value = pixel x {self.step:g} + {self.zero:g}"

    def pixels(self, values: NDArray[Any]) -> DeepPicture:
        """The nearest pixels; a value outside the scale takes its end, and one that is none, 0."""
        scaled = np.rint((values.astype(np.float64) - self.zero) / self.step)
        return cast("DeepPicture", np.clip(np.nan_to_num(scaled), 0, _MOST).astype(np.uint16))


# The same for every CT, whatever its stored bits could hold: no tissue is beyond.
HOUNSFIELD = Scale(1, -_MIDDLE)


def scale_for(low: float, high: float, *, slope: float) -> Scale:
    """The scale for values from `low` to `high` that lie `slope` apart.

    Steps of 1, or of the slope if that is no whole number, coarser only where 65,536 of them don't
    reach; zero is pixel 0, or the middle if values below zero can be, or else the least value.
    """
    step = 1.0 if float(slope).is_integer() or slope == 0 else abs(slope)
    while high - low > step * _MOST:
        step *= 2
    for zero in (0.0, -_MIDDLE * step):
        if zero <= low and high <= zero + step * _MOST:
            return Scale(step, zero)
    return Scale(step, low)
