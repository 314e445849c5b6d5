"""Features of the brightness across the picture: shading, a dark side, an off-centre image."""

from functools import lru_cache
from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray

from model.features.array_statistics import share
from model.features.picture_views import PictureViews
from model.features.tiles import Floats

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
    means, stds = views.tiles.means, views.tiles.stds
    dim = share((stds > 0.05) & (stds < 1) & (means < _DIM))
    return [*_slope(_brightest(means)), _off_centre(means), sqrt(dim)]


def _brightest(means: Floats) -> Floats:
    rows, columns = (_first_tiles(side) for side in means.shape)
    brightest: Floats = np.maximum.reduceat(np.maximum.reduceat(means, rows, axis=0), columns, axis=1)
    return brightest


@lru_cache(maxsize=64)
def _first_tiles(side: int) -> NDArray[np.intp]:
    """Return the first tile of each cell along a side."""
    return np.linspace(0, side, min(_CELLS, side) + 1).astype(np.intp)[:-1]


def _slope(cells: Floats) -> tuple[float, float]:
    logs = np.log(cells + _DARK)
    rest = logs - logs.mean()
    y, x = _coordinates(*rest.shape)
    down, across = (np.vdot(axis, rest) / max(np.vdot(axis, axis), 1e-6) for axis in (y, x))
    plane = down * y + across * x
    return float(np.vdot(plane, plane) / (np.vdot(rest, rest) + 0.5)), hypot(down, across)


def _off_centre(means: Floats) -> float:
    y, x = _coordinates(*means.shape)
    return hypot(np.vdot(means, y), np.vdot(means, x)) / (float(means.sum()) + 1e-6)


@lru_cache(maxsize=64)
def _coordinates(rows: int, columns: int) -> tuple[Floats, Floats]:
    """Return row and column coordinates from -1 to 1, float32 (rows, columns) each."""
    sides = (np.linspace(-1, 1, side, dtype=np.float32) for side in (rows, columns))
    y, x = np.meshgrid(*sides, indexing="ij")
    return y, x
