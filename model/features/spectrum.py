"""Features of frequency and local contrast: blur, periodic patterns, rings."""

from dataclasses import dataclass
from functools import lru_cache
from math import log, sqrt
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from model.features.array_statistics import mean, mean_magnitude, mean_square
from model.features.fourier import power_spectrum
from model.features.picture_views import PictureViews
from model.features.tiles import Floats

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
_BANDS = ((1, 3), (3, 5), (5, 10), (10, 15), (15, 25), (1, _RINGS))  # the last is all of them
_MEANS_OF_BANDS = np.array(
    [[(low <= ring < high) / (high - low) for ring in range(_RINGS)] for low, high in _BANDS]
)
_SECTORS = 8
_FREQUENCIES = np.log((np.arange(1, 25) + 0.5) / 50)
_FREQUENCIES -= _FREQUENCIES.mean()


def spectrum(views: PictureViews) -> list[float]:
    """Return the features of NAMES. Band energies, ratios and peaks are natural logarithms."""
    return [*_power_features(views.small_floats), *_local_contrast(views.half)]


def _power_features(small: Floats) -> list[float]:
    plane = _frequency_plane(*small.shape)
    framed = small - np.float32(mean(small))
    framed *= _window(*small.shape)
    ordered = np.take(power_spectrum(framed), plane.order)
    # A thousandth keeps the logarithms of empty frequencies finite.
    sums = np.add.reduceat(ordered, plane.starts) / small.size + 1e-3 * plane.sizes
    strongest = np.maximum.reduceat(ordered, plane.starts) / small.size + 1e-3
    means = np.bincount(plane.rings, sums, _RINGS) / plane.ring_sizes
    *bands, total = np.log(_MEANS_OF_BANDS @ means + 1e-3).tolist()
    directions = np.bincount(plane.sectors, sums, _SECTORS + 1)[1:]
    absolute = directions / plane.sector_sizes
    directions = directions / directions.mean()
    coarse = log((means[1] + means[2]) / 2 + 1e-2)
    return [
        *(band - total for band in bands),
        *_slope(means),
        log(directions.max()),
        log(directions.min() + 1e-3),
        log(absolute.min() + 1e-2) - coarse,
        log(absolute.mean() + 1e-2) - coarse,
        _peak(strongest, plane.rings, means),
    ]


@dataclass(frozen=True)
class _FrequencyPlane:
    """How the values of an rfft2 are ordered by ring and sector, so that each group is added at once.

    Sector 0 holds everything outside 0.05 to 0.4 cycles per pixel and the two axes, because the
    picture's border and straight text put energy there in good pictures too.
    """

    order: NDArray[np.intp]  # the values' places in the flattened rfft2, group by group
    starts: NDArray[np.intp]  # where each group begins in this order
    sizes: NDArray[np.intp]  # of the groups
    rings: NDArray[np.intp]  # the ring of each group
    sectors: NDArray[np.intp]  # the sector of each group
    ring_sizes: NDArray[np.intp]  # at least 1
    sector_sizes: NDArray[np.intp]  # at least 1


@lru_cache(maxsize=8)
def _frequency_plane(rows: int, columns: int) -> _FrequencyPlane:
    y, x = np.meshgrid(np.fft.fftfreq(rows), np.fft.rfftfreq(columns), indexing="ij")
    radius = np.hypot(y, x)
    rings = np.minimum((radius * 50).astype(np.uint16), _RINGS - 1)
    sectors = 1 + np.minimum((np.arctan2(y, x) / np.pi + 0.5) * _SECTORS, _SECTORS - 1).astype(np.uint16)
    sectors[(radius < 0.05) | (radius > 0.4) | (np.abs(x) < 1 / columns) | (np.abs(y) < 1 / rows)] = 0
    groups = (rings * (_SECTORS + 1) + sectors).ravel()
    order = np.argsort(groups, kind="stable")
    found, starts, sizes = np.unique(groups[order], return_index=True, return_counts=True)
    group_rings, group_sectors = np.divmod(found.astype(np.intp), _SECTORS + 1)
    ring_sizes = np.bincount(group_rings, sizes, _RINGS).astype(np.intp)
    sector_sizes = np.bincount(group_sectors, sizes, _SECTORS + 1)[1:].astype(np.intp)
    return _FrequencyPlane(
        order,
        starts,
        sizes,
        group_rings,
        group_sectors,
        np.maximum(ring_sizes, 1),
        np.maximum(sector_sizes, 1),
    )


@lru_cache(maxsize=8)
def _window(rows: int, columns: int) -> Floats:
    down, across = (np.hanning(length + 2)[1:-1].astype(np.float32) for length in (rows, columns))
    return np.outer(down, across)


def _slope(means: NDArray[np.float64]) -> list[float]:
    """Return the exponent of a power law fitted to the rings, and the deviation from it."""
    energy = np.log(means[1:25] + 1e-3)
    slope = float(_FREQUENCIES @ energy / (_FREQUENCIES @ _FREQUENCIES))
    rest = energy - energy.mean() - slope * _FREQUENCIES
    return [slope, sqrt(rest @ rest / rest.size)]


def _peak(strongest: NDArray[np.float64], rings: NDArray[np.intp], means: NDArray[np.float64]) -> float:
    """Return how far the strongest frequency above 0.06 cycles per pixel stands out from its ring."""
    floor = means.copy()
    floor[:3] = np.inf
    return log((strongest / (floor[rings] + 1e-3)).max() + 1e-3)


def _local_contrast(half: Floats) -> list[float]:
    """Return statistics of MSCN values (Mittal et al. 2012) where there is contrast.

    MSCN: mean-subtracted, contrast-normalised.
    """
    means = _mean_of_7(half)
    normalised = half - means
    deviation = _mean_of_7(half * half)
    deviation -= np.square(means, out=means)
    np.sqrt(np.maximum(deviation, 0, out=deviation), out=deviation)
    varied = (deviation > 1).view(np.uint8)
    count = cv2.countNonZero(varied)
    if count < 16:
        return [0.0] * 4
    deviation += 1
    normalised /= deviation
    values = normalised * varied
    share = count / values.size
    std = sqrt(mean_square(values) / share - (mean(values) / share) ** 2)
    across = _across(values, normalised) / max(count - int(np.count_nonzero(varied[:, 0])), 1)
    down = float(np.vdot(values[1:], normalised[:-1])) / max(count - int(np.count_nonzero(varied[0])), 1)
    return [
        std,
        mean_magnitude(values) / share / (std + 1e-3),
        (across + down) / 2 / (std**2 + 1e-3),
        _rings_explained(normalised),
    ]


def _mean_of_7(values: Floats) -> Floats:
    """Return the mean of 7 x 7 values around each, float32; the picture is reflected at its edges.

    Rows and columns are averaged one after the other, and float32 between them is part of the definition:
    the mean square of a bright place is rounded to some thousandths, and so is the variance there, by
    which a place counts or not.
    """
    down = cv2.blur(values, (1, 7), borderType=cv2.BORDER_REFLECT)
    return cast("Floats", cv2.blur(down, (7, 1), borderType=cv2.BORDER_REFLECT))


def _across(values: Floats, normalised: Floats) -> float:
    """Return the sum of products of each value with the normalised value to its left."""
    # One product of the flattened arrays, without the pairs that it makes of two rows' ends.
    all_pairs = np.vdot(values.ravel()[1:], normalised.ravel()[:-1])
    return float(all_pairs - np.vdot(values[1:, 0], normalised[:-1, -1]))


def _rings_explained(rest: Floats) -> float:
    """Return the log of the share of local variation that depends only on the distance to the centre."""
    order, starts, sizes = _distances_to_centre(*rest.shape)
    sums = np.add.reduceat(np.take(rest, order), starts).astype(np.float64)
    explained = (sums**2 / sizes).sum()
    # By chance alone, each ring explains one unit of variance.
    return log((explained + 1) / (mean_square(rest) * sizes.size + 1))


@lru_cache(maxsize=8)
def _distances_to_centre(rows: int, columns: int) -> tuple[NDArray[np.intp], ...]:
    """Return the places of a flattened picture ordered by distance, and each ring's start and size."""
    y, x = np.ogrid[:rows, :columns]
    radius = np.hypot(y - (rows - 1) / 2, x - (columns - 1) / 2).astype(np.uint16).ravel()
    order = np.argsort(radius, kind="stable")
    _, starts, sizes = np.unique(radius[order], return_index=True, return_counts=True)
    return order, starts, sizes
