"""Features of rows and columns at native resolution: stripes, shifts, block borders, cut pictures."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from model.picture_views import Floats, PictureViews

NAMES = ("line_jump", "block_8_border", "step_period", "cut_edge")
_AROUND = 9


def lines(views: PictureViews) -> list[float]:
    """The features of NAMES, for the worse of the two directions, so turning a picture changes little."""
    across, down = (_steps(direction) for direction in views.lines)
    cut = max(_cut_edge(views.small), _cut_edge(views.small.T))
    return [max(pair) for pair in zip(across, down, strict=True)] + [cut]


def _steps(values: Floats) -> tuple[float, float, float]:
    """Largest jump, border every 8 and period of the mean step at each place along the lines.

    Parameters
    ----------
    values : float32 array of shape (lines, length)
    """
    profile = np.abs(np.diff(values, axis=1)).mean(axis=0).astype(np.float64)
    wide = np.pad(profile, _AROUND // 2, mode="edge")
    around = np.median(sliding_window_view(wide, _AROUND), axis=1)
    jump = float(np.log1p((profile / (around + 0.5)).max()))
    return jump, _border(profile, 8), _period(profile)


def _border(profile: NDArray[np.float64], period: int) -> float:
    """How much larger the steps are at the worst of `period` places than at the usual one."""
    whole = profile[: profile.size // period * period].reshape(-1, period).mean(axis=0)
    return float(np.log((whole.max() + 0.2) / (np.median(whole) + 0.2)))


def _period(profile: NDArray[np.float64]) -> float:
    """How far the strongest repetition of the steps, every 2 to 32 pixels, stands out."""
    power = np.abs(np.fft.rfft(profile - profile.mean())) ** 2 + 1e-3
    fast = power[max(1, profile.size // 32) :]
    return float(np.log(fast.max() / np.median(fast)))


def _cut_edge(small: Floats) -> float:
    """The largest step from a constant line to one with content, against the usual step between lines."""
    constant = np.ptp(small, axis=1) < 1
    steps = np.abs(np.diff(small, axis=0)).mean(axis=1)
    edges = constant[1:] != constant[:-1]
    inside = ~(constant[1:] | constant[:-1])
    if not edges.any() or not inside.any():
        return 0.0
    return float(np.log1p(steps[edges].max() / (np.median(steps[inside]) + 0.5)))
