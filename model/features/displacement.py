"""Features of lines that don't continue the one before: shifted sideways, inserted or cut off."""

from math import log1p, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.features.array_statistics import line_sums, running_median
from model.features.fourier import circular_correlations
from model.features.picture_views import Lines, PictureViews

NAMES = (
    "moved_gain",
    "moved_lines",
    "breaks_second",
    "breaks_fifth",
    "empty_bands",
    "empty_end",
    "cut_end",
)
_SHORTEST = 16  # lines, and pixels of a line
_SUSPECTS = 24
_AROUND = 7
_FLOOR = 4.0  # grey levels squared: variance of uncorrelated noise
_SLACK = 1.02
_CLEAR_GAIN = 0.7
_EQUAL = 0.6  # grey levels
_STEP = 8.0


def displacement(views: PictureViews) -> list[float]:
    """Return the features of NAMES for the worse direction, so a rotation by 90 degrees changes little."""
    found = [
        np.stack([*_moved(lines), *_breaks(lines), _empty_bands(lines), *_end(lines)])
        for lines in views.lines
    ]
    worst: list[float] = np.maximum.reduce(np.concatenate(found, axis=1), axis=1).tolist()
    return worst


def _moved(lines: Lines) -> NDArray[Any]:
    """Return how much better the most suspicious lines fit the next one once shifted, and how many do."""
    count, *sides = lines.values.shape
    if min(sides) < _SHORTEST:
        return np.zeros((2, count))
    length = sides[1]
    logs = np.log(lines.mean_steps + np.float32(0.5))
    suspicion = logs - running_median(logs, _AROUND)
    suspects = min(_SUSPECTS, suspicion.shape[1])
    # Stable, so that equally suspicious lines are chosen alike on every processor.
    chosen = np.argsort(suspicion, axis=1, kind="stable")[:, -suspects:]
    # These lines, and the ones after them.
    pairs = lines.values[np.arange(count)[:, None], np.stack([chosen, chosen + 1])].astype(np.float32)
    pairs -= np.add.reduce(pairs, axis=3, keepdims=True) / np.float32(length)
    flat = pairs.reshape(2, -1, length)
    alike = circular_correlations(flat[0], flat[1]).reshape(count, suspects, length)
    energies = np.add.reduce(np.square(pairs), axis=3)
    alike /= (np.sqrt(energies[0] * energies[1]) + length * np.float32(_FLOOR))[:, :, None]
    np.minimum(alike, 1, out=alike)
    unmoved = np.maximum(alike[:, :, 0], np.maximum(alike[:, :, 1], alike[:, :, -1]))
    gains = np.log((_SLACK - unmoved) / (_SLACK - np.maximum.reduce(alike, axis=2)))
    gains.sort(axis=1)
    number_clear = np.add.reduce(gains > _CLEAR_GAIN, axis=1)
    return np.stack([np.add.reduce(gains[:, -4:], axis=1) / 4, np.sqrt(number_clear)])


def _breaks(lines: Lines) -> NDArray[Any]:
    """Return the second and fifth largest share of a line whose steps are twice those of both neighbours.

    The largest are skipped because letters, tables and frame edges break parts of a line or a few lines.
    """
    some = lines.steps[:, :, ::4]
    count, number, length = some.shape
    if number < _SHORTEST:
        return np.zeros((2, count))
    is_broken = (_half_excess(some[:, 1:-1]) > np.maximum(some[:, :-2], some[:, 2:])).view(np.uint8)
    shares = line_sums(is_broken.reshape(-1, length), axis=1).reshape(count, -1) / length
    shares.partition((number - 7, number - 4), axis=1)
    largest: NDArray[Any] = np.sqrt(shares[:, [-2, -5]].T)
    return largest


def _half_excess(steps: NDArray[Any]) -> NDArray[Any]:
    """Return half of what the steps are over 4; of integers such that the same ones are larger, in 8 bits."""
    if steps.dtype == np.uint8:
        excess: NDArray[Any] = (np.maximum(steps, 3) - np.uint8(3)) >> 1
        return excess
    half: NDArray[Any] = (steps - np.float32(4)) / 2
    return half


def _empty_bands(lines: Lines) -> list[float]:
    """Return log(1 + n) for n bands of constant lines between other lines."""
    return [_bands(constant) for constant in lines.is_constant]


def _bands(constant: NDArray[np.bool_]) -> float:
    (full,) = (~constant).nonzero()
    if full.size < 2:
        return 0.0
    inside = constant[full[0] : full[-1]]
    return log1p(np.count_nonzero(inside[1:] > inside[:-1]))


def _end(lines: Lines) -> NDArray[Any]:
    """Return how unequal the constant ends are in length, and how sharply the content is cut there."""
    steps = lines.steps
    is_equal = lines.mean_steps < _EQUAL
    maybe = is_equal.nonzero()  # the mean is known, and the maximum of few lines is still to be found
    is_equal[maybe] = np.maximum.reduce(steps[maybe], axis=1) < _EQUAL
    ends = [
        [_run(one, equal), _run(one[::-1], equal[::-1])] for one, equal in zip(steps, is_equal, strict=True)
    ]
    number = lines.values.shape[1]
    return np.array(
        [
            (sqrt(abs(first_run - last_run) / number), max(first_cut, last_cut))
            for (first_run, first_cut), (last_run, last_cut) in ends
        ]
    ).T


def _run(steps: NDArray[Any], is_equal: NDArray[np.bool_]) -> tuple[int, float]:
    """Return the number of equal steps at the beginning, and the share of the next that is large."""
    run = int(is_equal.argmin())
    if is_equal[run]:
        return is_equal.size, 0.0
    return run, float((steps[run] > _STEP).mean()) if run else 0.0
