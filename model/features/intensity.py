"""Features of the histogram: exposure, contrast, saturation, gaps."""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

from model.features.picture_views import PictureViews

NAMES = (
    "mean",
    "std",
    "percentile_1",
    "percentile_50",
    "percentile_99",
    "share_black",
    "share_white",
    "share_commonest_level",
    "foreground_mean",
    "foreground_entropy",
    "foreground_levels_used",
    "histogram_comb",
)
_VALUES = np.arange(256)


def intensity(views: PictureViews) -> list[float]:
    """Return the features of NAMES. Grey values are scaled to 0..1, entropy is in bits.

    Shares of the picture are given as square roots, which spreads small values.
    """
    shares = views.levels / views.levels.sum()
    mean = float(shares @ _VALUES)
    std = sqrt(shares @ (_VALUES - mean) ** 2)
    return [
        mean / 255,
        std / 255,
        *(level / 255 for level in _percentiles(shares, (1, 50, 99))),
        sqrt(shares[:3].sum()),
        sqrt(shares[253:].sum()),
        sqrt(shares.max()),
        *_foreground(shares),
    ]


def _foreground(shares: NDArray[np.float64]) -> list[float]:
    """Return mean, entropy, share of levels used and comb of the picture without its black background."""
    inside = shares.copy()
    inside[:3] = 0
    if inside.sum() < 0.001:
        return [0.0] * 4
    inside /= inside.sum()
    low, high = _percentiles(inside, (1, 99))
    between = inside[low : high + 1]
    filled = between[between > 0]
    return [
        float(inside @ _VALUES) / 255,
        float(-(filled * np.log2(filled)).sum()),
        filled.size / between.size,
        _comb(between),
    ]


def _comb(shares: NDArray[np.float64]) -> float:
    """Return how much neighbouring levels alternate: 0 for a smooth histogram, 2 if every second is empty."""
    if shares.size < 3:
        return 2.0
    middle, around = shares[1:-1], (shares[:-2] + shares[2:]) / 2
    return float(np.abs(middle - around).sum() / max((middle.sum() + around.sum()) / 2, 1e-9))


def _percentiles(shares: NDArray[np.float64], percents: tuple[float, ...]) -> list[int]:
    levels = np.searchsorted(np.cumsum(shares), np.array(percents) / 100)
    bounded: list[int] = np.minimum(levels, 255).tolist()
    return bounded
