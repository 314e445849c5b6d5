"""The 8-bit views of a frame in which text is searched: what the PNG shows, and what the DICOM file has."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging.frames.stored_value import stored_value

View = NDArray[np.uint8]
_BLACK, _WHITE = 0, 255
_BELOW, _WITHIN, _ABOVE = (0, 112), 128, (144, 255)  # grey levels of the hidden view
_FEWEST_HIDDEN = 64  # pixels: fewer show no word
_MIDDLE = (2, 98)  # per cent of the values that a window would show


def searched_views(picture: NDArray[Any], frame: NDArray[Any], ds: Dataset) -> Iterator[View]:
    """The views of one frame: its picture, and what the picture hides of a grey frame.

    A window makes everything outside it black or white, so text there is not in the PNG. The
    de-identified DICOM file keeps its values, and another window shows it. So in a second view all
    values within the window are one grey level, those below it are stretched to the darker ones, and
    those above it to the brighter ones. A picture of 16 bits shows all values; it is searched in its
    complete range and, as a window would show it, in the middle of it.

    Parameters
    ----------
    picture : array of shape (rows, columns) or (rows, columns, 3)
        The drawn picture, of 8 or 16 bits.
    frame : array of shape (rows, columns) or (rows, columns, 3)
        The decoded frame as `ImageFile.frames` yields it.
    """
    if picture.dtype != np.uint8:
        values = _comparable(picture)
        yield _scaled(values, values.min(), values.max())
        yield _scaled(values, *np.percentile(values, _MIDDLE))
        return
    yield picture
    if frame.ndim == 2 and picture.ndim == 2 and ds.get("PhotometricInterpretation") != "PALETTE COLOR":
        is_stored = frame.dtype.kind in "iu"
        yield from _hidden(picture, _comparable(stored_value(ds).values(frame) if is_stored else frame))


def _hidden(picture: View, values: NDArray[Any]) -> Iterator[View]:
    """What is black or white in the picture with different values, if there is any."""
    view: View = np.full(picture.shape, _WITHIN, np.uint8)
    has_any = False
    for grey, (darkest, brightest) in ((_BLACK, _BELOW), (_WHITE, _ABOVE)):
        mask = (picture == grey).view(np.uint8)
        if cv2.countNonZero(mask) < _FEWEST_HIDDEN:
            continue
        low, high, _, _ = cv2.minMaxLoc(values, mask)
        if low == high:
            view[mask > 0] = darkest if grey == _BLACK else brightest
        else:
            has_any = True
            cv2.normalize(values, view, darkest, brightest, cv2.NORM_MINMAX, cv2.CV_8U, mask)
    if has_any:
        yield view


def _comparable(values: NDArray[Any]) -> NDArray[Any]:
    """Finite values of a type that OpenCV takes."""
    if values.dtype.kind == "f":
        return np.nan_to_num(values.astype(np.float32), posinf=0, neginf=0)
    return np.ascontiguousarray(values.astype(np.float32) if values.dtype.itemsize > 2 else values)


def _scaled(values: NDArray[Any], low: float, high: float) -> View:
    """Values from `low` to `high` as 0 to 255."""
    scale = 255 / max(float(high) - float(low), 1e-6)
    clipped = np.clip(values, low, high).astype(np.float32) - np.float32(low)
    view: View = np.rint(clipped * np.float32(scale)).astype(np.uint8)
    return view
