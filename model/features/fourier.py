"""Fourier transforms by OpenCV, of sides that it transforms fast."""

from bisect import bisect_right
from typing import cast

import cv2
import numpy as np

from model.features.tiles import Floats

_LARGEST = 512
# OpenCV takes the square of the time for a large prime factor, and packs even sides in the simplest way.
_SIDES = [side for side in range(2, _LARGEST + 1, 2) if cv2.getOptimalDFTSize(side) == side]


def fast_side(side: int, most: int = _LARGEST) -> int:
    """Return the largest even number up to `side` and `most` with no prime factors but 2, 3 and 5."""
    return _SIDES[bisect_right(_SIDES, min(side, most)) - 1]


def middle(picture: Floats, most: int = _LARGEST) -> Floats:
    """Return the part in the middle whose sides are the largest fast ones, (rows, columns) at least 2."""
    rows, columns = (fast_side(side, most) for side in picture.shape)
    down, across = (picture.shape[0] - rows) // 2, (picture.shape[1] - columns) // 2
    return picture[down : down + rows, across : across + columns]


def power_spectrum(picture: Floats) -> Floats:
    """Return the squared magnitudes of the rfft2 of a picture with fast sides, (rows, columns // 2 + 1)."""
    packed = cast("Floats", cv2.dft(picture))
    rows, columns = packed.shape
    power = np.empty((rows, columns // 2 + 1), np.float32)
    # Real and imaginary parts are columns side by side, except for the lowest and the highest frequency.
    inside = power[:, 1:-1]
    np.abs(packed[:, 1:-1].view(np.complex64), out=inside)
    np.square(inside, out=inside)
    power[:, 0], power[:, -1] = _power_of_column(packed[:, 0]), _power_of_column(packed[:, -1])
    return power


def _power_of_column(packed: Floats) -> Floats:
    """Return the power of one column, whose real and imaginary parts alternate in its half that is kept."""
    squares = np.square(packed)
    pairs = squares[1:-1:2] + squares[2::2]
    return np.concatenate([squares[:1], pairs, squares[-1:], pairs[::-1]])


def inverse_of_real(spectrum: Floats) -> Floats:
    """Return the irfft2 of a real spectrum of shape (rows, columns // 2 + 1), float32 (rows, columns)."""
    rows, half = spectrum.shape
    packed = np.zeros((rows, 2 * half - 2), np.float32)
    packed[:, 1:-1:2] = spectrum[:, 1:-1]
    for place in (0, -1):
        column = spectrum[:, place]
        packed[0, place], packed[-1, place] = column[0], column[rows // 2]
        # The result is real, so these columns count as the mean of both halves.
        packed[1:-1:2, place] = (column[1 : rows // 2] + column[: rows // 2 : -1]) / 2
    return cast("Floats", cv2.dft(packed, flags=cv2.DFT_INVERSE | cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT))


def circular_correlations(lines: Floats, others: Floats) -> Floats:
    """Return the circular correlation of each line with the other one, by its shift, float32 (n, length).

    Parameters
    ----------
    lines, others : float32 arrays of shape (n, length)
        Of a fast length.
    """
    one, other = (cv2.dft(values, flags=cv2.DFT_ROWS) for values in (lines, others))
    products = cv2.mulSpectrums(one, other, cv2.DFT_ROWS, conjB=True)
    flags = cv2.DFT_INVERSE | cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT | cv2.DFT_ROWS
    return cast("Floats", cv2.dft(products, flags=flags))
