"""The picture recipe: one decoded frame to one picture (PS3.3 C.7.6.3, C.11.1, C.11.2, C.11.6)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging.dataset.element_value import element_value
from imaging.frames.palette import palette_bits, palette_colours
from imaging.frames.stored_value import stored_value
from imaging.rendering.frame_luts import FrameLuts, frame_luts
from imaging.rendering.grey_recipe import GreyRecipe
from imaging.rendering.modality_picture import ModalityPicture
from imaging.rendering.voi_lut import CT_DEFAULT, Picture, Window, first_window, has_voi_lut, rounded

RECIPE_VERSION = 3

# YCbCr of reduced range (ITU-R BT.601): the rows give R, G, B from Y - 16, Cb - 128, Cr - 128.
_PARTIAL_TO_RGB = np.array([[1.1644, 0, 1.596], [1.1644, -0.3918, -0.813], [1.1644, 2.0172, 0]], np.float32)
_PARTIAL_ZERO = np.array([16, 128, 128], np.float32)


@dataclass(frozen=True)
class PictureRules:
    """Settings for drawing pictures."""

    is_16_bit: bool = False  # grey pictures hold modality values in 16 bits, else grey levels in 8
    windows: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # center, width by modality


@dataclass(frozen=True)
class Drawing:
    """The picture of a frame."""

    picture: Picture | ModalityPicture  # (rows, columns), 0 shown black, or (rows, columns, 3) in RGB
    recipe: str  # text that describes how it was made


@dataclass(frozen=True)
class PictureRecipe:
    """How the frames of a data set become pictures."""

    ds: Dataset
    rules: PictureRules = PictureRules()

    def draw(self, frame: NDArray[Any], *, index: int) -> Drawing:
        """The picture of one frame.

        Parameters
        ----------
        frame : array of shape (rows, columns) or (rows, columns, 3)
            Values as `ImageFile.frames` yields them: grey values as stored, YBR converted to RGB.
        index : int
            The frame's index, from 0; per-frame functional groups are looked up by it.
        """
        ds = self.ds
        if element_value(ds, "PhotometricInterpretation") == "PALETTE COLOR":
            colours = palette_colours(stored_value(ds).values(frame), ds)
            return Drawing(_to_8_bit(colours, palette_bits(ds)), "palette colour; 8 bit")
        if frame.ndim == 3:
            return self._colour(frame)
        recipe = self._frame_recipe(index) if self._has_per_frame_groups else self._shared_recipe
        return Drawing(*recipe.draw(frame))

    def _colour(self, frame: NDArray[Any]) -> Drawing:
        is_native = not self.ds.file_meta.TransferSyntaxUID.is_encapsulated
        if is_native and self.ds.PhotometricInterpretation == "YBR_PARTIAL_422":
            rgb = (frame.astype(np.float32) - _PARTIAL_ZERO) @ _PARTIAL_TO_RGB.T
            return Drawing(rounded(rgb), "YBR of reduced range to RGB; 8 bit")
        return Drawing(_to_8_bit(frame, int(self.ds.BitsStored)), "RGB; 8 bit")

    @property
    def _has_per_frame_groups(self) -> bool:
        return element_value(self.ds, "PerFrameFunctionalGroupsSequence") is not None

    @cached_property
    def _shared_recipe(self) -> GreyRecipe:
        """The recipe of all frames, if none has its own functional groups."""
        return self._frame_recipe(0)

    def _frame_recipe(self, index: int) -> GreyRecipe:
        ds, stored = self.ds, stored_value(self.ds)
        luts = frame_luts(ds, stored, index)
        is_inverted = (
            element_value(ds, "PhotometricInterpretation") == "MONOCHROME1"
            or element_value(ds, "PresentationLUTShape") == "INVERSE"
        )
        return GreyRecipe(
            stored=stored,
            luts=luts,
            window=self._window(luts),
            is_inverted=is_inverted,
            value_range=_segmentation_range(ds),
            padding=_padding(ds),
            is_hounsfield=self._is_hounsfield(luts),
            is_16_bit=self.rules.is_16_bit,
        )

    def _window(self, luts: FrameLuts) -> Window | None:
        """The settings' window; else None for a VOI LUT; else the file's window, or the default for CT."""
        modality = str(element_value(self.ds, "Modality") or "")
        if modality in self.rules.windows:
            return Window(*self.rules.windows[modality], origin=f"by setting for {modality}")
        if has_voi_lut(luts):
            return None
        return first_window(luts) or (CT_DEFAULT if self._is_hounsfield(luts) else None)

    def _is_hounsfield(self, luts: FrameLuts) -> bool:
        return element_value(self.ds, "Modality") == "CT" and "RescaleIntercept" in luts.attributes


def _segmentation_range(ds: Dataset) -> tuple[float, float] | None:
    """The range of a segmentation's values, the same in all frames (PS3.3 C.8.20.2)."""
    if element_value(ds, "SegmentationType") == "FRACTIONAL":
        return 0, float(ds.get("MaximumFractionalValue") or 255)
    return (0, 1) if element_value(ds, "BitsStored") == 1 else None


def _padding(ds: Dataset) -> tuple[int, int] | None:
    """The least and the greatest stored value of padding pixels (PS3.3 C.7.5.1.1.2)."""
    value = element_value(ds, "PixelPaddingValue")
    if not isinstance(value, int):
        return None
    limit = element_value(ds, "PixelPaddingRangeLimit")
    ends = [value, limit if isinstance(limit, int) else value]
    if element_value(ds, "PixelRepresentation") == 1:  # many files write it with VR US nevertheless
        ends = [end - 65_536 if end > 32_767 else end for end in ends]
    return min(ends), max(ends)


def _to_8_bit(values: NDArray[Any], bits: int) -> Picture:
    """Unsigned values of `bits` bits scaled to 8; 8-bit input comes back unchanged."""
    if bits == 8 and values.dtype == np.uint8:
        return values
    return rounded(values * (255 / ((1 << bits) - 1)))
