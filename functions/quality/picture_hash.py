"""A perceptual hash: 256 bits that stay similar under encoding, resizing and a slightly different window."""

from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from model.features.picture_views import Picture, grey

_SIDE = 64
_FREQUENCIES = 16
_NEARLY_UNIFORM = 4.0  # grey levels, standard deviation of the reduced picture


def picture_hash(picture: Picture) -> bytes | None:
    """32 bytes, or None for a nearly uniform picture, whose hash would be noise and join unrelated pictures.

    Parameters
    ----------
    picture : uint8 array of shape (rows, columns) or (rows, columns, 3)
        Unchanged. A mirrored or rotated picture has another hash.

    Notes
    -----
    Bits are the signs of the 16 x 16 lowest coefficients of the type-II discrete cosine transform of
    the picture reduced to 64 x 64 means, row by row, most significant bit first. The mean is not used:
    its bit is the sign of the next coefficient of the first row.
    """
    small = _reduced(picture)
    if float(small.std()) < _NEARLY_UNIFORM:
        return None
    basis = _cosines()
    coefficients = basis @ (small - small.mean()) @ basis.T
    coefficients[0, 0] = coefficients[0, 1]
    return np.packbits(coefficients > 0).tobytes()


@cache
def _cosines() -> NDArray[np.float64]:
    """float64 (16, 64): the cosines of the 16 lowest frequencies at 64 sample points."""
    points = np.arange(_SIDE) + 0.5
    return np.cos(np.pi / _SIDE * np.arange(_FREQUENCIES)[:, None] * points)


def _reduced(picture: Picture) -> NDArray[np.float64]:
    """float64 (64, 64): means over equal parts of the picture, from at most 16 x 16 pixels of each part."""
    steps = [max(1, side // (_SIDE * 8)) for side in picture.shape[:2]]
    sampled = np.ascontiguousarray(grey(picture[:: steps[0], :: steps[1]]))
    reduced = Image.fromarray(sampled).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return np.asarray(reduced, np.float64)
