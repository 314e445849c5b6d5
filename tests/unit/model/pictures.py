"""Pictures for the tests of the quality model."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.data import get_testdata_file

from imaging.frames.image_file import read_image_file
from imaging.options import Limits
from imaging.rendering.picture_recipe import PictureRecipe

CLEAN_FILES = (
    "CT_small.dcm",
    "MR_small.dcm",
    "JPEG2000.dcm",
    "examples_overlay.dcm",
    "examples_palette.dcm",
    "examples_rgb_color.dcm",
)


MIRRORED = ((slice(None, None, -1),), (slice(None), slice(None, None, -1)), (slice(None, None, -1),) * 2)
"""Indices that mirror a picture."""
Picture = NDArray[np.uint8]


def real_picture(name: str) -> Picture:
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    image = read_image_file(Path(path), Limits())
    return PictureRecipe(image.ds).draw(next(image.frames()), index=0).picture


def random_picture(shape: tuple[int, ...]) -> Picture:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def heavy_noise(picture: Picture) -> Picture:
    noise = np.random.default_rng(2).normal(0, 60, picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)
