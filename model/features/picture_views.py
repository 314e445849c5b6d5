"""Views of a picture from which features are computed: levels, lines, a small copy, tiles. All are small."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Shorts = NDArray[np.int16]

SIDE = 512
TILE = 8
_LINES = 128
_TILES = 1024
_STRIP = 32
_SMALLEST = 2 * TILE
_Pixel = TypeVar("_Pixel", np.uint8, np.float32)
_LUMA = np.array([19595, 38470, 7471], np.uint32)  # ITU-R BT.601 in 65536ths, as in PS3.3 C.7.6.3.1.2


@dataclass(frozen=True)
class PictureViews:
    """Cheap views of one picture. Each is computed once, on first use.

    Parameters
    ----------
    picture : uint8 array of shape (rows, columns)
        Grey, with sides of at least 16 pixels; see `grey`, `canonical_orientation` and `padded`.
    """

    picture: Picture

    @cached_property
    def levels(self) -> NDArray[np.int64]:
        """int64 array (256,): the number of pixels of each grey value, from about 512 x 512 samples at most.

        Pixels are skipped, not averaged, because averaging would fill the gaps of the histogram.
        """
        rows, columns = self.picture.shape
        sample = self.picture[:: -(-rows // SIDE), :: -(-columns // SIDE)]
        return np.bincount(sample.ravel(), minlength=256)

    @cached_property
    def lines(self) -> tuple[Shorts, Shorts]:
        """At most 128 rows and at most 128 columns at native resolution, int16 (lines, length) each."""
        rows, columns = self.picture.shape
        across = self.picture[:: -(-rows // _LINES)].astype(np.int16)
        down = self.picture[:, :: -(-columns // _LINES)].astype(np.int16)
        return across, np.ascontiguousarray(down.T)

    @cached_property
    def small(self) -> Floats:
        """The picture box-averaged to sides of 16 to 512, float32 (rows, columns), 0 to 255."""
        factor = -(-max(self.picture.shape) // SIDE)
        return padded(box_reduced(self.picture, factor))

    @cached_property
    def half(self) -> Floats:
        """The small picture reduced by a factor of two, float32 (rows // 2, columns // 2)."""
        return box_reduced(self.small, 2)

    @cached_property
    def tiles(self) -> Floats:
        """The small picture cut into tiles, float32 (tile rows, tile columns, 8, 8)."""
        rows, columns = (side // TILE for side in self.small.shape)
        cut = self.small[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
        return np.ascontiguousarray(cut.transpose(0, 2, 1, 3))

    @cached_property
    def tile_means(self) -> Floats:
        """The mean of each tile, float32 (tile rows, tile columns)."""
        return self._tile_sums / np.float32(TILE * TILE)

    @cached_property
    def _tile_sums(self) -> Floats:
        rows, columns = self.tiles.shape[:2]
        ones = np.ones(TILE * TILE, np.float32)
        sums: Floats = (self.tiles.reshape(-1, TILE * TILE) @ ones).reshape(rows, columns)
        return sums

    @cached_property
    def tile_stds(self) -> Floats:
        """The standard deviation of each tile, float32 (tile rows, tile columns); 0 if it is constant."""
        flat = self.tiles.reshape(-1, TILE * TILE)
        rest = flat - flat[:, :1]
        mean = rest.mean(axis=1)
        power = np.einsum("ij,ij->i", rest, rest) / np.float32(TILE * TILE)
        stds: Floats = np.sqrt(np.maximum(power - mean * mean, 0)).reshape(self.tiles.shape[:2])
        return stds

    @cached_property
    def textured(self) -> Floats:
        """At most 1024 tiles with variation, float32 (n, 8, 8); any tiles if none has variation.

        In many good pictures half of the area is black background. Statistics that include it would
        measure how much of the frame the patient fills.
        """
        varied = self.tile_stds > 1.0
        if not varied.any():
            varied = np.ones_like(varied)
        chosen = np.flatnonzero(varied)
        return self.tiles.reshape(-1, TILE, TILE)[chosen[:: -(-chosen.size // _TILES)]]


def grey(picture: Picture) -> Picture:
    """Return the luma of a colour picture, uint8 (rows, columns); a grey picture comes back unchanged."""
    if picture.ndim == 2:
        return picture
    red, green, blue = (picture[:, :, index] * _LUMA[index] for index in range(3))
    luma: Picture = ((red + green + blue + 0x8000) >> 16).astype(np.uint8)
    return luma


def canonical_orientation(picture: Picture) -> Picture:
    """Return the picture or one of its mirror images, always the same one of the four.

    So a picture and its mirror images have the same features to the last bit, although some features
    skip pixels. A picture whose column and row sums are symmetric comes back unchanged.
    """
    across, down = _is_mirrored(picture), _is_mirrored(picture.T)
    if across:
        # Rotate by 180 degrees first: reversing a whole block is three times as fast as reversing each row.
        picture, down = np.ascontiguousarray(picture[::-1, ::-1]), not down
    return np.ascontiguousarray(picture[::-1] if down else picture)


def _is_mirrored(picture: Picture) -> bool:
    """Whether, comparing column sums from both ends inwards, the far end is first to be larger."""
    middle = max(0, picture.shape[0] // 2 - _STRIP)
    for rows in (picture[middle : picture.shape[0] - middle], picture):
        sums = rows.sum(axis=0, dtype=np.int64)
        differing = np.flatnonzero(sums != sums[::-1])
        if differing.size:
            first = differing[0]
            return bool(sums[first] < sums[sums.size - 1 - first])
    return False


def padded(picture: NDArray[_Pixel]) -> NDArray[_Pixel]:
    """Repeat the edges up to sides of 16 pixels; a larger picture comes back unchanged."""
    missing = [max(0, _SMALLEST - side) for side in picture.shape[:2]]
    if not any(missing):
        return picture
    widths = [(0, amount) for amount in missing] + [(0, 0)] * (picture.ndim - 2)
    return np.pad(picture, widths, mode="edge")


def box_reduced(picture: Picture | Floats, factor: int) -> Floats:
    """Return the mean of every factor x factor box, float32; an incomplete box at the edge is dropped.

    Parameters
    ----------
    picture : uint8 or float32 array of shape (rows, columns) or (rows, columns, 3)
    factor : int
        1 only converts the dtype; a side shorter than the factor becomes one pixel.
    """
    if factor == 1:
        return picture.astype(np.float32)
    down, across = (min(factor, side) for side in picture.shape[:2])
    rows, columns = picture.shape[0] // down * down, picture.shape[1] // across * across
    wide: type[np.float32 | np.uint16] = np.uint16
    if picture.dtype == np.float32 or down > 256:
        wide = np.float32
    lines: NDArray[Any] = picture[0:rows:down, :columns].astype(wide)
    for start in range(1, down):  # adding slices is several times faster than a sum over an axis
        lines += picture[start:rows:down, :columns]
    boxes = lines[:, 0::across].astype(np.float32)
    for start in range(1, across):
        boxes += lines[:, start::across]
    means: Floats = boxes / np.float32(down * across)
    return means
