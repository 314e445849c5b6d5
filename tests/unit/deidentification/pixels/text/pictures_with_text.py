"""Real pictures of pydicom, and text drawn into them."""

from functools import cache
from pathlib import Path

import numpy as np
from matplotlib import get_data_path
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file

from model.training.sources.corpus import picture_of_dicom

NAME = "MEIER ANNA 1957"
FONTS = ("DejaVuSans.ttf", "DejaVuSansMono.ttf", "DejaVuSerif-Bold.ttf", "bitmap")
Picture = NDArray[np.uint8]


@cache
def real_picture(name: str) -> Picture:
    """The first frame of a test file that lies in pydicom's package."""
    path = get_testdata_file(f"{name}.dcm", download=False)
    assert path is not None
    return picture_of_dicom(Path(str(path)))


def font(name: str, size: int = 16) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """A font of matplotlib, or the bitmap font in Pillow, which has one size."""
    if name == "bitmap":
        return ImageFont.load_default_imagefont()
    return ImageFont.truetype(str(Path(get_data_path()) / "fonts" / "ttf" / name), size)


def ink(text: str = NAME, font_name: str = FONTS[0], size: int = 16) -> NDArray[np.bool_]:
    """A text's pixels, cut to its ink."""
    chosen = font(font_name, size)
    left, top, right, bottom = (int(value) for value in chosen.getbbox(text))
    image = Image.new("1", (right - left + 4, bottom - top + 4))
    ImageDraw.Draw(image).text((2 - left, 2 - top), text, fill=1, font=chosen)
    pixels = np.asarray(image)
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    return pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def with_ink(
    picture: Picture, pixels: NDArray[np.bool_], top: int, left: int, value: int | tuple[int, int, int] = 255
) -> Picture:
    """A copy of a picture with ink of one grey level or colour."""
    drawn = picture.copy()
    drawn[top : top + pixels.shape[0], left : left + pixels.shape[1]][pixels] = value
    return drawn
