"""Features of small tiles: noise, sharpness, flatness, lost blocks, shading."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.features.picture_views import Floats, PictureViews

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
_ISOLATED = 25.0  # difference from all four neighbours, in grey levels


def texture(views: PictureViews) -> list[float]:
    """Return the features of NAMES. Amplitudes are log(1 + grey levels).

    Shares of the picture are given as square roots, which spreads small values.
    """
    return [
        *_tile_statistics(views),
        *_shading(views),
        *_sides(views),
        *_detail(views.textured),
        *_anisotropy(views),
    ]


def _tile_statistics(views: PictureViews) -> list[float]:
    stds, means = views.tile_stds, views.tile_means
    constant = stds < 0.01
    varied = ~constant
    if not varied.any():
        return [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    inside, brightness = stds[varied], means[varied]
    dark = inside[brightness <= np.median(brightness)]
    bright = inside[brightness >= np.median(brightness)]
    return [
        float(np.sqrt(constant.mean())),
        float(np.sqrt((stds < 1.5).mean())),
        *np.log1p(np.percentile(inside, (50, 90))).tolist(),
        float(np.log1p(np.percentile(dark, 20))),
        float(np.log1p(np.percentile(bright, 20))),
        _beside_texture(constant, stds),
    ]


def _beside_texture(constant: NDArray[np.bool_], stds: Floats) -> float:
    """Return the square root of the number of constant-busy neighbour pairs for each busy tile."""
    busy = stds > 12
    pairs = (
        (constant[1:] & busy[:-1]).sum()
        + (constant[:-1] & busy[1:]).sum()
        + (constant[:, 1:] & busy[:, :-1]).sum()
        + (constant[:, :-1] & busy[:, 1:]).sum()
    )
    return float(np.sqrt(pairs / max(int(busy.sum()), 1)))


def _shading(views: PictureViews) -> list[float]:
    """Return how much of the tiles' brightness a quadratic surface explains, and its strength."""
    rows, columns = views.tile_means.shape
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    varied = views.tile_stds > 1.0
    brightness = views.tile_means[varied].astype(np.float64)
    if brightness.size < 12:
        return [0.0, 0.0]
    y, x = y[varied], x[varied]
    design = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y])
    # The ridge term keeps the system solvable for a single column of tiles, where x is constant.
    weights = np.linalg.solve(design @ design.T + 1e-6 * np.eye(6), design @ brightness)
    fitted = weights @ design
    return [
        float(fitted.var() / (brightness.var() + 1.0)),
        float(np.sqrt(fitted.std() / (brightness.mean() + 1.0))),
    ]


def _sides(views: PictureViews) -> list[float]:
    """Return how much two halves of the content differ in brightness and in tile contrast."""
    varied = views.tile_stds > 1.0
    if np.count_nonzero(varied) < 12:
        return [0.0, 0.0]
    weights = np.where(varied, 1.0, 0.0)
    values = (views.tile_means * weights, views.tile_stds * weights)
    result = [0.0, 0.0]
    for axis in (0, 1):
        share = np.cumsum(weights.sum(axis=1 - axis))
        middle = int(np.searchsorted(share, share[-1] / 2)) + 1
        counts = np.array([share[middle - 1], share[-1] - share[middle - 1]]) + 1e-6
        for index, plane in enumerate(values):
            sums = plane.sum(axis=1 - axis, dtype=np.float64)
            first, second = np.array([sums[:middle].sum(), sums[middle:].sum()]) / counts
            result[index] = max(result[index], abs(float(np.log((first + 2) / (second + 2)))))
    return result


def _detail(tiles: Floats) -> list[float]:
    """Return noise and sharpness inside textured tiles, float32 (n, 8, 8)."""
    diagonal = (tiles[:, ::2, ::2] - tiles[:, ::2, 1::2] - tiles[:, 1::2, ::2] + tiles[:, 1::2, 1::2]) / 2
    across, down = np.diff(tiles, axis=2), np.diff(tiles, axis=1)
    power_across, power_down = _power(across), _power(down)
    steps = (float(np.abs(across).mean()) + float(np.abs(down).mean())) / 2
    laplacian = (across[:, 1:-1, 1:] - across[:, 1:-1, :-1]) + (down[:, 1:, 1:-1] - down[:, :-1, 1:-1])
    return [
        float(np.log1p(np.median(np.abs(diagonal)) / 0.6745)),
        float(np.log1p(np.square(np.square(diagonal)).mean() / (_power(diagonal) ** 2 + 1e-3))),
        float(np.log1p(steps)),
        float(abs(np.log((power_across + 0.1) / (power_down + 0.1)))),
        float(np.log((_power(laplacian) + 0.1) / (power_across + power_down + 0.1))),
        _isolated_share(across, down),
        float(np.sqrt(((across == 0).mean() + (down == 0).mean()) / 2)),
    ]


def _isolated_share(across: Floats, down: Floats) -> float:
    """Return the square root of the share of pixels much brighter or darker than all four neighbours."""
    left, right = across[:, 1:-1, :-1], -across[:, 1:-1, 1:]
    above, below = down[:, :-1, 1:-1], -down[:, 1:, 1:-1]
    least = np.minimum(np.minimum(left, right), np.minimum(above, below))
    most = np.maximum(np.maximum(left, right), np.maximum(above, below))
    return float(np.sqrt(((least > _ISOLATED) | (most < -_ISOLATED)).mean()))


def _anisotropy(views: PictureViews) -> list[float]:
    """Return how far the gradients share one direction, as after motion blur, and the sharpness across it.

    Both come from the structure tensor, so they hold for any direction.
    """
    tiles, stds = views.textured, views.tile_stds[views.tile_stds > 1.0]
    across = tiles[:, 1:-1, 2:] - tiles[:, 1:-1, :-2]
    down = tiles[:, 2:, 1:-1] - tiles[:, :-2, 1:-1]
    first, second, mixed = _power(across), _power(down), float((across * down).mean())
    spread = float(np.hypot(first - second, 2 * mixed))
    contrast = _power(stds) if stds.size else 0.0
    return [
        spread / (first + second + 0.1),
        float(np.log(((first + second - spread) / 2 + 0.1) / (contrast + 0.1))),
    ]


def _power(values: NDArray[Any]) -> float:
    return float(np.square(values).mean())
