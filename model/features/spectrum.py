"""Features of frequency and local contrast: blur, periodic patterns, rings."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft
from scipy.ndimage import uniform_filter

from model.features.picture_views import Floats, PictureViews

NAMES = (
    "band_2_5",
    "band_5_10",
    "band_10_20",
    "band_20_30",
    "band_30_50",
    "spectral_slope",
    "spectral_roughness",
    "direction_strongest",
    "direction_weakest",
    "sharpness_worst",
    "sharpness_mean",
    "spectral_peak",
    "mscn_std",
    "mscn_peakedness",
    "mscn_neighbours",
    "rings_explained",
)
_RINGS = 26  # each 0.02 cycles per pixel wide
_BANDS = ((1, 3), (3, 5), (5, 10), (10, 15), (15, 25))
_SECTORS = 8


def spectrum(views: PictureViews) -> list[float]:
    """Return the features of NAMES. Band energies, ratios and peaks are natural logarithms."""
    return [*_power_features(views.small), *_local_contrast(views.half)]


def _power_features(small: Floats) -> list[float]:
    rows, columns = small.shape
    rings, sectors, counts, sector_counts = _frequency_plane(rows, columns)
    window = np.outer(_hann(rows), _hann(columns))
    power = np.square(np.abs(fft.rfft2((small - small.mean()) * window))) / small.size + 1e-3
    flat = power.ravel()
    sums = np.bincount(rings, flat, _RINGS)
    means = sums / np.maximum(counts, 1)
    bands = [float(np.log(means[low:high].mean() + 1e-3)) for low, high in _BANDS]
    total = float(np.log(means[1:].mean() + 1e-3))
    directions = np.bincount(sectors, flat, _SECTORS + 1)[1:]
    absolute = directions / np.maximum(sector_counts, 1)
    directions = directions / directions.mean()
    coarse = float(np.log(means[1:3].mean() + 1e-2))
    return [
        *(band - total for band in bands),
        *_slope(means),
        float(np.log(directions.max())),
        float(np.log(directions.min() + 1e-3)),
        float(np.log(absolute.min() + 1e-2) - coarse),
        float(np.log(absolute.mean() + 1e-2) - coarse),
        _peak(flat, rings, means),
    ]


@lru_cache(maxsize=8)
def _frequency_plane(rows: int, columns: int) -> tuple[NDArray[np.intp], ...]:
    """Return the ring and the sector of every value of an rfft2, flattened, and the sizes of both.

    Sector 0 holds everything outside 0.05 to 0.4 cycles per pixel and the two axes, because the
    picture's border and straight text put energy there in good pictures too.
    """
    y, x = np.meshgrid(fft.fftfreq(rows), fft.rfftfreq(columns), indexing="ij")
    radius = np.hypot(y, x)
    rings = np.minimum((radius * 50).astype(np.intp), _RINGS - 1)
    sectors = 1 + np.minimum((np.arctan2(y, x) / np.pi + 0.5) * _SECTORS, _SECTORS - 1).astype(np.intp)
    sectors[(radius < 0.05) | (radius > 0.4) | (np.abs(x) < 1 / columns) | (np.abs(y) < 1 / rows)] = 0
    sizes = np.bincount(rings.ravel(), minlength=_RINGS)
    return rings.ravel(), sectors.ravel(), sizes, np.bincount(sectors.ravel(), minlength=_SECTORS + 1)[1:]


@lru_cache(maxsize=32)
def _hann(length: int) -> Floats:
    return np.hanning(length + 2)[1:-1].astype(np.float32)


def _slope(means: NDArray[np.float64]) -> list[float]:
    """Return the exponent of a power law fitted to the rings, and the deviation from it."""
    frequency = np.log((np.arange(1, 25) + 0.5) / 50)
    energy = np.log(means[1:25] + 1e-3)
    centred = frequency - frequency.mean()
    slope = float(centred @ energy / (centred @ centred))
    rest = energy - energy.mean() - slope * centred
    return [slope, float(np.sqrt(np.mean(rest**2)))]


def _peak(power: NDArray[np.float64], rings: NDArray[np.intp], means: NDArray[np.float64]) -> float:
    """Return how far the strongest frequency above 0.06 cycles per pixel stands out from its ring."""
    floor = means.copy()
    floor[:3] = np.inf
    return float(np.log((power / (floor[rings] + 1e-3)).max() + 1e-3))


def _local_contrast(half: Floats) -> list[float]:
    """Return statistics of MSCN values (Mittal et al. 2012) where there is contrast.

    MSCN: mean-subtracted, contrast-normalised.
    """
    mean = uniform_filter(half, 7)
    variance = np.maximum(uniform_filter(half * half, 7) - mean * mean, 0)
    rest = half - mean
    deviation = np.sqrt(variance)
    normalised = rest / (deviation + 1)
    varied = deviation > 1
    if varied.sum() < 16:
        return [0.0] * 4
    values = normalised[varied]
    std = float(values.std())
    across = float((normalised[:, 1:] * normalised[:, :-1])[varied[:, 1:]].mean()) / (std**2 + 1e-3)
    down = float((normalised[1:] * normalised[:-1])[varied[1:]].mean()) / (std**2 + 1e-3)
    return [
        std,
        float(np.abs(values).mean()) / (std + 1e-3),
        (across + down) / 2,
        _rings_explained(normalised),
    ]


def _rings_explained(rest: Floats) -> float:
    """Return the log of the share of local variation that depends only on the distance to the centre."""
    radius, counts = _radii(*rest.shape)
    sums = np.bincount(radius, rest.ravel(), counts.size)
    explained = (sums**2 / np.maximum(counts, 1)).sum()
    # By chance alone, each ring explains one unit of variance.
    return float(np.log((explained + 1) / (np.square(rest).mean() * counts.size + 1)))


@lru_cache(maxsize=8)
def _radii(rows: int, columns: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    y, x = np.ogrid[:rows, :columns]
    radius = np.hypot(y - (rows - 1) / 2, x - (columns - 1) / 2).astype(np.intp).ravel()
    return radius, np.bincount(radius)
