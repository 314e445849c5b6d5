"""Features of lines that don't continue the one before: shifted sideways, inserted or cut off."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft

from model.features.picture_views import Floats, PictureViews

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
    small = views.small
    pairs = [_of_lines(lines) for lines in (small, np.ascontiguousarray(small.T))]
    return [max(pair) for pair in zip(*pairs, strict=True)]


def _of_lines(lines: Floats) -> list[float]:
    steps = lines[1:] - lines[:-1]
    np.abs(steps, out=steps)
    return [*_moved(lines, steps), *_breaks(steps), _empty_bands(lines), *_end(lines, steps)]


def _moved(lines: Floats, steps: Floats) -> tuple[float, float]:
    """Return how much better the most suspicious lines fit the next one once shifted, and how many do."""
    if min(lines.shape) < _SHORTEST:
        return 0.0, 0.0
    logs = np.log(steps.mean(axis=1) + 0.5)
    usual = np.median(sliding_window_view(np.pad(logs, _AROUND // 2, mode="edge"), _AROUND), axis=1)
    count = min(_SUSPECTS, logs.size)
    chosen = np.argpartition(logs - usual, -count)[-count:]
    first, second = (_centred(lines[chosen + ahead]) for ahead in (0, 1))
    length = lines.shape[1]
    alike = fft.irfft(fft.rfft(first, axis=1) * np.conj(fft.rfft(second, axis=1)), length, axis=1)
    powers = np.sqrt(np.square(first).sum(axis=1) * np.square(second).sum(axis=1)) + length * _FLOOR
    alike = np.minimum(alike / powers[:, None], 1)
    unmoved = np.maximum(alike[:, 0], np.maximum(alike[:, 1], alike[:, -1]))
    gains = np.log((_SLACK - unmoved) / (_SLACK - alike.max(axis=1)))
    return float(np.sort(gains)[-4:].mean()), float(np.sqrt((gains > _CLEAR_GAIN).sum()))


def _centred(lines: Floats) -> Floats:
    centred: Floats = lines - lines.mean(axis=1, keepdims=True)
    return centred


def _breaks(steps: Floats) -> tuple[float, float]:
    """Return the second and fifth largest share of a line whose steps are twice those of both neighbours.

    The largest are skipped because letters, tables and frame edges break parts of a line or a few lines.
    """
    some = steps[:, ::4]
    if some.shape[0] < _SHORTEST:
        return 0.0, 0.0
    beside = np.maximum(some[:-2], some[2:])
    shares = np.sort((some[1:-1] > 2 * beside + 4).mean(axis=1))
    return float(np.sqrt(shares[-2])), float(np.sqrt(shares[-5]))


def _empty_bands(lines: Floats) -> float:
    """Return log(1 + n) for n bands of constant lines between other lines."""
    constant = np.ptp(lines, axis=1) < 1
    full = np.flatnonzero(~constant)
    if full.size < 2:
        return 0.0
    inside = constant[full[0] : full[-1]]
    return float(np.log1p((inside[1:] > inside[:-1]).sum()))


def _end(lines: Floats, steps: Floats) -> tuple[float, float]:
    """Return how unequal the constant ends are in length, and how sharply the content is cut there."""
    equal = steps.max(axis=1) < _EQUAL
    runs, cuts = [], []
    for same, step in ((equal, steps), (equal[::-1], steps[::-1])):
        run = same.size if same.all() else int(np.argmin(same))
        runs.append(run / lines.shape[0])
        cuts.append(float((step[run] > _STEP).mean()) if 0 < run < same.size else 0.0)
    return float(np.sqrt(abs(runs[0] - runs[1]))), max(cuts)
