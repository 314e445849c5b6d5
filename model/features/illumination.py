"""Features of the brightness across the picture: shading, a dark side, an off-centre image."""

import numpy as np

from model.features.picture_views import Floats, PictureViews

NAMES = ("slope_explained", "slope", "off_centre", "dim_texture")
_CELLS = 8  # per side
_DARK = 4.0  # grey levels; smaller values hardly differ
_DIM = 6.0


def illumination(views: PictureViews) -> list[float]:
    """Return the features of NAMES.

    They are: how much of the brightness a slope across the picture explains, how steep the slope is, how
    far the centre of brightness lies from the middle, and the square root of the share that is nearly
    black but not empty. Each cell counts by its brightest tile, so that gaps in it matter little.
    """
    means, stds = views.tile_means, views.tile_stds
    dim = np.mean((stds > 0.05) & (stds < 1) & (means < _DIM))
    return [*_slope(_brightest(means)), _off_centre(means), float(np.sqrt(dim))]


def _brightest(means: Floats) -> Floats:
    rows, columns = (np.linspace(0, side, min(_CELLS, side) + 1).astype(int)[:-1] for side in means.shape)
    brightest: Floats = np.maximum.reduceat(np.maximum.reduceat(means, rows, axis=0), columns, axis=1)
    return brightest


def _slope(cells: Floats) -> tuple[float, float]:
    logs = np.log(cells + _DARK)
    rest = logs - logs.mean()
    y, x = _coordinates(rest)
    down, across = ((axis * rest).sum() / max(float((axis * axis).sum()), 1e-6) for axis in (y, x))
    explained = np.square(down * y + across * x).sum() / (np.square(rest).sum() + 0.5)
    return float(explained), float(np.hypot(down, across))


def _off_centre(means: Floats) -> float:
    y, x = _coordinates(means)
    return float(np.hypot((means * y).sum(), (means * x).sum()) / (means.sum() + 1e-6))


def _coordinates(cells: Floats) -> tuple[Floats, Floats]:
    """Return row and column coordinates from -1 to 1."""
    rows, columns = (np.linspace(-1, 1, side, dtype=np.float32) for side in cells.shape)
    y, x = np.meshgrid(rows, columns, indexing="ij")
    return y, x
