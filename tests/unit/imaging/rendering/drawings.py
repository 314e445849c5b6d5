"""Drawing files and data sets, for the tests of this folder."""

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset

from imaging.frames.image_file import read_image_file
from imaging.options import Limits, PictureRules
from imaging.rendering.grey_levels import Picture
from imaging.rendering.picture_recipe import Drawing, PictureRecipe
from tests.support.factories import to_image_file

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)  # every value of 8 bits
WIDE = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)  # the whole range of 16 bits


def pictures(source: FileDataset | Path, folder: Path, **rules: object) -> list[Picture]:
    """The pictures of all frames."""
    return [drawing.picture for drawing in drawings(source, folder, **rules)]


def drawings(source: FileDataset | Path, folder: Path, **rules: object) -> list[Drawing]:
    """The drawings of all frames, with `rules` as fields of PictureRules."""
    if isinstance(source, Path):
        image_file = read_image_file(source, Limits())
    else:
        image_file = to_image_file(source, folder)
    recipe = PictureRecipe(image_file.ds, PictureRules(**rules))
    return [recipe.draw(frame, index=index) for index, frame in enumerate(image_file.frames())]
