"""Features of small tiles: noise, sharpness, flatness, lost blocks, shading."""

from functools import lru_cache
from math import hypot, log, log1p, sqrt
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from model.features.array_statistics import mean, mean_magnitude, mean_square, median, percentiles, share
from model.features.picture_views import PictureViews
from model.features.tiles import Floats, Tiles

NAMES = (
    "tiles_constant",
    "tiles_flat",
    "tile_std_50",
    "tile_std_90",
    "noise_dark_tiles",
    "noise_bright_tiles",
    "constant_tiles_beside_texture",
    "shading_explained",
    "shading_amplitude",
    "one_sided",
    "one_sided_detail",
    "noise_mad",
    "detail_kurtosis",
    "gradient_mean",
    "gradient_direction",
    "laplacian_to_gradient",
    "isolated_pixels",
    "equal_neighbours",
    "gradient_coherence",
    "sharpness_across",
)
_ISOLATED = 25  # difference from all four neighbours, in grey levels
_SURFACE = np.array(
    [(0, 0), (0, 1), (1, 0), (0, 2), (2, 0), (1, 1)]
)  # powers of y and x: 1, x, y, x², y², xy


def texture(views: PictureViews) -> list[float]:
    """Return the features of NAMES. Amplitudes are log(1 + grey levels).

    Shares of the picture are given as square roots, which spreads small values.
    """
    tiles = views.tiles
    return [
        *_tile_statistics(tiles),
        *_shading(tiles),
        *_sides(tiles),
        *_detail(tiles.textured),
        *_anisotropy(tiles),
    ]


def _tile_statistics(tiles: Tiles) -> list[float]:
    constant = tiles.stds < 0.01
    varied = ~constant
    if not varied.any():
        return [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    inside, brightness = tiles.stds[varied], tiles.means[varied]
    middle = median(brightness)
    return [
        sqrt(share(constant)),
        sqrt(share(tiles.stds < 1.5)),
        *(log1p(std) for std in percentiles(inside, 50, 90)),
        *(log1p(std) for std in percentiles(inside[brightness <= middle], 20)),
        *(log1p(std) for std in percentiles(inside[brightness >= middle], 20)),
        _beside_texture(constant, tiles.stds),
    ]


def _beside_texture(constant: NDArray[np.bool_], stds: Floats) -> float:
    """Return the square root of the number of constant-busy neighbour pairs for each busy tile."""
    busy = stds > 12
    pairs = sum(
        np.count_nonzero(one[1:] & other[:-1]) + np.count_nonzero(one[:, 1:] & other[:, :-1])
        for one, other in ((constant, busy), (busy, constant))
    )
    return sqrt(int(pairs) / max(int(np.count_nonzero(busy)), 1))


def _shading(tiles: Tiles) -> list[float]:
    """Return how much of the tiles' brightness a quadratic surface explains, and its strength."""
    varied = tiles.varied
    count = np.count_nonzero(varied)
    if count < 12:
        return [0.0, 0.0]
    down, across = (_powers(side) for side in varied.shape)
    weights = varied.astype(np.float64)
    bright = tiles.means * weights
    # Sums of y^i x^j over the tiles with variation: all that least squares needs of them.
    sums = down @ weights @ across.T
    normal = sums[_SURFACE[:, None, 0] + _SURFACE[:, 0], _SURFACE[:, None, 1] + _SURFACE[:, 1]]
    along = (down[:3] @ bright @ across[:3].T)[_SURFACE[:, 0], _SURFACE[:, 1]]
    # The ridge term keeps the system solvable for a single column of tiles, where x is constant.
    surface = cv2.solve(normal + 1e-6 * np.eye(6), along[:, None])[1].ravel()
    brightness = along[0] / count
    fitted_mean = surface @ normal[0] / count
    fitted_variance = max(surface @ normal @ surface / count - fitted_mean**2, 0.0)
    variance = np.vdot(bright, bright) / count - brightness**2
    return [
        float(fitted_variance / (variance + 1.0)),
        sqrt(sqrt(fitted_variance) / (brightness + 1.0)),
    ]


@lru_cache(maxsize=32)
def _powers(side: int) -> NDArray[np.float64]:
    """Return the powers 0 to 4 of the coordinates -1 to 1 of a side, float64 (5, side)."""
    return np.vander(np.linspace(-1, 1, side), 5, increasing=True).T


def _sides(tiles: Tiles) -> list[float]:
    """Return how much two halves of the content differ in brightness and in tile contrast."""
    varied = tiles.varied
    if np.count_nonzero(varied) < 12:
        return [0.0, 0.0]
    planes = np.stack([varied, tiles.means * varied, tiles.stds * varied]).astype(np.float64)
    result = [0.0, 0.0]
    for axis in (2, 1):
        up_to = np.cumsum(planes.sum(axis=axis), axis=1)
        total = up_to[:, -1]
        first = up_to[:, int(np.searchsorted(up_to[0], total[0] / 2))]
        ((count, *one), (rest, *other)) = first, total - first
        for index in (0, 1):
            means = one[index] / (count + 1e-6), other[index] / (rest + 1e-6)
            difference = abs(log((means[0] + 2) / (means[1] + 2)))
            result[index] = max(result[index], difference)
    return result


def _detail(tiles: NDArray[Any]) -> list[float]:
    """Return noise and sharpness inside textured tiles, int16 or float32 (8, 8, n)."""
    doubled = tiles[::2, ::2] - tiles[::2, 1::2] - tiles[1::2, ::2] + tiles[1::2, 1::2]
    squares = np.square(doubled.ravel().astype(np.float32)) / 4
    across, down = tiles[:, 1:] - tiles[:, :-1], tiles[1:] - tiles[:-1]
    power_across, power_down = mean_square(across), mean_square(down)
    steps = (mean_magnitude(across) + mean_magnitude(down)) / 2
    laplacian = (across[1:-1, 1:] - across[1:-1, :-1]) + (down[1:, 1:-1] - down[:-1, 1:-1])
    changed = (_share_changed(across) + _share_changed(down)) / 2
    return [
        log1p(median(np.abs(doubled).ravel()) / 2 / 0.6745),
        log1p(mean_square(squares) / (mean(squares) ** 2 + 1e-3)),
        log1p(steps),
        abs(log((power_across + 0.1) / (power_down + 0.1))),
        log((mean_square(laplacian) + 0.1) / (power_across + power_down + 0.1)),
        _isolated_share(across, down),
        sqrt(1 - changed),
    ]


def _share_changed(steps: NDArray[Any]) -> float:
    return cv2.countNonZero(steps.reshape(1, -1)) / steps.size


def _isolated_share(across: NDArray[Any], down: NDArray[Any]) -> float:
    """Return the square root of the share of pixels much brighter or darker than all four neighbours."""
    left, right = across[1:-1, :-1], -across[1:-1, 1:]
    above, below = down[:-1, 1:-1], -down[1:, 1:-1]
    least = np.minimum(np.minimum(left, right), np.minimum(above, below))
    most = np.maximum(np.maximum(left, right), np.maximum(above, below))
    return sqrt(share((least > _ISOLATED) | (most < -_ISOLATED)))


def _anisotropy(tiles: Tiles) -> list[float]:
    """Return how far the gradients share one direction, as after motion blur, and the sharpness across it.

    Both come from the structure tensor, so they hold for any direction.
    """
    textured, stds = tiles.textured, tiles.stds[tiles.varied]
    across = (textured[1:-1, 2:] - textured[1:-1, :-2]).ravel().astype(np.float32)
    down = (textured[2:, 1:-1] - textured[:-2, 1:-1]).ravel().astype(np.float32)
    first, second, mixed = mean_square(across), mean_square(down), float(np.vdot(across, down)) / across.size
    spread = hypot(first - second, 2 * mixed)
    contrast = mean_square(stds) if stds.size else 0.0
    return [
        spread / (first + second + 0.1),
        log(((first + second - spread) / 2 + 0.1) / (contrast + 0.1)),
    ]
