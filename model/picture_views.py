"""What the features look at: the picture's levels, its lines and a small version, all of bounded size."""

from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

SIDE = 512
TILE = 8
_TILES = 2048
_SMALLEST = 2 * TILE
_Pixel = TypeVar("_Pixel", np.uint8, np.float32)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601, as in PS3.3 C.7.6.3.1.2


@dataclass(frozen=True)
class PictureViews:
    """Cheap views of one picture; each is made once, however large the picture is.

    Parameters
    ----------
    picture : uint8 array of shape (rows, columns) or (rows, columns, 3)
        Sides of at least 16 pixels; see `padded`.
    """

    picture: Picture

    @cached_property
    def levels(self) -> NDArray[np.int64]:
        """int64 array (256,): how many pixels have each grey value, from at most about 1024 x 1024.

        Skipping pixels, unlike averaging them, keeps the gaps of the histogram.
        """
        rows, columns = self.picture.shape[:2]
        sample = self.picture[:: -(-rows // (2 * SIDE)), :: -(-columns // (2 * SIDE))]
        values = sample if sample.ndim == 2 else np.rint(sample @ _LUMA).astype(np.uint8)
        return np.bincount(values.ravel(), minlength=256)

    @cached_property
    def lines(self) -> tuple[Floats, Floats]:
        """At most 512 rows, and as many columns, at native resolution: float32 (lines, length) each."""
        rows, columns = self.picture.shape[:2]
        across = _luma(self.picture[:: -(-rows // SIDE)])
        down = _luma(self.picture[:, :: -(-columns // SIDE)])
        return across, np.ascontiguousarray(down.T)

    @cached_property
    def small(self) -> Floats:
        """The picture box-averaged to 16 to 512 a side, float32 (rows, columns), 0 to 255."""
        factor = -(-max(self.picture.shape[:2]) // SIDE)
        return padded(_luma(box_reduced(self.picture, factor)))

    @cached_property
    def half(self) -> Floats:
        """The small picture averaged by two, float32 (rows // 2, columns // 2)."""
        return box_reduced(self.small, 2)

    @cached_property
    def tiles(self) -> Floats:
        """The small picture cut into tiles, float32 (tile rows, tile columns, 8, 8)."""
        rows, columns = (side // TILE for side in self.small.shape)
        cut = self.small[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
        return np.ascontiguousarray(cut.transpose(0, 2, 1, 3))

    @cached_property
    def tile_means(self) -> Floats:
        """float32 (tile rows, tile columns)."""
        means: Floats = self.tiles.mean(axis=(2, 3))
        return means

    @cached_property
    def tile_stds(self) -> Floats:
        """float32 (tile rows, tile columns)."""
        stds: Floats = self.tiles.std(axis=(2, 3))
        return stds

    @cached_property
    def textured(self) -> Floats:
        """At most 2048 tiles in which something varies, float32 (n, 8, 8); any tiles if none does.

        Black surroundings are half of many good pictures; statistics over them would
        measure how much of the frame the patient fills.
        """
        varied = self.tile_stds > 1.0
        if not varied.any():
            varied = np.ones_like(varied)
        chosen = np.flatnonzero(varied)
        return self.tiles.reshape(-1, TILE, TILE)[chosen[:: -(-chosen.size // _TILES)]]


def padded(picture: NDArray[_Pixel]) -> NDArray[_Pixel]:
    """The picture with its edges repeated up to 16 pixels a side; larger ones come back unchanged."""
    missing = [max(0, _SMALLEST - side) for side in picture.shape[:2]]
    if not any(missing):
        return picture
    widths = [(0, amount) for amount in missing] + [(0, 0)] * (picture.ndim - 2)
    return np.pad(picture, widths, mode="edge")


def box_reduced(picture: Picture | Floats, factor: int) -> Floats:
    """The mean of every factor x factor box, float32; a rest smaller than a box is left off.

    Parameters
    ----------
    picture : uint8 or float32 array of shape (rows, columns) or (rows, columns, 3)
    factor : int
        1 only converts; a side shorter than the factor becomes one pixel.
    """
    if factor == 1:
        return picture.astype(np.float32)
    down, across = (min(factor, side) for side in picture.shape[:2])
    rows, columns = picture.shape[0] // down, picture.shape[1] // across
    cut = picture[: rows * down, : columns * across]
    # Two sums over one axis each are several times faster than one mean over both.
    sums = cut.reshape(rows, down, *cut.shape[1:]).sum(axis=1, dtype=np.float32)
    boxes = sums.reshape(rows, columns, across, *cut.shape[2:]).sum(axis=2)
    means: Floats = boxes / np.float32(down * across)
    return means


def _luma(picture: Picture | Floats) -> Floats:
    values = picture.astype(np.float32)
    return values if values.ndim == 2 else values @ _LUMA
