"""16-bit pictures of modality values."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_modality_lut

from tests.support.factories import make_grey, real_path
from tests.unit.imaging.rendering.drawings import WIDE, drawings

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def test_ct_holds_hounsfield_units(tmp_path: Path) -> None:
    """The picture of a CT holds Hounsfield units, and its recipe says how to read them."""
    (drawing,) = drawings(real_path("CT_small.dcm"), tmp_path, is_16_bit=True)
    ds = pydicom.dcmread(real_path("CT_small.dcm"))
    assert np.uint16 == drawing.picture.dtype
    assert np.array_equal(apply_modality_lut(ds.pixel_array, ds), drawing.picture - 32768.0)
    assert "rescale 1 x + -1024; 16 bit, value = pixel x 1 + -32768" == drawing.recipe


@pytest.mark.parametrize(
    ("elements", "step", "zero"),
    [
        ({}, 1, 0),
        ({"RescaleSlope": "0.5", "RescaleIntercept": "0"}, 0.5, 0),
        ({"RescaleSlope": "0.25", "RescaleIntercept": "-100"}, 0.25, -100),
        ({"RescaleSlope": "3", "RescaleIntercept": "0"}, 4, 0),
        ({"PhotometricInterpretation": "MONOCHROME1"}, 1, 0),
    ],
)
def test_recipe_gives_step_and_zero(elements: dict, step: float, zero: float, tmp_path: Path) -> None:
    """Pixel times step plus zero is the value, within half a step."""
    ds = make_grey(WIDE, Modality="MR", **elements)
    (drawing,) = drawings(ds, tmp_path, is_16_bit=True)
    assert f"value = pixel x {step:g} + {zero:g}" in drawing.recipe
    values = WIDE * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))
    assert step / 2 >= np.abs(values - (drawing.picture * float(step) + zero)).max()
