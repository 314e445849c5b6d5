"""Features of rows and columns: stripes, shifts, block borders, cut pictures."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from model.features.picture_views import Floats, PictureViews, Shorts

NAMES = (
    "line_jump",
    "line_spikes",
    "block_8_border",
    "step_period",
    "lines_repeated",
    "lines_empty_inside",
    "cut_edge",
)
_AROUND = 9
_SPIKES = 4
_NEAR = 3


def lines(views: PictureViews) -> list[float]:
    """Return the features of NAMES for the worse direction, so a rotation by 90 degrees changes little."""
    across, down = views.lines
    # A jump between rows shows in the steps along columns, and vice versa.
    along = [[*_steps(values), *_repetition(values)] for values in (across, down)]
    cut = max(_cut_edge(views.small), _cut_edge(views.small.T))
    return [max(pair) for pair in zip(*along, strict=True)] + [cut]


def _steps(values: Shorts) -> tuple[float, float, float, float]:
    """Return jump, spikes, border at every 8th position and period of the mean step along the lines.

    Parameters
    ----------
    values : int16 array of shape (lines, length)
    """
    profile = np.abs(values[:, 1:] - values[:, :-1]).sum(axis=0, dtype=np.int32) / len(values)
    wide = np.pad(profile, _AROUND // 2, mode="edge")
    around = np.median(sliding_window_view(wide, _AROUND), axis=1)
    jump = float(np.log1p((profile / (around + 0.5)).max()))
    return jump, _spikes(profile), _border(profile, 8), _period(profile)


def _spikes(profile: NDArray[np.float64]) -> float:
    """Return how far the highest steps stand out from both sides, as after an inserted or shifted line."""
    if profile.size < _SPIKES + 2 * _NEAR:
        return 0.0
    logs = np.log(profile + 0.5)
    inside = slice(_NEAR, -_NEAR)
    around = [
        np.maximum(np.roll(logs, distance), np.roll(logs, -distance))[inside]
        for distance in range(1, _NEAR + 1)
    ]
    out = logs[inside] - np.min(around, axis=0)
    return float(np.maximum(np.partition(out, -_SPIKES)[-_SPIKES:], 0).mean())


def _border(profile: NDArray[np.float64], period: int) -> float:
    """Return how much larger the steps are at the worst of `period` positions than at the median one."""
    steps = profile[: profile.size // period * period].reshape(-1, period).mean(axis=0)
    return float(np.log((steps.max() + 0.2) / (np.median(steps) + 0.2)))


def _period(profile: NDArray[np.float64]) -> float:
    """Return how far the strongest repetition of the steps with a period of 2 to 32 pixels stands out."""
    power = np.abs(np.fft.rfft(profile - profile.mean())) ** 2 + 1e-3
    fast = power[max(1, profile.size // 32) :]
    return float(np.log(fast.max() / np.median(fast)))


def _repetition(values: Shorts) -> tuple[float, float]:
    """Return the share of non-empty lines that repeat the one before, and of empty ones between full ones."""
    spread = values.max(axis=0) - values.min(axis=0)
    empty = spread < 2
    same = (values[:, 1:] == values[:, :-1]).all(axis=0)
    full = np.flatnonzero(spread > 24)
    inside = empty[full[0] : full[-1]].mean() if full.size > 1 and full[-1] > full[0] else 0.0
    return float(np.sqrt((same & ~empty[1:]).mean())), float(np.sqrt(inside))


def _cut_edge(small: Floats) -> float:
    """Return the largest step from a constant line to one with content, relative to the median step."""
    constant = np.ptp(small, axis=1) < 1
    steps = np.abs(np.diff(small, axis=0)).mean(axis=1)
    edges = constant[1:] != constant[:-1]
    inside = ~(constant[1:] | constant[:-1])
    if not edges.any() or not inside.any():
        return 0.0
    return float(np.log1p(steps[edges].max() / (np.median(steps[inside]) + 0.5)))
