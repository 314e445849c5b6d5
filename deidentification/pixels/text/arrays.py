"""OpenCV's operations on whole arrays, with types."""

from typing import TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
AnyArray = TypeVar("AnyArray", bound=NDArray[np.uint8] | NDArray[np.float32])

_SQUARE = np.ones((3, 3), np.uint8)


def grown(cells: Mask) -> Mask:
    """Every place that is marked or has a marked neighbour, of eight."""
    return cast("Bytes", cv2.dilate(cells.view(np.uint8), _SQUARE)).view(np.bool_)


def gradient(grey: Bytes) -> Bytes:
    """For each pixel the difference between the largest and the smallest of the 3 x 3 pixels around it."""
    return cast("Bytes", cv2.morphologyEx(grey, cv2.MORPH_GRADIENT, _SQUARE))


def mean_of(values: AnyArray, columns: int, rows: int) -> AnyArray:
    """For each place the mean of the `rows` x `columns` places around it; the edge's values go on outside."""
    return cast("AnyArray", cv2.blur(values, (columns, rows), borderType=cv2.BORDER_REPLICATE))


def padded(picture: Bytes, below: int, right: int) -> Bytes:
    """The picture (rows, columns) with the last row and column repeated."""
    if not below and not right:
        return picture
    return cast("Bytes", cv2.copyMakeBorder(picture, 0, below, 0, right, cv2.BORDER_REPLICATE))


def resized(picture: Bytes, rows: int, columns: int, how: int = cv2.INTER_AREA) -> Bytes:
    """The picture (rows, columns[, 3]) with another number of rows and columns."""
    return cast("Bytes", cv2.resize(picture, (columns, rows), interpolation=how))
