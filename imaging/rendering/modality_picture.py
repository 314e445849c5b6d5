"""16-bit pictures that hold modality values, and the scale between pixels and values."""

from dataclasses import dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

ModalityPicture = NDArray[np.uint16]
_MAX_PIXEL = 65_535
_MIDDLE = 32_768


@dataclass(frozen=True)
class Scale:
    """What a 16-bit pixel stands for: value = pixel * step + zero, in modality units."""

    step: float
    zero: float

    def __str__(self) -> str:
        return f"16 bit, value = pixel x {self.step:g} + {self.zero:g}"

    def pixels(self, values: NDArray[Any]) -> ModalityPicture:
        """The nearest pixels. A value outside the scale is clipped to its ends; NaN becomes 0."""
        scaled = np.rint((values.astype(np.float64) - self.zero) / self.step)
        return cast("ModalityPicture", np.clip(np.nan_to_num(scaled), 0, _MAX_PIXEL).astype(np.uint16))


# The same for every CT, whatever its stored bits could hold: no tissue lies outside it.
HOUNSFIELD = Scale(1, -_MIDDLE)


def scale_for(low: float, high: float, *, slope: float) -> Scale:
    """The scale for values from `low` to `high` that lie `slope` apart.

    The step is 1, or the slope if that is not a whole number. It is doubled until 65,536 steps
    cover the range. Pixel 0 stands for 0 if no value is negative, else the middle pixel does.
    If neither covers the range, pixel 0 stands for `low`.
    """
    step = 1.0 if float(slope).is_integer() or slope == 0 else abs(slope)
    while high - low > step * _MAX_PIXEL:
        step *= 2
    for zero in (0.0, -_MIDDLE * step):
        if zero <= low and high <= zero + step * _MAX_PIXEL:
            return Scale(step, zero)
    return Scale(step, low)
