"""The recipe of grey pictures: modality LUT, VOI LUT or window, polarity (PS3.3 C.11.1, C.11.2, C.11.6)."""

from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from imaging.dataset.described_lut import Range
from imaging.frames.stored_value import StoredValue
from imaging.rendering.frame_luts import FrameLuts
from imaging.rendering.grey_levels import Picture, stretched
from imaging.rendering.lookup_table import fits_table, look_up
from imaging.rendering.modality_lut import (
    Rescale,
    has_modality_lut,
    modality_description,
    modality_range,
    modality_values,
    rescale,
)
from imaging.rendering.modality_picture import HOUNSFIELD, ModalityPicture, Scale, scale_for
from imaging.rendering.voi_lut import Window, has_voi_lut, voi_lut_greys


@dataclass(frozen=True)
class GreyRecipe:
    """How the stored values of a frame become grey levels."""

    stored: StoredValue
    luts: FrameLuts = field(compare=False)
    window: Window | None  # None: the VOI LUT is used, or the frame's own range
    is_inverted: bool
    value_range: tuple[float, float] | None  # the fixed range of modality values, where it is known
    left_out: tuple[Range, ...]  # stored values that take no part in the frame's own range
    is_hounsfield: bool  # modality values are CT numbers (PS3.3 C.8.2.1)
    is_16_bit: bool  # draw modality values in 16 bits

    def draw(self, frame: NDArray[Any]) -> tuple[Picture | ModalityPicture, str]:
        """The picture of a frame of shape (rows, columns), and the text that describes how it was made."""
        if self.is_16_bit:
            return self._modality_picture(frame)
        if self._uses_voi_lut or self.window is not None:
            picture = self._looked_up(frame)
        else:
            picture = self._own_range(frame)
        voi = "VOI LUT of the file" if self._uses_voi_lut else str(self.window or self._range_description)
        polarity = "; inverted" if self.is_inverted else ""
        return picture, f"{modality_description(self.luts)}{voi}{polarity}; 8 bit{self._remarks}"

    @property
    def _remarks(self) -> str:
        return "".join(f"; {remark}" for remark in self.luts.remarks)

    @property
    def _uses_voi_lut(self) -> bool:
        # A window from the settings replaces the file's VOI LUT.
        return has_voi_lut(self.luts) and self.window is None

    @property
    def _range_description(self) -> str:
        if self.value_range is None:
            return "own range"
        low, high = self.value_range
        return f"range {low:g} to {high:g}"

    def _stored_values(self, frame: NDArray[Any]) -> NDArray[Any]:
        return self.stored.values(frame) if frame.dtype.kind in "iu" else frame

    def _looked_up(self, frame: NDArray[Any]) -> Picture:
        """Through the window or VOI LUT; a table of all stored values gives the same and is faster."""
        if not fits_table(frame):
            return self._greys(modality_values(self._stored_values(frame), self.luts))
        return look_up(self._table(frame.dtype.itemsize), self.stored.bits(frame))

    def _greys(self, values: NDArray[Any]) -> Picture:
        greys = voi_lut_greys(values, self.luts) if self.window is None else self.window.greys(values)
        return self._with_polarity(greys)

    def _with_polarity(self, greys: Picture) -> Picture:
        return 255 - greys if self.is_inverted else greys

    def _table(self, itemsize: int) -> Picture:
        """The grey level of each bit pattern, uint8 of shape (2 ** bits,)."""
        if self.window is not None and not has_modality_lut(self.luts):
            return _window_table(self.stored, itemsize, rescale(self.luts), self.window, self.is_inverted)
        if itemsize not in self._tables:
            values = modality_values(self.stored.every_value(itemsize), self.luts)
            self._tables[itemsize] = self._greys(values)
        return self._tables[itemsize]

    @cached_property
    def _tables(self) -> dict[int, Picture]:
        return {}

    def _own_range(self, frame: NDArray[Any]) -> Picture:
        """From the least value of the frame to the greatest, without padding."""
        if not fits_table(frame):
            values = self._stored_values(frame)
            unpadded = modality_values(self._unpadded(values), self.luts)
            return self._stretched(modality_values(values, self.luts), unpadded)
        values = self.stored.values(frame)
        unpadded = self._unpadded(values)
        # A table of the values from the least to the greatest is enough. As unsigned integers,
        # differences from the least value are indices into it, whatever the sign of the values.
        least, greatest = int(values.min()), int(values.max())
        every = np.arange(least, greatest + 1)
        # A LUT may map a value in the middle to the least or the greatest.
        has_lut = has_modality_lut(self.luts)
        ends = unpadded if has_lut else np.array([unpadded.min(), unpadded.max()]).astype(np.int64)
        table = self._stretched(modality_values(every, self.luts), modality_values(ends, self.luts))
        bits = values.view(f"u{values.dtype.itemsize}")
        return look_up(table, bits - np.array(least).astype(bits.dtype))

    def _unpadded(self, values: NDArray[Any]) -> NDArray[Any]:
        """The values that are not left out, as padding is (PS3.3 C.7.5.1.1.2); all if none remain."""
        unpadded = values
        for low, high in self.left_out:
            unpadded = unpadded[(unpadded < low) | (unpadded > high)]
        return unpadded if unpadded.size else values

    def _stretched(self, values: NDArray[Any], unpadded: NDArray[Any]) -> Picture:
        low, high = self.value_range or _finite_range(unpadded)
        return self._with_polarity(stretched(values, low, high))

    def _modality_picture(self, frame: NDArray[Any]) -> tuple[ModalityPicture, str]:
        """Modality values in 16 bits, neither windowed nor inverted."""
        scale = self._scale(frame)
        if fits_table(frame):
            every = self.stored.every_value(frame.dtype.itemsize)
            picture = look_up(scale.pixels(modality_values(every, self.luts)), self.stored.bits(frame))
        else:
            picture = scale.pixels(modality_values(self._stored_values(frame), self.luts))
        polarity = "; to be shown inverted" if self.is_inverted else ""
        return picture, f"{modality_description(self.luts)}{scale}{polarity}{self._remarks}"

    def _scale(self, frame: NDArray[Any]) -> Scale:
        if frame.dtype.kind not in "iu":
            low, high = _finite_range(modality_values(self._unpadded(frame), self.luts))
            return Scale((high - low) / 65_535 if high > low else 1.0, low)
        if self.is_hounsfield:
            return HOUNSFIELD
        if has_modality_lut(self.luts):
            return scale_for(0, 65_535, slope=1)
        slope, _ = rescale(self.luts)
        return scale_for(*modality_range(self.luts), slope=slope)


@lru_cache(maxsize=64)
def _window_table(
    stored: StoredValue, itemsize: int, rescale: Rescale, window: Window, is_inverted: bool
) -> Picture:
    """The window's table. It is cached for other frames of the same device, at most 64 KiB each."""
    slope, intercept = rescale
    greys = window.greys(stored.every_value(itemsize) * slope + intercept)
    return 255 - greys if is_inverted else greys


def _finite_range(values: NDArray[Any]) -> tuple[float, float]:
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
