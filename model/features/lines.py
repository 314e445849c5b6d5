"""Features of rows and columns: stripes, shifts, block borders, cut pictures."""

from math import log1p
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.features.array_statistics import line_sums, median, running_median, share
from model.features.picture_views import Lines, Picture, PictureViews

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
_PERIOD = 8
Profiles = NDArray[np.float64]


def lines(views: PictureViews) -> list[float]:
    """Return the features of NAMES for the worse direction, so a rotation by 90 degrees changes little."""
    # A jump between rows shows in the steps along columns, and vice versa.
    along = np.concatenate([_along(samples) for samples in views.samples], axis=1)
    cut = max(edge for lines in views.lines for edge in _cut_edges(lines))
    return [*np.maximum.reduce(along, axis=1).tolist(), cut]


def _along(samples: Picture) -> NDArray[Any]:
    """Return jump, spikes, border at every 8th position, period and repetition along the lines.

    Parameters
    ----------
    samples : uint8 array of shape (directions, lines, length)

    Returns
    -------
    Array of shape (6, directions).
    """
    profiles = np.stack([line_sums(cv2.absdiff(one[:, 1:], one[:, :-1]), axis=0) for one in samples])
    profiles = profiles / samples.shape[1]
    around = running_median(profiles, _AROUND)
    jump = np.log1p(np.maximum.reduce(profiles / (around + 0.5), axis=1))
    return np.stack(
        [jump, _spikes(profiles), _border(profiles), _period(profiles), *_repetition(samples, profiles == 0)]
    )


def _spikes(profiles: Profiles) -> NDArray[Any]:
    """Return how far the highest steps stand out from both sides, as after an inserted or shifted line."""
    inside = profiles.shape[1] - 2 * _NEAR
    if inside < _SPIKES:
        return np.zeros(len(profiles))
    logs = np.log(profiles + 0.5)
    around = np.minimum.reduce(
        [
            np.maximum(logs[:, _NEAR - distance :][:, :inside], logs[:, _NEAR + distance :][:, :inside])
            for distance in range(1, _NEAR + 1)
        ]
    )
    out = logs[:, _NEAR:-_NEAR] - around
    out.partition(inside - _SPIKES, axis=1)
    spikes: NDArray[Any] = np.add.reduce(np.maximum(out[:, -_SPIKES:], 0), axis=1) / _SPIKES
    return spikes


def _border(profiles: Profiles) -> NDArray[Any]:
    """Return how much larger the steps are at the worst of 8 positions than at the median one."""
    count, length = profiles.shape
    whole = profiles[:, : length // _PERIOD * _PERIOD]
    steps = np.add.reduce(whole.reshape(count, -1, _PERIOD), axis=1) / max(1, length // _PERIOD)
    steps.sort(axis=1)
    middle = (steps[:, _PERIOD // 2 - 1] + steps[:, _PERIOD // 2]) / 2
    border: NDArray[Any] = np.log((steps[:, -1] + 0.2) / (middle + 0.2))
    return border


def _period(profiles: Profiles) -> NDArray[Any]:
    """Return how far the strongest repetition of the steps with a period of 2 to 32 pixels stands out."""
    means = np.add.reduce(profiles, axis=1, keepdims=True) / profiles.shape[1]
    waves = np.fft.rfft(profiles - means)
    fast = np.abs(waves[:, max(1, profiles.shape[1] // 32) :]) ** 2 + 1e-3
    period: NDArray[Any] = np.log(np.maximum.reduce(fast, axis=1) / [median(one) for one in fast])
    return period


def _repetition(samples: Picture, is_same: NDArray[np.bool_]) -> NDArray[Any]:
    """Return the share of non-empty lines that repeat the one before, and of empty ones between full ones."""
    spreads = np.maximum.reduce(samples, axis=1) - np.minimum.reduce(samples, axis=1)
    repeated = is_same & (spreads[:, 1:] >= 2)
    shares = [(share(one), _empty_share(spread)) for one, spread in zip(repeated, spreads, strict=True)]
    return np.sqrt(shares).T


def _empty_share(spread: NDArray[np.uint8]) -> float:
    """Return the share of empty lines between the first and the last full one."""
    (full,) = (spread > 24).nonzero()
    return share(spread[full[0] : full[-1]] < 2) if full.size > 1 else 0.0


def _cut_edges(lines: Lines) -> list[float]:
    """Return the largest step from a constant line to one with content, relative to the median step."""
    return [_cut_edge(*pair) for pair in zip(lines.is_constant, lines.mean_steps, strict=True)]


def _cut_edge(constant: NDArray[np.bool_], steps: NDArray[np.float32]) -> float:
    edges = constant[1:] != constant[:-1]
    inside = ~(constant[1:] | constant[:-1])
    if not edges.any() or not inside.any():
        return 0.0
    return log1p(steps[edges].max() / (median(steps[inside]) + 0.5))
