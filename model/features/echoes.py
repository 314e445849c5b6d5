"""Features of echoes: shifted copies of the picture in itself, as ghosts and motion blur leave them."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from model.features.picture_views import PictureViews

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
    half = views.half
    far, near = _distances(*half.shape)
    power = np.square(np.abs(fft.rfft2(half - half.mean()))) / np.float32(half.size)
    logs = np.log(power + np.float32(_ROUNDING))
    # The two axes hold the jump between opposite borders, which says nothing about the content.
    logs[0], logs[:, 0] = logs[1], logs[:, 1]
    cepstrum = fft.irfft2(logs, half.shape)[:, : far.shape[1]]
    return [
        _strength(cepstrum[far].max(initial=0)),
        _strength(cepstrum[near].max(initial=0)),
        _strength(-cepstrum[near].min(initial=0)),
    ]


def _strength(peak: float) -> float:
    return float(np.log1p(100 * peak))


@lru_cache(maxsize=16)
def _distances(rows: int, columns: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return masks of half a cepstrum: far from the origin, and near to it but not at it."""
    y, x = np.meshgrid(fft.fftfreq(rows), np.arange(columns // 2 + 1) / columns, indexing="ij")
    distance = np.hypot(y, x)
    return distance >= _FAR, (distance >= _NEAR) & (distance < _FAR)
