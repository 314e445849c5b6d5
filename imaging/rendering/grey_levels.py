"""Values as grey levels 0 to 255, by arithmetic alone: also for processes that read no DICOM file."""

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def stretched(values: NDArray[Any], low: float, high: float) -> Picture:
    """Values of any shape stretched linearly from `low`..`high` to 0..255; all black if these are equal."""
    x = values.astype(np.float64)
    if high == low:
        return np.zeros(x.shape, np.uint8)
    x = np.clip(np.where(np.isnan(x), low, x), low, high)
    # Divided by 4 first, so that the difference of two large doubles stays finite.
    return rounded((x / 4 - low / 4) / (high / 4 - low / 4) * 255)


def rounded(values: NDArray[Any]) -> Picture:
    """The nearest grey levels, clipped to 0..255."""
    return cast("Picture", np.clip(np.rint(values), 0, 255).astype(np.uint8))
