"""Parts of a picture made black before anything is made of it (PS3.15 E.3.1, Clean Pixel Data)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging.dataset.element_value import element_value
from imaging.frames.palette import palette_colours
from imaging.frames.stored_value import stored_value


@dataclass(frozen=True)
class Rectangle:
    """Pixels of a frame; the first column and the first row are 0."""

    left: int
    top: int
    width: int
    height: int

    def of(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The part of a mask that it covers, as a view."""
        return mask[self.top : self.top + self.height, self.left : self.left + self.width]


@dataclass(frozen=True)
class Blanking:
    """What of every frame of a file is made black: all but some rectangles, or some rectangles."""

    words: str  # how it came about, for the picture's recipe
    rectangles: tuple[Rectangle, ...]
    keeps: bool  # the rectangles stay, and all around them goes

    def mask(self, rows: int, columns: int) -> NDArray[np.bool_]:
        """True where pixels go, of shape (rows, columns)."""
        mask = np.full((rows, columns), self.keeps)
        for rectangle in self.rectangles:
            rectangle.of(mask)[:] = not self.keeps
        return mask

    def blanked(self, frame: NDArray[Any], ds: Dataset) -> NDArray[Any]:
        """A decoded frame as `ImageFile.frames` gives it, with black for what goes.

        Black is RGB 0, the darkest colour of a palette, or the darkest grey of what stays: so a
        picture of its own range is drawn as if nothing else had been there.
        """
        mask = self.mask(*frame.shape[:2])
        if not mask.any():
            return frame
        out = frame.copy()
        out[mask] = 0 if frame.ndim == 3 else _black(frame, mask, ds)
        return out


def _black(frame: NDArray[Any], mask: NDArray[np.bool_], ds: Dataset) -> Any:
    """The stored pattern of bits that is drawn darkest."""
    photometric = element_value(ds, "PhotometricInterpretation")
    if photometric == "PALETTE COLOR":
        indices = np.arange(1 << min(8 * frame.dtype.itemsize, 16)).astype(frame.dtype)
        return indices[palette_colours(indices, ds).astype(int).sum(axis=1).argmin()]
    kept = frame[~mask]
    if kept.size == 0:
        return 0
    values = stored_value(ds).values(kept) if frame.dtype.kind in "iu" else kept
    is_inverted = photometric == "MONOCHROME1"
    return kept[values.argmax() if is_inverted else values.argmin()]
