"""A picture cut into tiles of 8 x 8 pixels: means, standard deviations, and the tiles with variation."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

TILE = 8
_MOST = 1024


@dataclass(frozen=True)
class Tiles:
    """The complete tiles of a picture; what remains at its far edges is left out.

    Parameters
    ----------
    picture : uint8 or float32 array of shape (rows, columns)
        With sides of at least a tile.
    floats : the same as float32
    """

    picture: Picture | Floats
    floats: Floats

    @cached_property
    def means(self) -> Floats:
        """The mean of each tile, float32 (tile rows, tile columns)."""
        return self._moments[0].astype(np.float32, copy=False)

    @cached_property
    def stds(self) -> Floats:
        """The standard deviation of each tile, float32 (tile rows, tile columns); 0 if it is constant."""
        means, squares = (moment.astype(np.float64, copy=False) for moment in self._moments)
        return np.sqrt(np.maximum(squares - means * means, 0)).astype(np.float32)

    @cached_property
    def varied(self) -> NDArray[np.bool_]:
        """Whether a tile has variation, bool (tile rows, tile columns)."""
        return self.stds > 1.0

    @cached_property
    def textured(self) -> NDArray[Any]:
        """At most 1024 tiles with variation, (8, 8, n); any tiles if none has variation.

        int16 if the picture is uint8, otherwise float32, so that differences keep their sign. The tiles
        are the last axis, because arrays of numpy are slow along short axes.

        In many good pictures half of the area is black background. Statistics that include it would
        measure how much of the frame the patient fills.
        """
        varied = self.varied if self.varied.any() else np.ones_like(self.varied)
        chosen = np.flatnonzero(varied)
        down, across = np.divmod(chosen[:: -(-chosen.size // _MOST)], varied.shape[1])
        lines_of_a_tile = (down[:, None] * TILE + np.arange(TILE)) * varied.shape[1] + across[:, None]
        tiles = np.take(np.ascontiguousarray(_cut(self.picture)).reshape(-1, TILE), lines_of_a_tile, axis=0)
        by_pixel = cv2.transpose(tiles.reshape(-1, TILE * TILE)).reshape(TILE, TILE, -1)
        return by_pixel.astype(np.promote_types(by_pixel.dtype, np.int16), copy=False)

    @cached_property
    def _moments(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """The mean of each tile and of its squares.

        float32 holds sums of 64 squares of 8-bit values exactly. Where the values are no integers, the
        variance would be lost in rounding, so they are added as float64.
        """
        is_exact = self.picture.dtype == np.uint8
        values = _cut(self.floats) if is_exact else _cut(self.floats).astype(np.float64)
        return _tile_means(values), _tile_means(values * values)


def _cut(picture: NDArray[Any]) -> NDArray[Any]:
    """Return the part that complete tiles cover."""
    rows, columns = (side // TILE * TILE for side in picture.shape)
    return picture[:rows, :columns]


def _tile_means(values: NDArray[Any]) -> NDArray[Any]:
    for _ in range(3):  # OpenCV halves a picture three times faster than it averages 8 x 8 pixels
        rows, columns = (side // 2 for side in values.shape)
        values = cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA)
    return values
