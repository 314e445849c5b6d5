"""Features of echoes: shifted copies of the picture in itself, as ghosts and motion blur leave them."""

from functools import lru_cache
from math import log1p

import cv2
import numpy as np

from model.features.fourier import inverse_of_real, power_spectrum
from model.features.picture_views import PictureViews
from model.features.tiles import Floats

NAMES = ("echo_far", "echo_near", "echo_dark")
_FAR = 0.12  # part of the side
_NEAR = 0.03
_ROUNDING = 0.5  # power of the rounding to grey levels; weaker signals are noise


def echoes(views: PictureViews) -> list[float]:
    """Return the strongest far echo, the strongest near echo and the strongest negative near echo.

    A shifted copy of the picture puts a ripple on the logarithm of its power spectrum, and so a peak
    into the spectrum of that logarithm, the cepstrum (Bogert et al. 1963). Anatomy that merely repeats
    itself leaves hardly any peak. Motion blur leaves a negative peak at its length.
    """
    half = views.half_deviations
    far, near = _distances(*half.shape)
    logs = power_spectrum(half)
    logs /= np.float32(half.size)
    logs += np.float32(_ROUNDING)
    cv2.log(logs, dst=logs)
    # The two axes hold the jump between opposite borders, which says nothing about the content.
    logs[0], logs[:, 0] = logs[1], logs[:, 1]
    # The logarithms are real and even, and so is the cepstrum: half of its rows hold it all.
    cepstrum = inverse_of_real(logs, half.shape[1])[: len(far)]
    beside = cepstrum * near
    return [_strength(peak) for peak in ((cepstrum * far).max(), beside.max(), -beside.min())]


def _strength(peak: float) -> float:
    return log1p(100 * peak)


@lru_cache(maxsize=16)
def _distances(rows: int, columns: int) -> tuple[Floats, Floats]:
    """Return float32 masks, 1 or 0, of half a cepstrum: far from the origin, near to it but not at it."""
    y, x = np.meshgrid(np.arange(rows // 2 + 1) / rows, np.fft.fftfreq(columns), indexing="ij")
    distance = np.hypot(y, x)
    near = (distance >= _NEAR) & (distance < _FAR)
    return (distance >= _FAR).astype(np.float32), near.astype(np.float32)
