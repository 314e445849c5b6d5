"""A picture cut into tiles of 8 x 8 pixels: means, standard deviations, and the tiles with variation."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

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
    half : the same reduced by a factor of two, float32
    """

    picture: NDArray[np.uint8] | Floats
    floats: Floats
    half: Floats

    @cached_property
    def means(self) -> Floats:
        """The mean of each tile, float32 (tile rows, tile columns)."""
        return _block_means(_cut(self.half, TILE // 2), TILE // 2)

    @cached_property
    def stds(self) -> Floats:
        """The standard deviation of each tile, float32 (tile rows, tile columns); 0 if it is constant."""
        values = _cut(self.floats, TILE)
        if self.picture.dtype == np.uint8:
            # float32 holds sums of 64 squares of 8-bit values exactly.
            squares = _block_means(values * values, TILE).astype(np.float64)
            squares -= np.square(self.means.astype(np.float64))
            return np.sqrt(np.maximum(squares, 0, out=squares)).astype(np.float32)
        rows, columns = values.shape
        deviations = cv2.resize(self.means, (columns, rows), interpolation=cv2.INTER_NEAREST)
        np.subtract(values, deviations, out=deviations)
        return np.sqrt(_block_means(np.square(deviations, out=deviations), TILE))

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
        lines_of_tiles = np.ascontiguousarray(_cut(self.picture, TILE)).reshape(-1, TILE)
        tiles = np.take(lines_of_tiles, lines_of_a_tile, axis=0)
        by_pixel = cv2.transpose(tiles.reshape(-1, TILE * TILE)).reshape(TILE, TILE, -1)
        signed: NDArray[Any] = by_pixel.astype(np.promote_types(by_pixel.dtype, np.int16), copy=False)
        return signed


def _cut(picture: NDArray[Any], side: int) -> NDArray[Any]:
    """Return the part that complete blocks cover."""
    rows, columns = (length // side * side for length in picture.shape)
    return picture[:rows, :columns]


def _block_means(values: Floats, side: int) -> Floats:
    """Return the means of blocks, whose side is a power of two."""
    while side > 1:  # OpenCV halves a picture three times faster than it averages 8 x 8 pixels
        rows, columns = (length // 2 for length in values.shape)
        values = cast("Floats", cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA))
        side //= 2
    return values
