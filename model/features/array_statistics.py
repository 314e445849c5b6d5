"""Sums, means and medians of arrays, by the library that computes each in the fewest passes over memory."""

from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

# Pairs to be put in order one after the other, after which the middle one of 7 or 9 is the median: by
# N. Devillard, Fast median search, 1998. Whole arrays are compared, without a branch for each value.
_MEDIAN_NETWORKS = {
    7: "05 03 16 24 01 35 26 23 36 45 14 13 34",
    9: "12 45 78 01 34 67 12 45 78 03 58 47 36 14 25 47 42 64 42",
}
Numbers = NDArray[np.float32] | NDArray[np.float64] | NDArray[np.int16] | NDArray[np.uint8]


def line_sums(values: Numbers, axis: int) -> NDArray[Any]:
    """Return the sums over one of two axes: int32 of uint8, which is exact below 8 million; else float64."""
    kind = cv2.CV_32S if values.dtype == np.uint8 else cv2.CV_64F
    return cast("NDArray[Any]", cv2.reduce(values, axis, cv2.REDUCE_SUM, dtype=kind).ravel())


def mean(values: Numbers) -> float:
    """Return the mean of a contiguous array of any shape; 8-bit values are added exactly."""
    return cv2.sumElems(values.reshape(1, -1))[0] / values.size


def mean_magnitude(values: Numbers) -> float:
    """Return the mean of the absolute values of a contiguous array of any shape."""
    return cv2.norm(values.reshape(1, -1), cv2.NORM_L1) / values.size


def mean_square(values: Numbers) -> float:
    """Return the mean square of a contiguous array of any shape."""
    return cv2.norm(values.reshape(1, -1), cv2.NORM_L2SQR) / values.size


def share(mask: NDArray[np.bool_]) -> float:
    """Return the share of True."""
    return np.count_nonzero(mask) / mask.size


def median(values: Numbers) -> float:
    """Return the median of a one-dimensional array; of integers at least 0, which are few different ones."""
    middle = values.size // 2
    below = middle if values.size % 2 else middle - 1
    if values.dtype.kind in "iu":
        up_to = np.cumsum(np.bincount(values))
        return float(np.searchsorted(up_to, (below, middle), side="right").mean())
    parted = np.partition(values, (below, middle))
    return float(parted[below] + parted[middle]) / 2


def running_median(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Return the median of 7 or 9 values around each along the last axis; the ends are repeated."""
    length, half = values.shape[-1], width // 2
    padded = values.take(np.arange(-half, length + half), axis=-1, mode="clip")
    windows = [padded[..., start : start + length] for start in range(width)]
    for pair in _MEDIAN_NETWORKS[width].split():
        low, high = map(int, pair)
        one, other = windows[low], windows[high]
        windows[low], windows[high] = np.minimum(one, other), np.maximum(one, other)
    return windows[half]


def percentiles(values: Numbers, *percents: float) -> list[float]:
    """Return percentiles of a one-dimensional array, linear between values, as `numpy.percentile` does."""
    ordered = np.sort(values)
    places = [percent / 100 * (values.size - 1) for percent in percents]
    pairs = [(ordered[int(place)], ordered[min(int(place) + 1, values.size - 1)]) for place in places]
    return [float(low + (place % 1) * (high - low)) for place, (low, high) in zip(places, pairs, strict=True)]
