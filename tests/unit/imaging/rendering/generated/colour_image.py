"""Random colour images that follow the standard, and what they show (PS3.3 C.7.6.3.1.2, C.7.6.3.1.3)."""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from tests.unit.imaging.rendering.generated.look_up_table import Draw

# C.7.6.3.1.2: Y, Cb and Cr of R, G and B; half of the range is added to both colour differences.
TO_YBR = np.array([[0.2990, 0.5870, 0.1140], [-0.1687, -0.3313, 0.5000], [0.5000, -0.4187, -0.0813]])
MIDDLE = np.array([0, 128, 128])


@dataclass(frozen=True, eq=False)
class ColourImage:
    """A random image of three samples per pixel."""

    allocated: int
    stored: int
    photometric: str
    planar: int
    values: np.ndarray  # stored values, of shape (frames, rows, columns, 3), as the photometric says

    @property
    def frames(self) -> int:
        return len(self.values)

    @property
    def is_bare(self) -> bool:
        return True

    def masked(self) -> np.ndarray:
        return self.values.astype(f"u{self.allocated // 8}")

    words = masked

    def native(self) -> np.ndarray:
        """The samples of all frames as native pixel data has them."""
        values = self.masked()
        if self.photometric == "YBR_FULL_422":
            # Two Y, then the Cb and Cr that both pixels share.
            pairs = values.reshape(-1, 2, 3)
            return np.stack([pairs[:, 0, 0], pairs[:, 1, 0], pairs[:, 0, 1], pairs[:, 0, 2]], axis=-1)
        return values.transpose(0, 3, 1, 2) if self.planar else values

    def dataset(self, order: str) -> Dataset:  # noqa: ARG002 no table depends on it
        ds = Dataset()
        ds.Modality, ds.PhotometricInterpretation, ds.SamplesPerPixel = "XC", self.photometric, 3
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = self.allocated, self.stored, self.stored - 1
        ds.PixelRepresentation, ds.PlanarConfiguration = 0, self.planar
        return ds

    def expected(self, index: int) -> np.ndarray:
        """The picture of a frame in RGB, from 0 to 255 and not rounded."""
        values = self.values[index]
        if self.photometric.startswith("YBR_FULL"):
            rgb = (values - MIDDLE) @ np.linalg.inv(TO_YBR).T
            return np.clip(rgb, 0, 255)
        return values / ((1 << self.stored) - 1) * 255


@st.composite
def colour_images(draw: Draw) -> ColourImage:
    """RGB of up to 16 bits, or one of the YBR; YBR_RCT and YBR_ICT hold RGB, which their codec transforms."""
    photometric = draw(st.sampled_from(["RGB", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT"]))
    allocated = draw(st.sampled_from([8, 8, 16])) if photometric in ("RGB", "YBR_RCT") else 8
    stored = draw(st.integers(9, 16)) if allocated == 16 else 8
    random = np.random.default_rng(draw(st.integers(0, 1 << 30)))
    frames, shape = draw(st.integers(1, 3)), draw(st.sampled_from([(12, 10), (11, 12), (9, 14)]))
    values = random.integers(0, 1 << stored, (frames, *shape, 3))
    if photometric.startswith("YBR_FULL"):
        values = np.clip(np.rint(values @ TO_YBR.T + MIDDLE), 0, 255).astype(int)
    if photometric == "YBR_FULL_422":
        values[:, :, 1::2, 1:] = values[:, :, ::2, 1:]
    planar = draw(st.integers(0, 1)) if photometric in ("RGB", "YBR_FULL") else 0
    return ColourImage(allocated, stored, photometric, planar, values)
