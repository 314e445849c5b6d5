"""The picture recipe: one decoded frame to one picture (PS3.3 C.7.6.3, C.11.1, C.11.2, C.11.6)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from imaging.dataset.element_value import element_value
from imaging.frames.palette import palette_bits, palette_colours
from imaging.frames.stored_value import stored_value
from imaging.rendering.grey_recipe import GreyRecipe
from imaging.rendering.modality_picture import DeepPicture
from imaging.rendering.voi_lut import CT_DEFAULT, Luts, Picture, Window, first_window, rounded

RECIPE_VERSION = 3

_LUT_GROUPS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
_LUT_TAGS = {
    keyword: Tag(keyword)
    for keyword in """ModalityLUTSequence RescaleSlope RescaleIntercept VOILUTSequence VOILUTFunction
    WindowCenter WindowWidth""".split()
}
# YCbCr of reduced range (ITU-R BT.601): rows give R, G, B of Y - 16, Cb - 128, Cr - 128.
_FROM_PARTIAL = np.array([[1.1644, 0, 1.596], [1.1644, -0.3918, -0.813], [1.1644, 2.0172, 0]], np.float32)
_PARTIAL_ZERO = np.array([16, 128, 128], np.float32)


@dataclass(frozen=True)
class PictureRules:
    """What the settings say of pictures."""

    is_deep: bool = False  # grey pictures of 16 bits with the modality values, instead of 8
    windows: Mapping[str, tuple[float, float]] = field(default_factory=dict)  # by modality


@dataclass(frozen=True)
class Drawing:
    """A frame's picture."""

    picture: Picture | DeepPicture  # (rows, columns), 0 shown black, or (rows, columns, 3) in RGB
    recipe: str  # how it was made, in words


@dataclass(frozen=True)
class PictureRecipe:
    """How the frames of a data set become pictures."""

    ds: Dataset
    rules: PictureRules = PictureRules()

    def draw(self, frame: NDArray[Any], *, index: int) -> Drawing:
        """One frame as a picture.

        Parameters
        ----------
        frame : array of shape (rows, columns) or (rows, columns, 3)
            Values as `ImageFile.frames` gives them: grey ones as stored, YBR already as RGB.
        index : int
            Which frame it is, from 0; per-frame functional groups are looked up by it.
        """
        ds = self.ds
        if element_value(ds, "PhotometricInterpretation") == "PALETTE COLOR":
            colours = palette_colours(stored_value(ds).values(frame), ds)
            return Drawing(_to_8_bit(colours, palette_bits(ds)), "palette colour; 8 bit")
        if frame.ndim == 3:
            return self._colour(frame)
        recipe = self._of_frame(index) if self._differs_by_frame else self._of_all
        return Drawing(*recipe.draw(frame))

    def _colour(self, frame: NDArray[Any]) -> Drawing:
        is_native = not self.ds.file_meta.TransferSyntaxUID.is_encapsulated
        if is_native and self.ds.PhotometricInterpretation == "YBR_PARTIAL_422":
            rgb = (frame.astype(np.float32) - _PARTIAL_ZERO) @ _FROM_PARTIAL.T
            return Drawing(rounded(rgb), "YBR of reduced range to RGB; 8 bit")
        return Drawing(_to_8_bit(frame, int(self.ds.BitsStored)), "RGB; 8 bit")

    @property
    def _differs_by_frame(self) -> bool:
        return element_value(self.ds, "PerFrameFunctionalGroupsSequence") is not None

    @cached_property
    def _of_all(self) -> GreyRecipe:
        return self._of_frame(0)

    def _of_frame(self, index: int) -> GreyRecipe:
        ds, luts = self.ds, frame_luts(self.ds, index)
        is_inverted = (
            element_value(ds, "PhotometricInterpretation") == "MONOCHROME1"
            or element_value(ds, "PresentationLUTShape") == "INVERSE"
        )
        return GreyRecipe(
            stored=stored_value(ds),
            ds=ds,
            luts=luts,
            window=self._window(luts),
            is_inverted=is_inverted,
            extent=_segment_extent(ds),
            padding=_padding(ds),
            is_hounsfield=self._is_hounsfield(luts),
            is_deep=self.rules.is_deep,
        )

    def _window(self, luts: Luts) -> Window | None:
        """By setting; else the file's VOI LUT or window; else the default, for CT."""
        modality = str(element_value(self.ds, "Modality") or "")
        if modality in self.rules.windows:
            return Window(*self.rules.windows[modality], origin=f"by setting for {modality}")
        if luts.get("VOILUTSequence"):
            return None
        return first_window(luts) or (CT_DEFAULT if self._is_hounsfield(luts) else None)

    def _is_hounsfield(self, luts: Luts) -> bool:
        return element_value(self.ds, "Modality") == "CT" and "RescaleIntercept" in luts


def frame_luts(ds: Dataset, index: int) -> Luts:
    """The look-up attributes that hold for one frame, functional groups first (PS3.3 C.7.6.16)."""
    luts: Luts = {}
    for source in (ds, *_functional_groups(ds, index)):
        for keyword, tag in _LUT_TAGS.items():
            if tag in source:
                value = source[tag].value
                if value not in (None, ""):
                    luts[keyword] = value
    return luts


def _functional_groups(ds: Dataset, index: int) -> Iterator[Dataset]:
    """The items that describe the frame's values: shared groups, then the frame's own."""
    shared = element_value(ds, "SharedFunctionalGroupsSequence") or []
    per_frame = element_value(ds, "PerFrameFunctionalGroupsSequence") or []
    for group in [*shared[:1], *per_frame[index : index + 1]]:
        for keyword in _LUT_GROUPS:
            yield from group.get(keyword) or []


def _segment_extent(ds: Dataset) -> tuple[float, float] | None:
    """The range of a segmentation's values, the same in all frames (PS3.3 C.8.20.2)."""
    if element_value(ds, "SegmentationType") == "FRACTIONAL":
        return 0, float(ds.get("MaximumFractionalValue") or 255)
    return (0, 1) if element_value(ds, "BitsStored") == 1 else None


def _padding(ds: Dataset) -> tuple[int, int] | None:
    """Least and greatest stored value of padding pixels (PS3.3 C.7.5.1.1.2)."""
    value = element_value(ds, "PixelPaddingValue")
    if not isinstance(value, int):
        return None
    limit = element_value(ds, "PixelPaddingRangeLimit")
    ends = [value, limit if isinstance(limit, int) else value]
    if element_value(ds, "PixelRepresentation") == 1:  # often written with VR US all the same
        ends = [end - 65_536 if end > 32_767 else end for end in ends]
    return min(ends), max(ends)


def _to_8_bit(values: NDArray[Any], bits: int) -> Picture:
    """Unsigned values of `bits` bits scaled to 8; 8-bit input comes back unchanged."""
    if bits == 8 and values.dtype == np.uint8:
        return values
    return rounded(values * (255 / ((1 << bits) - 1)))
