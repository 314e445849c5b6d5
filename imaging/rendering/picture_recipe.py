"""The picture recipe: one decoded frame to one picture (PS3.3 C.7.6.3, C.11.1, C.11.2, C.11.6)."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging.dataset.described_lut import Range
from imaging.dataset.element_value import element_value, tag_of
from imaging.frames.palette import Palette, read_palette
from imaging.frames.stored_value import StoredValue, stored_value
from imaging.options import PictureRules
from imaging.rendering.frame_luts import FrameLuts, frame_luts
from imaging.rendering.grey_levels import Picture, rounded
from imaging.rendering.grey_recipe import GreyRecipe
from imaging.rendering.modality_lut import has_no_other_unit, is_hounsfield
from imaging.rendering.modality_picture import ModalityPicture
from imaging.rendering.value_ranges import padding, segmentation_range
from imaging.rendering.voi_lut import CT_DEFAULT, Window, first_window, has_voi_lut

_PALETTE = tag_of("RedPaletteColorLookupTableDescriptor")
_COLOURED = "colours of the supplemental palette"

# YCbCr of reduced range (ITU-R BT.601): the rows give R, G, B from Y - 16, Cb - 128, Cr - 128.
_PARTIAL_TO_RGB = np.array([[1.1644, 0, 1.596], [1.1644, -0.3918, -0.813], [1.1644, 2.0172, 0]], np.float32)
_PARTIAL_ZERO = np.array([16, 128, 128], np.float32)


@dataclass(frozen=True)
class Drawing:
    """The picture of a frame."""

    picture: Picture | ModalityPicture  # (rows, columns), 0 shown black, or (rows, columns, 3) in RGB
    recipe: str  # text that describes how it was made


@dataclass(frozen=True)
class PictureRecipe:
    """How the frames of a data set become pictures."""

    ds: Dataset
    rules: PictureRules = field(default_factory=PictureRules)

    def draw(self, frame: NDArray[Any], *, index: int) -> Drawing:
        """The picture of one frame.

        Parameters
        ----------
        frame : array of shape (rows, columns) or (rows, columns, 3)
            Values as `ImageFile.frames` yields them: grey values as stored, YBR converted to RGB.
        index : int
            The frame's index, from 0; per-frame functional groups are looked up by it.
        """
        if frame.ndim == 3:
            return self._colour(frame)
        if element_value(self.ds, "PhotometricInterpretation") == "PALETTE COLOR":
            return Drawing(self._palette.colours(self._stored.values(frame)), "palette colour; 8 bit")
        recipe = self._frame_recipe(index) if self._has_per_frame_groups else self._shared_recipe
        picture, text = recipe.draw(frame)
        if self.rules.is_16_bit or not self._is_coloured(index):
            return Drawing(picture, text)
        values = self._stored.values(frame)
        return Drawing(_with_colours(cast("Picture", picture), values, self._palette), f"{text}; {_COLOURED}")

    def _colour(self, frame: NDArray[Any]) -> Drawing:
        is_native = not self.ds.file_meta.TransferSyntaxUID.is_encapsulated
        if is_native and self.ds.PhotometricInterpretation == "YBR_PARTIAL_422":
            rgb = (frame.astype(np.float32) - _PARTIAL_ZERO) @ _PARTIAL_TO_RGB.T
            return Drawing(rounded(rgb), "YBR of reduced range to RGB; 8 bit")
        return Drawing(_to_8_bit(frame, self._stored.bits_stored), "RGB; 8 bit")

    @cached_property
    def _stored(self) -> StoredValue:
        return stored_value(self.ds)

    @cached_property
    def _palette(self) -> Palette:
        return read_palette(self.ds)

    def _is_coloured(self, index: int) -> bool:
        """Whether a supplemental palette applies to a grey frame (C.7.6.19, C.8.16.2.1.1)."""
        if _PALETTE not in self.ds:
            return False
        presentation = _frame_presentation(self.ds, index) or element_value(self.ds, "PixelPresentation")
        return presentation in ("COLOR", "MIXED")

    @property
    def _has_per_frame_groups(self) -> bool:
        return element_value(self.ds, "PerFrameFunctionalGroupsSequence") is not None

    @cached_property
    def _shared_recipe(self) -> GreyRecipe:
        """The recipe of all frames, if none has its own functional groups."""
        return self._frame_recipe(0)

    def _frame_recipe(self, index: int) -> GreyRecipe:
        ds, stored = self.ds, self._stored
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
            value_range=segmentation_range(ds),
            left_out=(*padding(ds), *self._coloured_values(index)),
            is_hounsfield=self._is_hounsfield(luts),
            is_16_bit=self.rules.is_16_bit,
        )

    def _window(self, luts: FrameLuts) -> Window | None:
        """The settings' window; else None for a VOI LUT; else the file's window, or the default for CT."""
        modality = str(element_value(self.ds, "Modality") or "")
        # A window for CT is in Hounsfield units, and tells nothing of a map of iodine in mg/ml.
        if modality in self.rules.windows and (modality != "CT" or has_no_other_unit(luts)):
            return Window(*self.rules.windows[modality], origin=f"by setting for {modality}")
        if has_voi_lut(luts):
            return None
        return first_window(luts) or (CT_DEFAULT if self._is_hounsfield(luts) else None)

    def _is_hounsfield(self, luts: FrameLuts) -> bool:
        return element_value(self.ds, "Modality") == "CT" and is_hounsfield(luts)

    def _coloured_values(self, index: int) -> tuple[Range, ...]:
        return ((self._palette.first, math.inf),) if self._is_coloured(index) else ()


def _frame_presentation(ds: Dataset, index: int) -> str | None:
    """Pixel Presentation in the frame type of a frame (C.8.16.2.1.1), such as that of an MR Image."""
    per_frame = element_value(ds, "PerFrameFunctionalGroupsSequence") or []
    shared = element_value(ds, "SharedFunctionalGroupsSequence") or []
    for group in [*per_frame[index : index + 1], *shared[:1]]:
        for element in group:
            if element.VR == "SQ" and element.keyword.endswith("FrameTypeSequence"):
                for item in element.value:
                    if found := element_value(item, "PixelPresentation"):
                        return str(found)
    return None


def _with_colours(picture: Picture, values: NDArray[Any], palette: Palette) -> Picture:
    """A grey picture in RGB, with the palette's colours where stored values are among its inputs."""
    coloured = np.repeat(picture[..., np.newaxis], 3, axis=-1)
    above = values >= palette.first
    coloured[above] = palette.colours(values[above])
    return coloured


def _to_8_bit(values: NDArray[Any], bits: int) -> Picture:
    """Unsigned values of `bits` bits scaled to 8; 8-bit input comes back unchanged."""
    if bits == 8 and values.dtype == np.uint8:
        return values
    return rounded(values * (255 / ((1 << bits) - 1)))
