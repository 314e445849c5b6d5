"""Random images of one sample per pixel that follow the standard, and what they show.

PS3.5 8.1.1 (bits), PS3.3 C.7.6.3 (Image Pixel), C.7.6.3.1.5 and C.7.6.23 (palettes), C.7.6.16 (groups).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from tests.unit.imaging.rendering.generated import rendering
from tests.unit.imaging.rendering.generated.levels import Levels, Rescale, Windows, levels, place
from tests.unit.imaging.rendering.generated.look_up_table import (
    Draw,
    Table,
    add_palette,
    colours_of,
    palettes,
    tables,
)

SLOPES = (0.5, 1.0, 2.0, 0.001, -1.0)
INTERCEPTS = (0.0, -1024.0, 7.5)
NOTHING = Levels()


@dataclass(frozen=True, eq=False)
class GreyImage:
    """A random image: its description, its stored values and the transforms of each frame."""

    allocated: int
    stored: int
    high: int
    is_signed: bool
    photometric: str
    values: np.ndarray  # the stored values, of shape (frames, rows, columns)
    noise: int  # the seed of the bits beside the stored ones
    kind: str = "MR"  # the Modality
    shape: str | None = None  # the Presentation LUT Shape
    modality: Levels = NOTHING
    voi: Levels = NOTHING
    padding: tuple[int, ...] = ()  # nothing, Pixel Padding Value, or it and Pixel Padding Range Limit
    palette: tuple[Table, Table, Table] | None = None  # supplemental in an image that isn't PALETTE COLOR

    @property
    def frames(self) -> int:
        return len(self.values)

    @property
    def is_bare(self) -> bool:
        """Whether the values lie in the lowest bits, as nothing else may since 2013 (PS3.5 8.1.1)."""
        return self.high == self.stored - 1

    def masked(self) -> np.ndarray:
        """The stored bits alone, as unsigned integers."""
        dtype = f"u{max(self.allocated, 8) // 8}"
        return (self.values & ((1 << self.stored) - 1)).astype(dtype)

    def words(self) -> np.ndarray:
        """The allocated bits, with random ones beside the stored bits."""
        words, shift = self.masked(), self.high + 1 - self.stored
        beside = ~(((1 << self.stored) - 1) << shift) & ((1 << self.allocated) - 1)
        random = np.random.default_rng(self.noise).integers(0, 1 << self.allocated, words.shape) & beside
        return (words.astype(np.int64) << shift | random).astype(words.dtype)

    def dataset(self, order: str) -> Dataset:
        """The data set without pixels, its tables in a byte order."""
        ds = Dataset()
        ds.Modality, ds.PhotometricInterpretation, ds.SamplesPerPixel = self.kind, self.photometric, 1
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = self.allocated, self.stored, self.high
        ds.PixelRepresentation = int(self.is_signed)
        if self.shape is not None:
            ds.PresentationLUTShape = self.shape
        for keyword, value in zip(
            ("PixelPaddingValue", "PixelPaddingRangeLimit"), self.padding, strict=False
        ):
            ds.add_new(keyword, "SS" if self.is_signed else "US", value)
        if self.palette is not None:
            add_palette(ds, self.palette, order)
            if self.photometric != "PALETTE COLOR":
                ds.PixelPresentation = "COLOR"
        for chosen, sequence, table in (
            (self.modality, "PixelValueTransformationSequence", "ModalityLUTSequence"),
            (self.voi, "FrameVOILUTSequence", "VOILUTSequence"),
        ):
            place(ds, chosen, sequence, table, order, frames=self.frames)
        return ds

    def expected(self, index: int) -> np.ndarray:
        """The picture of a frame, from 0 to 255 and not rounded."""
        stored = self.values[index]
        if self.photometric == "PALETTE COLOR" and self.palette is not None:
            return colours_of(self.palette, stored)
        is_coloured = (
            np.zeros(stored.shape, bool) if self.palette is None else stored >= self.palette[0].first
        )
        transform, voi = self.modality.of(index), self.voi.of(index)
        if voi is None and self.kind == "CT" and isinstance(transform, Rescale):
            voi = rendering.SOFT_TISSUE if transform.kind in (None, "HU") else None
        left_out = is_coloured
        if self.padding:
            left_out = left_out | (stored >= min(self.padding)) & (stored <= max(self.padding))
        values = rendering.modality(stored, transform)
        inside = values[~left_out] if not left_out.all() else values
        if self.stored == 1:
            inside = np.array([0, 1])  # both values can be meant, whichever a frame has
        picture = rendering.greys(values, voi, inside)
        if self.photometric == "MONOCHROME1" or self.shape == "INVERSE":
            picture = 255 - picture
        if self.palette is None:
            return picture
        colours = colours_of(self.palette, stored)
        return np.where(is_coloured[..., None], colours, picture[..., None])


def value_range(stored: int, *, is_signed: bool) -> tuple[int, int]:
    """The least and the greatest value of the stored bits."""
    low = -(1 << (stored - 1)) if is_signed else 0
    return low, low + (1 << stored) - 1


@st.composite
def grey_images(draw: Draw) -> GreyImage:
    """An image of 8, 16 or 32 bits allocated."""
    allocated = draw(st.sampled_from([8, 8, 16, 16, 16, 32]))
    stored = draw(st.integers(2, allocated))
    is_bare = draw(st.booleans())
    high = stored - 1 if is_bare else draw(st.integers(stored - 1, allocated - 1))
    has_tables = stored <= 16
    photometrics = ["MONOCHROME1", "MONOCHROME2", "MONOCHROME2"] + ["PALETTE COLOR"] * has_tables
    photometric = draw(st.sampled_from(photometrics))
    low, top = value_range(stored, is_signed=(is_signed := draw(st.booleans())))
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    frames, shape = draw(st.integers(1, 3)), draw(st.sampled_from([(12, 10), (11, 9)]))
    values = random.integers(low, top + 1, (frames, *shape))
    image = {"allocated": allocated, "stored": stored, "high": high, "is_signed": is_signed}
    image |= {"photometric": photometric, "values": values, "noise": draw(st.integers(0, 1 << 30))}
    if photometric == "PALETTE COLOR":
        return GreyImage(**image, palette=draw(palettes(low, top)))
    rescales = st.builds(
        Rescale,
        st.sampled_from(SLOPES),
        st.sampled_from(INTERCEPTS),
        st.sampled_from([None, "HU", "US", "mg/ml"]),
    )
    one = st.one_of(rescales, tables(low, top)) if has_tables else rescales
    modality = draw(levels(one, frames))
    paddings = st.lists(st.sampled_from(values.ravel().tolist()), max_size=2).map(tuple)
    is_coloured = has_tables and photometric == "MONOCHROME2" and draw(st.integers(0, 9)) == 0
    return GreyImage(
        **image,
        kind=draw(st.sampled_from(["MR", "CT"])),
        shape=draw(st.sampled_from([None, "IDENTITY", "INVERSE"])),
        modality=modality,
        voi=draw(levels(_voi(modality, low, top, frames), frames)),
        padding=draw(paddings) if stored <= 16 else (),
        palette=draw(palettes(low, top)) if is_coloured else None,
    )


def _voi(modality: Levels, low: int, high: int, frames: int) -> st.SearchStrategy[Any]:
    """Windows; or tables as well, where the inputs of all frames are the same integers of 16 bits."""
    transforms = [modality.of(index) for index in range(frames)]
    ends = [_outputs(one, low, high) for one in transforms]
    least, most = min(end[0] for end in ends), max(end[1] for end in ends)
    windows, one = _windows(least, most), transforms[0]
    is_whole = not isinstance(one, Rescale) or (one.slope in (1, 2, -1) and one.intercept % 1 == 0)
    is_same = all(other is one for other in transforms)
    if not is_same or not is_whole or not -32768 <= least or most > (65535 if least >= 0 else 32767):
        return windows
    return st.one_of(windows, tables(int(least), int(most), sizes=(8, 10, 12, 16)))


def _outputs(transform: Any, low: int, high: int) -> tuple[float, float]:
    if isinstance(transform, Table):
        return int(transform.entries.min()), int(transform.entries.max())
    ends = rendering.modality(np.array([low, high]), transform).tolist()
    return min(ends), max(ends)


@st.composite
def _windows(draw: Draw, low: float, high: float) -> Windows:
    function = draw(st.sampled_from([None, "LINEAR", "LINEAR_EXACT", "SIGMOID"]))
    least = 1.0 if function in (None, "LINEAR") else 0.25
    centers = st.floats(low, max(high, low + 1)).map(lambda value: round(value, 2))
    widths = st.floats(least, max(high - low, 2)).map(lambda value: max(round(value, 2), least))
    number = draw(st.sampled_from([1, 1, 1, 2, 3]))
    pairs = [(draw(centers), draw(widths)) for _ in range(number)]
    return Windows(tuple(one for one, _ in pairs), tuple(one for _, one in pairs), function)


@st.composite
def single_bit_images(draw: Draw) -> GreyImage:
    """An image of one bit allocated, whose frames may begin within a byte."""
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    shape = (draw(st.integers(1, 4)), *draw(st.sampled_from([(12, 10), (11, 9), (3, 3)])))
    photometric = draw(st.sampled_from(["MONOCHROME1", "MONOCHROME2"]))
    return GreyImage(1, 1, 0, False, photometric, random.integers(0, 2, shape), 0)
