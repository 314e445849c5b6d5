"""Draw a text in a design: how much of each pixel is ink."""

import ast
import base64
import lzma
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from model.text_detector.fonts.bitmap_letters import Letters, read_letters
from model.text_detector.fonts.designs import FONT_PACKAGES, Design, FontKind
from model.text_detector.fonts.strokes import draw_strokes, read_strokes

SIZES = (10, 12, 16, 20, 28)
"""Pixels from the highest to the lowest letter, about."""
_THICK_FROM = 16  # pixels: larger stroke letters are also drawn with thick lines


def actual_size(design: Design, face: int, size: int) -> int:
    """The size in pixels nearest to the wished one: bitmap letters can only be doubled and tripled."""
    if design.kind is not FontKind.BITMAP:
        return size
    height = _height(_letters(design, face))
    return height * _zoom(height, size)


def text_mask(design: Design, face: int, size: int, text: str, *, smooth: bool) -> NDArray[np.float32]:
    """How much of each pixel the text covers, 0 to 1, cut to its ink; (1, 1) and zero if there is no ink.

    Parameters
    ----------
    face
        Any number; faces are counted round.
    size
        Pixels; for bitmap fonts the nearest possible size is drawn.
    smooth
        Whether edges are smoothed; bitmap fonts' never are.
    """
    if design.kind is FontKind.BITMAP:
        letters = _letters(design, face)
        height = _height(letters)
        zoom = _zoom(height, size)
        line = np.hstack([_of_height(letters[character], height) for character in text])
        mask: NDArray[np.float32] = np.kron(line, np.ones((zoom, zoom))).astype(np.float32)
    elif design.kind is FontKind.STROKE:
        path = FONT_PACKAGES[design.package].path("HersheyFonts.py")
        strokes = read_strokes(path, design.faces[face % len(design.faces)])
        thickness = 1 + (face // len(design.faces) % 2 if size >= _THICK_FROM else 0)
        mask = draw_strokes(strokes, text, size, thickness, smooth=smooth).astype(np.float32) / np.float32(
            255
        )
    else:
        mask = _outline_mask(_font(design, face % len(design.faces), size), text, smooth=smooth)
    rows, columns = np.flatnonzero(mask.max(1) > 0.1), np.flatnonzero(mask.max(0) > 0.1)
    if not len(rows):
        return np.zeros((1, 1), np.float32)
    return np.ascontiguousarray(mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _outline_mask(font: ImageFont.FreeTypeFont, text: str, *, smooth: bool) -> NDArray[np.float32]:
    left, top, right, bottom = font.getbbox(text)
    image = Image.new("L" if smooth else "1", (int(right - left) + 4, int(bottom - top) + 4), 0)
    drawing = ImageDraw.Draw(image)
    drawing.fontmode = "L" if smooth else "1"
    drawing.text((2 - left, 2 - top), text, fill=255 if smooth else 1, font=font)
    return np.asarray(image).astype(np.float32) / np.float32(255 if smooth else 1)


def _letters(design: Design, face: int) -> Letters:
    package, name = FONT_PACKAGES[design.package], design.faces[face % len(design.faces)]
    return read_letters(package.path("font.py" if design.package == "luma.core" else name), name)


def _height(letters: Letters) -> int:
    return max(len(letter) for letter in letters.values())


def _of_height(letter: NDArray[np.bool_], height: int) -> NDArray[np.bool_]:
    return np.pad(letter, ((0, height - len(letter)), (0, 0)))


def _zoom(height: int, size: int) -> int:
    return max(1, round(size / height))


@cache
def _font(design: Design, face: int, size: int) -> ImageFont.FreeTypeFont:
    path = FONT_PACKAGES[design.package].path(design.faces[face])
    return ImageFont.truetype(BytesIO(_font_file(path)), size)


@cache
def _font_file(path: Path) -> bytes:
    """The font in a file, or in a module of pymupdf-fonts, which is read and not executed."""
    if path.suffix != ".py":
        return path.read_bytes()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return lzma.decompress(base64.b64decode(max((s for s in strings if isinstance(s, bytes)), key=len)))
