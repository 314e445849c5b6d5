"""Fourier transforms of pictures and lines, by OpenCV where it is faster than numpy."""

from typing import cast

import cv2
import numpy as np

from model.features.tiles import Floats


def _are_fast(*sides: int) -> bool:
    """Whether OpenCV transforms the sides fast: it takes the square of the time for a large prime factor."""
    return all(side % 2 == 0 and cv2.getOptimalDFTSize(side) == side for side in sides)


def power_spectrum(picture: Floats) -> Floats:
    """Return the squared magnitudes of the rfft2 of a picture, float32 (rows, columns // 2 + 1)."""
    if not _are_fast(*picture.shape):
        return np.square(np.abs(np.fft.rfft2(picture)))
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


def inverse_of_real(spectrum: Floats, columns: int) -> Floats:
    """Return the irfft2 of a real spectrum of shape (rows, columns // 2 + 1), float32 (rows, columns)."""
    rows = len(spectrum)
    if not _are_fast(rows, columns):
        return cast("Floats", np.fft.irfft2(spectrum, (rows, columns)))
    packed = np.zeros((rows, columns), np.float32)
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
    """
    if not _are_fast(lines.shape[1]):
        products = np.fft.rfft(lines) * np.conj(np.fft.rfft(others))
        return cast("Floats", np.fft.irfft(products, lines.shape[1]))
    one, other = (cv2.dft(values, flags=cv2.DFT_ROWS) for values in (lines, others))
    multiplied = cv2.mulSpectrums(one, other, cv2.DFT_ROWS, conjB=True)
    flags = cv2.DFT_INVERSE | cv2.DFT_SCALE | cv2.DFT_REAL_OUTPUT | cv2.DFT_ROWS
    return cast("Floats", cv2.dft(multiplied, flags=flags))
