"""The picture recipe: polarity, padding, overlays, value ranges."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.factories import make_grey, real_path
from tests.unit.imaging.rendering.drawings import RAMP, WIDE, drawings, pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def test_monochrome1_is_inverted(tmp_path: Path) -> None:
    """The least value is drawn white."""
    (plain,) = pictures(make_grey(WIDE), tmp_path)
    (inverted,) = pictures(make_grey(WIDE, PhotometricInterpretation="MONOCHROME1"), tmp_path)
    assert np.array_equal(255 - plain, inverted)
    assert (0, 255) == (plain[0, 0], inverted[0, 0])


@pytest.mark.parametrize(
    ("photometric", "shape", "is_inverted"),
    [
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", True),
    ],
)
def test_presentation_lut_shape(photometric: str, shape: str, is_inverted: bool, tmp_path: Path) -> None:
    """INVERSE, MONOCHROME1, or both together make the least value white."""
    ds = make_grey(RAMP, PhotometricInterpretation=photometric, PresentationLUTShape=shape)
    (drawing,) = drawings(ds, tmp_path)
    assert np.array_equal(255 - RAMP if is_inverted else RAMP, drawing.picture)
    assert is_inverted == ("inverted" in drawing.recipe)


def test_8_bit_grey_with_its_full_range_is_unchanged(tmp_path: Path) -> None:
    """Values from 0 to 255 are unchanged."""
    assert np.array_equal(RAMP, pictures(make_grey(RAMP), tmp_path)[0])


def test_values_that_are_not_finite_are_drawn() -> None:
    """Float pixels that are NaN are drawn black."""
    frame = np.array([[0.0, 1.0], [np.nan, np.inf]], np.float32)
    ds = Dataset()
    ds.PhotometricInterpretation = "MONOCHROME2"
    picture = PictureRecipe(ds).draw(frame, index=0).picture
    assert (0, 255) == (picture[0, 0], picture[0, 1])
    assert 0 == picture[1, 0]


@pytest.mark.parametrize("padding", [63536, -2000])
def test_padding_does_not_widen_the_range(padding: int, tmp_path: Path) -> None:
    """Padding values do not widen the stretched range, however Pixel Padding Value is written."""
    values = np.linspace(0, 1000, 256).astype(np.int16).reshape(16, 16)
    values[0] = -2000
    ds = make_grey(values, PixelRepresentation=1)
    ds.add_new("PixelPaddingValue", "SS" if padding < 0 else "US", padding)
    picture = pictures(ds, tmp_path)[0]
    inside = values[1:].astype(float)
    expected = (inside - inside.min()) / (inside.max() - inside.min()) * 255
    assert 1 >= np.abs(expected - picture[1:]).max()
    assert not picture[0].any()


def test_overlays_are_not_drawn(tmp_path: Path) -> None:
    """An overlay, in its own element or in the bits above the stored ones, is not drawn."""
    with_overlay = pydicom.dcmread(real_path("examples_overlay.dcm"))
    without = pydicom.dcmread(real_path("examples_overlay.dcm"))
    for element in list(without.group_dataset(0x6000)):
        del without[element.tag]
    assert np.array_equal(pictures(without, tmp_path), pictures(with_overlay, tmp_path))
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    overlaid = make_grey(values | 0x1000, BitsStored=12, HighBit=11)
    assert np.array_equal(pictures(make_grey(values), tmp_path), pictures(overlaid, tmp_path))


def test_fractional_segmentation_has_the_same_greys_in_every_frame(tmp_path: Path) -> None:
    """Fractions are drawn from 0 to the maximum fractional value, not over each frame's own range."""
    values = np.stack([RAMP // 4, RAMP // 8])
    ds = make_grey(values, SegmentationType="FRACTIONAL", MaximumFractionalValue=100)
    for value, drawing in zip(values, drawings(ds, tmp_path), strict=True):
        assert 1 >= np.abs(np.clip(value * 2.55, 0, 255) - drawing.picture).max()
        assert "range 0 to 100; 8 bit" == drawing.recipe
