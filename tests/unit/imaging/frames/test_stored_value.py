"""Stored values: single bits, unused bits, floating point."""

from pathlib import Path

import numpy as np
import pytest

from imaging.frames.stored_value import stored_value
from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.factories import make_grey, to_image_file
from tests.unit.imaging.frames.encoded import first_picture, grey_dataset, ramp

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def test_1_bit(tmp_path: Path) -> None:
    """Frames of 1 bit per pixel that share bytes are drawn white where a bit is set, even if all are."""
    values = np.random.default_rng(0).integers(0, 2, (3, 5, 7), dtype=np.uint8)
    values[1] = 1
    ds = make_grey(values, BitsAllocated=1, BitsStored=1, HighBit=0)
    packed = np.packbits(values.reshape(-1), bitorder="little").tobytes()
    ds.PixelData = packed + b"\0" * (len(packed) % 2)
    image_file = to_image_file(ds, tmp_path)
    recipe = PictureRecipe(image_file.ds)
    pictures = [recipe.draw(frame, index=index).picture for index, frame in enumerate(image_file.frames())]
    assert np.array_equal(values * 255, np.stack(pictures))


@pytest.mark.parametrize("bits", [0, 3])
def test_unused_bits_are_ignored(bits: int, tmp_path: Path) -> None:
    """An old overlay above the stored bits, or random bits below them, do not change the picture."""
    values = ramp(12, signed=True, frames=1)[0]
    stored = (values.view(np.uint16) & 0xFFF) << bits
    noise = np.random.default_rng(0).integers(0, 1 << 16, values.shape).astype(np.uint16)
    unused = 0xFFFF ^ (0xFFF << bits)
    ds = make_grey(
        (stored | (noise & unused)).astype(np.uint16),
        BitsStored=12,
        HighBit=11 + bits,
        PixelRepresentation=1,
    )
    image_file = to_image_file(ds, tmp_path)
    frame = next(image_file.frames())
    assert np.array_equal(values, stored_value(image_file.ds).values(frame))
    for window in ({}, {"WindowCenter": 100, "WindowWidth": 900}):
        plain = grey_dataset(values, 12, signed=True)
        for keyword, value in window.items():
            setattr(plain, keyword, value)
            setattr(image_file.ds, keyword, value)
        expected = first_picture(plain, tmp_path)
        assert np.array_equal(expected, PictureRecipe(image_file.ds).draw(frame, index=0).picture)


@pytest.mark.parametrize("keyword", ["FloatPixelData", "DoubleFloatPixelData"])
def test_float_pixels(keyword: str, tmp_path: Path) -> None:
    """Floating point values are drawn over the frame's own range."""
    values = np.linspace(-3, 7, 32 * 24).reshape(2, 16, 24)
    dtype = np.float32 if keyword == "FloatPixelData" else np.float64
    ds = make_grey(np.zeros((2, 16, 24), np.uint16))
    del ds.PixelData, ds.PixelRepresentation, ds.BitsStored, ds.HighBit
    ds.BitsAllocated = 8 * np.dtype(dtype).itemsize
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.30"
    setattr(ds, keyword, values.astype(dtype).tobytes())
    image_file = to_image_file(ds, tmp_path)
    recipe = PictureRecipe(image_file.ds)
    for index, frame in enumerate(image_file.frames()):
        own = values[index]
        expected = (own - own.min()) / (own.max() - own.min()) * 255
        assert 1 >= np.abs(expected - recipe.draw(frame, index=index).picture).max()
