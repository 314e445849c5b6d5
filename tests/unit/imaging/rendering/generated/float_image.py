"""Random floating point images that follow the standard, and what they show (PS3.3 C.7.6.24, C.7.6.25)."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from tests.unit.imaging.rendering.generated import rendering
from tests.unit.imaging.rendering.generated.levels import Levels, Rescale, Windows, levels, place
from tests.unit.imaging.rendering.generated.look_up_table import Draw


@dataclass(frozen=True, eq=False)
class FloatImage:
    """A random image of Float or Double Float Pixel Data."""

    kind: str  # "FloatPixel" or "DoubleFloatPixel"
    values: np.ndarray  # float32 or float64 of shape (frames, rows, columns)
    padding: tuple[float, ...]
    modality: Levels
    voi: Levels

    @property
    def allocated(self) -> int:
        return 8 * self.values.dtype.itemsize

    @property
    def frames(self) -> int:
        return len(self.values)

    def dataset(self, order: str) -> Dataset:
        ds = Dataset()
        ds.Modality, ds.PhotometricInterpretation, ds.SamplesPerPixel = "MR", "MONOCHROME2", 1
        ds.BitsAllocated = self.allocated
        for end, value in zip(("PaddingValue", "PaddingRangeLimit"), self.padding, strict=False):
            setattr(ds, f"{self.kind}{end}", value)
        for chosen, sequence in (
            (self.modality, "PixelValueTransformationSequence"),
            (self.voi, "FrameVOILUTSequence"),
        ):
            place(ds, chosen, sequence, "", order, frames=self.frames)
        return ds

    def expected(self, index: int) -> np.ndarray:
        """The picture of a frame, from 0 to 255 and not rounded."""
        stored, transform = self.values[index].astype(float), self.modality.of(index)
        left_out = np.zeros(stored.shape, bool)
        if self.padding:
            left_out = (stored >= min(self.padding)) & (stored <= max(self.padding))
        values = rendering.modality(stored, transform)
        inside = values[~left_out] if not left_out.all() else values
        return rendering.greys(values, self.voi.of(index), inside)


@st.composite
def float_images(draw: Draw) -> FloatImage:
    """An image of 32 or 64 bits, some with padding far outside of the other values."""
    kind, dtype = draw(st.sampled_from([("FloatPixel", "f4"), ("DoubleFloatPixel", "f8")]))
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    scale = draw(st.sampled_from([1e-3, 1.0, 1e6]))
    frames = draw(st.integers(1, 3))
    values = (random.normal(size=(frames, 11, 9)) * scale).astype(dtype)
    padding: tuple[float, ...] = ()
    if draw(st.booleans()):
        ends = (np.array([-9, -7]) * scale * 10).astype(dtype).tolist()
        padding = tuple(ends[:: draw(st.sampled_from([1, -1]))][: draw(st.integers(1, 2))])
        values[:, :2] = padding[0]
        values[:, 2] = padding[-1]
    rescales = st.builds(Rescale, st.sampled_from([0.5, 2.0]), st.sampled_from([0.0, -1024.0]))
    windows = st.builds(
        Windows,
        st.just((round(scale / 2, 6),)),
        st.just((round(scale, 6),)),
        st.sampled_from(["LINEAR_EXACT", "SIGMOID"]),
    )
    return FloatImage(kind, values, padding, draw(levels(rescales, frames)), draw(levels(windows, frames)))
