"""Views of a picture from which features are computed: levels, lines, a small copy, tiles. All are small."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from model.features.array_statistics import line_sums, mean
from model.features.tiles import TILE, Floats, Tiles

SIDE = 512
_LINES = 128
_STRIP = 32
_SMALLEST = 2 * TILE
Picture = NDArray[np.uint8]
_Pixel = TypeVar("_Pixel", np.uint8, np.float32)
_LUMA = np.array([19595, 38470, 7471], np.uint32)  # ITU-R BT.601 in 65536ths, as in PS3.3 C.7.6.3.1.2


@dataclass(frozen=True)
class Lines:
    """The lines of a picture in one direction, or in both if it is square, and the steps between them.

    Parameters
    ----------
    values : uint8 or float32 array of shape (directions, lines, length)
    """

    values: Picture | Floats

    @cached_property
    def steps(self) -> Picture | Floats:
        """Absolute differences of neighbouring lines, (directions, lines - 1, length), of the same dtype."""
        steps = np.empty_like(self.values[:, 1:])
        for lines, differences in zip(self.values, steps, strict=True):
            cv2.absdiff(lines[1:], lines[:-1], dst=differences)
        return steps

    @cached_property
    def mean_steps(self) -> Floats:
        """The mean of each line's steps, float32 (directions, lines - 1)."""
        directions, number, length = self.steps.shape
        sums = line_sums(self.steps.reshape(-1, length), axis=1).astype(np.float32)
        return (sums / np.float32(length)).reshape(directions, number)

    @cached_property
    def is_constant(self) -> NDArray[np.bool_]:
        """Whether the values of each line are equal, or nearly so, bool (directions, lines)."""
        if len(self.values) == 1:
            is_one: NDArray[np.bool_] = np.ptp(self.values, axis=2) < 1
            return is_one
        # The columns' extremes are those of the other direction's lines, and take half the time.
        spreads = np.maximum.reduce(self.values, axis=1) - np.minimum.reduce(self.values, axis=1)
        is_constant: NDArray[np.bool_] = spreads[::-1] < 1
        return is_constant


@dataclass(frozen=True)
class PictureViews:
    """Cheap views of one picture. Each is computed once, on first use.

    Up to 512 x 512 they hold 8-bit values, which take a quarter of the memory and time of float32.

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
        sample = np.ascontiguousarray(self.picture[:: -(-rows // SIDE), :: -(-columns // SIDE)])
        counts = cv2.calcHist([sample], [0], None, [256], [0, 256])  # float32, exact to 16 million
        return counts.ravel().astype(np.int64)

    @cached_property
    def samples(self) -> list[Picture]:
        """At most 128 rows and at most 128 columns at native resolution, uint8 (directions, lines, length).

        Two arrays, or one with both directions if the picture is square.
        """
        rows, columns = self.picture.shape
        across = self.picture[:: -(-rows // _LINES)]
        down = np.ascontiguousarray(self.picture[:, :: -(-columns // _LINES)])
        return _stacked(across, cast("Picture", cv2.transpose(down)))

    @cached_property
    def small(self) -> Picture | Floats:
        """The picture box-averaged to sides of 16 to 512, 0 to 255.

        uint8 (rows, columns) if that leaves it unchanged, otherwise float32.
        """
        factor = -(-max(self.picture.shape) // SIDE)
        return self.picture if factor == 1 else padded(box_reduced(self.picture, factor))

    @cached_property
    def small_floats(self) -> Floats:
        """The small picture as float32."""
        return self.small.astype(np.float32, copy=False)

    @cached_property
    def lines(self) -> list[Lines]:
        """The rows and the columns of the small picture, together if it is square."""
        return [Lines(values) for values in _stacked(self.small, cv2.transpose(self.small))]

    @cached_property
    def half(self) -> Floats:
        """The small picture reduced by a factor of two, float32 (rows // 2, columns // 2)."""
        if self.small.dtype == np.float32:
            return box_reduced(self.small, 2)
        # The mean of four integers is exact, whatever the order of the additions.
        rows, columns = (side // 2 for side in self.small.shape)
        even = self.small_floats[: 2 * rows, : 2 * columns]
        return cast("Floats", cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA))

    @cached_property
    def half_deviations(self) -> Floats:
        """The reduced picture without its mean."""
        return self.half - np.float32(mean(self.half))

    @cached_property
    def tiles(self) -> Tiles:
        """The small picture cut into tiles."""
        return Tiles(self.small, self.small_floats, self.half)


def _stacked(rows: NDArray[Any], columns: NDArray[Any]) -> list[NDArray[Any]]:
    """Return one array of both if their shapes are equal: half the calls, which cost more than the work."""
    return [np.stack([rows, columns])] if rows.shape == columns.shape else [rows[None], columns[None]]


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
    picture = np.ascontiguousarray(picture)
    across, down = (_is_mirrored(picture, axis) for axis in (0, 1))
    if not (across or down):
        return picture
    both, columns, rows = -1, 1, 0  # OpenCV's codes
    return cast("Picture", cv2.flip(picture, both if across and down else columns if across else rows))


def _is_mirrored(picture: Picture, axis: int) -> bool:
    """Whether, comparing sums over an axis from both ends inwards, the far end is first to be larger."""
    middle = max(0, picture.shape[axis] // 2 - _STRIP)
    inside = slice(middle, picture.shape[axis] - middle)
    is_larger = _far_end_is_larger(line_sums(picture[inside] if axis == 0 else picture[:, inside], axis))
    if is_larger is None:
        is_larger = _far_end_is_larger(picture.sum(axis=axis, dtype=np.int64))
    return bool(is_larger)


def _far_end_is_larger(sums: NDArray[Any]) -> bool | None:
    """Whether the far end is first to be larger; None if the sums are symmetric."""
    differing = np.flatnonzero(sums != sums[::-1])
    if not differing.size:
        return None
    first = differing[0]
    return bool(sums[first] < sums[sums.size - 1 - first])


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
