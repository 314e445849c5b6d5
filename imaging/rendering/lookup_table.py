"""Tables with one entry for every pattern of a pixel's bits."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

_MAX_BYTES = 2  # for up to 16 bits a table of all stored values is small enough
cv2.setNumThreads(1)  # of this process: the pipeline runs one process for each core


def fits_table(frame: NDArray[Any]) -> bool:
    """Whether a frame's values can be looked up: integers of at most 16 bits."""
    return frame.dtype.kind in "iu" and frame.dtype.itemsize <= _MAX_BYTES


def look_up(table: NDArray[Any], indices: NDArray[Any]) -> NDArray[Any]:
    """`table[indices]` by OpenCV: 4 to 7 times as fast as NumPy's `take`.

    Parameters
    ----------
    table
        uint8 or uint16 (entries,), with an entry for each index that occurs.
    indices
        uint8 or uint16 (rows, columns), with at least one pixel.
    """
    missing = (1 << 8 * indices.dtype.itemsize) - len(table)
    complete = np.pad(table, (0, missing)) if missing else table
    return cv2.LUT(indices, complete)
