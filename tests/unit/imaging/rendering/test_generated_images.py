"""Random images that follow the standard, in every codec, against pictures computed in the tests.

500 images by default; DCM2SET_FUZZ_IMAGES sets another number (`make fuzz`: 10,000).
"""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.uid import JPEG2000, JPEGBaseline8Bit

from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from imaging.frames.image_file import read_image_file
from imaging.options import Limits
from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.factories import PSEUDONYMS
from tests.unit.imaging.rendering.generated.colour_image import ColourImage, colour_images
from tests.unit.imaging.rendering.generated.float_image import float_images
from tests.unit.imaging.rendering.generated.grey_image import grey_images, single_bit_images
from tests.unit.imaging.rendering.generated.image_file import RandomImage, write, written_forms

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

IMAGES = int(os.environ.get("DCM2SET_FUZZ_IMAGES", "500"))
ROUNDING = 0.51  # of a grey level
IMAGES_OF = {
    "grey": grey_images(),
    "colour": colour_images(),
    "float": float_images(),
    "bit": single_bit_images(),
}
KINDS = ["grey"] * 6 + ["colour"] * 3 + ["float", "bit"]


@settings(
    max_examples=IMAGES,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(data=st.data())
def test_images_are_drawn_as_the_standard_says(data: st.DataObject) -> None:
    """Every frame is what the standard says, but for rounding or the loss of a lossy codec.

    The de-identified file of every fourth image is drawn the same.
    """
    image = data.draw(IMAGES_OF[data.draw(st.sampled_from(KINDS))])
    syntax = data.draw(written_forms(image))
    choice = data.draw(st.integers(0, 11))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.dcm"
        held = write(image, syntax, path, choice=choice)
        drawn = list(_drawn(path))
        again = list(_drawn(_deidentified(path))) if choice % 4 == 0 else drawn
    assert held.frames == len(drawn)
    for index, picture in enumerate(drawn):
        right = held.expected(index)
        assert right.shape == picture.shape
        assert _tolerance(held, syntax) >= np.abs(right - picture).max()
        assert np.array_equal(picture, again[index])


def _drawn(path: Path) -> Iterator[np.ndarray]:
    image_file = read_image_file(path, Limits())
    recipe = PictureRecipe(image_file.ds)
    for index, frame in enumerate(image_file.frames()):
        yield recipe.draw(frame, index=index).picture


def _deidentified(path: Path) -> Path:
    target = path.with_name("deidentified.dcm")
    with target.open("wb") as stream:
        deidentify(read_image_file(path, Limits()), PSEUDONYMS, Profile()).write(stream)
    return target


def _tolerance(image: RandomImage, syntax: str) -> float:
    """The greatest difference that is allowed."""
    if isinstance(image, ColourImage) and syntax in (JPEG2000, JPEGBaseline8Bit):
        return 4
    return 2 if isinstance(image, ColourImage) and image.photometric.startswith("YBR") else ROUNDING
