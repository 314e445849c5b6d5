"""Pictures for the synthetic set: of pydicom's test files, or drawn; and identifiers drawn into them."""

from functools import cache
from typing import cast

import cv2
import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.data import get_testdata_file

from benchmarks.support.midi_b.required_actions import Rectangle

Picture = NDArray[np.uint8]

_FILES = {"CT": "CT_small.dcm", "MR": "examples_overlay.dcm", "NM": "JPEG2000.dcm"}
_SHAPES = {"US": (480, 640), "OT": (400, 512), "DX": (700, 600), "CR": (640, 640), "MG": (900, 700)}
_SHAPE = (384, 384)
_LEAST_SIDE = 256  # smaller pictures are enlarged, as workstations do
_SCALES, _THICKNESS = (0.5, 0.6, 0.8), 1  # of the letters
_EDGE, _REGION_PART = 4, 16  # the region of an ultrasound picture begins after a sixteenth of each side


def picture_for(kind: str, rng: np.random.Generator) -> Picture:
    """A picture without text, uint8 (rows, columns)."""
    if kind in _FILES:
        return _real(_FILES[kind])
    rows, columns = _SHAPES.get(kind, _SHAPE)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    body = np.zeros((rows, columns), np.float32)
    for _ in range(6):
        centre_y, centre_x = rng.uniform(0.25, 0.75, 2) * (rows, columns)
        radius_y, radius_x = rng.uniform(0.1, 0.4, 2) * (rows, columns)
        distance = ((y - centre_y) / radius_y) ** 2 + ((x - centre_x) / radius_x) ** 2
        body += rng.uniform(15, 45) / (1 + np.exp(8 * (distance - 1)))
    noise = cv2.GaussianBlur(rng.normal(0, 12, body.shape).astype(np.float32), (0, 0), 1.2)
    return (body + noise + 10).clip(0, 255).astype(np.uint8)


def draw_text(picture: Picture, number: int, text: str) -> Rectangle:
    """Draw a text into a picture; the rectangle of its ink.

    It stands in the upper or the lower half, at the edge (in ultrasound outside the region) or not.
    """
    rows, columns = picture.shape
    scale = _SCALES[number // 3 % len(_SCALES)]
    ascii_text = text.encode("ascii", "ignore").decode()
    (width, height), base = cv2.getTextSize(ascii_text, cv2.FONT_HERSHEY_SIMPLEX, scale, _THICKNESS)
    is_below = number % 2 == 1
    inset = _EDGE if number // 6 % 2 == 0 else max(_EDGE, rows // 8)
    bottom = rows - inset - base if is_below else inset + height
    left = max(_EDGE, min(columns - width - _EDGE, columns // 10))
    ink = np.zeros_like(picture)
    cv2.putText(
        ink, ascii_text, (left, bottom), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, _THICKNESS, cv2.LINE_AA
    )
    rim = cv2.dilate(ink, np.ones((3, 3), np.uint8)) > 0
    picture[rim] = np.minimum(picture[rim], 40)  # a dark rim, as viewers draw it
    np.maximum(picture, ink, out=picture)
    ys, xs = np.flatnonzero(ink.any(1)), np.flatnonzero(ink.any(0))
    return int(xs[0]), int(ys[0]), int(xs[-1] - xs[0]) + 1, int(ys[-1] - ys[0]) + 1


def inner_part(picture: Picture, kind: str) -> Rectangle:
    """What must stay of a picture without text: all of it, of ultrasound its region."""
    rows, columns = picture.shape
    if kind != "US":
        return 0, 0, columns, rows
    left, top = columns // _REGION_PART, rows // _REGION_PART
    return left, top, columns - 2 * left, rows - 2 * top


def away_from_text(picture: Picture, kind: str, ink: Rectangle) -> Rectangle:
    """What must stay of a picture with text: the half without it, a quarter of the height apart from it."""
    left, top, width, height = inner_part(picture, kind)
    rows = picture.shape[0]
    is_below = ink[1] > rows // 2
    return (
        (left, top, width, rows // 2 - top)
        if is_below
        else (left, rows // 2, width, top + height - rows // 2)
    )


@cache
def _real(name: str) -> Picture:
    """The first frame of a test file, its values stretched to 8 bits, enlarged if it is small."""
    values = pydicom.dcmread(str(get_testdata_file(name))).pixel_array.astype(np.float32)
    low, high = np.percentile(values, (0.5, 99.5))
    picture = ((values - low) * (255 / (high - low))).clip(0, 255).astype(np.uint8)
    factor = -(-_LEAST_SIDE // min(picture.shape))
    enlarged = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    return cast("Picture", enlarged)
