"""Blanking: parts of decoded frames made black (PS3.15 E.3.1, Clean Pixel Data)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging.dataset.element_value import element_value
from imaging.frames.palette import palette_colours
from imaging.frames.stored_value import stored_value
from imaging.options import Rectangle


@dataclass(frozen=True)
class Blanking:
    """The part of every frame of a file that is made black."""

    description: str  # why, for the recipe text of the picture
    rectangles: tuple[Rectangle, ...]
    is_outside: bool  # blank everything outside the rectangles, else everything inside
    also: tuple[Rectangle, ...] = ()  # blank these as well

    def mask(self, rows: int, columns: int) -> NDArray[np.bool_]:
        """True for pixels to blank, of shape (rows, columns)."""
        mask = np.full((rows, columns), self.is_outside)
        for rectangle in self.rectangles:
            mask[rectangle.place] = not self.is_outside
        for rectangle in self.also:
            mask[rectangle.place] = True
        return mask

    def blanked(self, frame: NDArray[Any], ds: Dataset) -> NDArray[Any]:
        """A copy of a decoded frame with the blanked pixels black; the frame itself if there are none.

        `frame` is an array as `ImageFile.frames` yields it. Black is RGB 0, the darkest colour of
        the palette, or the darkest grey value outside the blanked part. So a picture that is
        stretched to its own range looks as if the blanked part had never been there.
        """
        mask = self.mask(*frame.shape[:2])
        if not mask.any():
            return frame
        out = frame.copy()
        out[mask] = 0 if frame.ndim == 3 else _black(frame, mask, ds)
        return out


def _black(frame: NDArray[Any], mask: NDArray[np.bool_], ds: Dataset) -> Any:
    """The bit pattern in a frame of one sample per pixel that is drawn darkest."""
    photometric = element_value(ds, "PhotometricInterpretation")
    if photometric == "PALETTE COLOR":
        indices = np.arange(1 << min(8 * frame.dtype.itemsize, 16)).astype(frame.dtype)
        return indices[palette_colours(indices, ds).astype(int).sum(axis=1).argmin()]
    unmasked = frame[~mask]
    if unmasked.size == 0:
        return 0
    values = stored_value(ds).values(unmasked) if frame.dtype.kind in "iu" else unmasked
    is_inverted = photometric == "MONOCHROME1"
    return unmasked[values.argmax() if is_inverted else values.argmin()]
