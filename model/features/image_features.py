"""Compute all features of one picture for the quality model."""

from math import sqrt

import cv2
import numpy as np
from numpy.typing import NDArray

from model.features import displacement, echoes, illumination, intensity, lines, spectrum, texture
from model.features.picture_views import Picture, PictureViews, canonical_orientation, grey, padded

FEATURE_NAMES: tuple[str, ...] = (
    *intensity.NAMES,
    *texture.NAMES,
    *spectrum.NAMES,
    *lines.NAMES,
    *echoes.NAMES,
    *displacement.NAMES,
    *illumination.NAMES,
    "share_coloured",
)
_COLOURED = 32  # grey levels between the strongest and the weakest channel


def image_features(picture: Picture) -> NDArray[np.float64]:
    """Compute the features of a picture.

    Parameters
    ----------
    picture : uint8 array of shape (rows, columns) or (rows, columns, 3)
        As the picture recipe renders it: grey from 0 (black) to 255 (white), or RGB, of which the luma
        is used. Any size from 1 x 1. Above 512 x 512 the cost grows only by reading the pixels once.

    Returns
    -------
    float64 array of shape (len(FEATURE_NAMES),) with values of single precision, always finite, in the order
    of FEATURE_NAMES.

    Raises
    ------
    ValueError
        If the array has another shape or dtype or no pixels.
    """
    if picture.dtype != np.uint8:
        raise ValueError(f"A picture has dtype uint8, not {picture.dtype}.")
    if not (picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] == 3)) or picture.size == 0:
        raise ValueError(f"A picture has shape (rows, columns) or (rows, columns, 3), not {picture.shape}.")
    cv2.setNumThreads(1)  # of this process: the pipeline runs one process for each core
    views = PictureViews(padded(canonical_orientation(grey(picture))))
    # Sums in OpenCV have other last bits where an array begins at another address. Single precision has none
    # of them, so a training gives the same bytes each time.
    return np.array(
        [
            *intensity.intensity(views),
            *texture.texture(views),
            *spectrum.spectrum(views),
            *lines.lines(views),
            *echoes.echoes(views),
            *displacement.displacement(views),
            *illumination.illumination(views),
            _share_coloured(picture),
        ],
        np.float32,
    ).astype(np.float64)


def _share_coloured(picture: Picture) -> float:
    """Return the square root of the share of coloured pixels, which the luma doesn't show; 0 if grey.

    All pixels are counted: a sample of them would be another one in a mirrored picture.
    """
    if picture.ndim == 2:
        return 0.0
    red, green, blue = (picture[:, :, channel] for channel in range(3))
    strongest, weakest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    return sqrt(np.count_nonzero(strongest - weakest > _COLOURED) / strongest.size)
