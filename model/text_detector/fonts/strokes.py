"""Read the letters of Hershey's stroke fonts and draw them with OpenCV's lines."""

import ast
import base64
import io
import tarfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

_CAPITALS = 21.0  # Hershey's units, the height of capital letters
_MARGIN = 4
_SHIFT = 4  # OpenCV takes coordinates in sixteenths of a pixel

Stroke = NDArray[np.float64]
StrokeLetter = tuple[float, float, list[Stroke]]
"""Left and right side, and the strokes (points, 2): x to the right, y downwards, the baseline at 9."""


@cache
def read_strokes(path: Path, name: str) -> list[StrokeLetter]:
    """The printable ASCII characters of one font, from the space on."""
    archive = max(_byte_strings(path), key=len)
    with tarfile.open(fileobj=io.BytesIO(base64.b64decode(archive))) as fonts:
        member = fonts.extractfile(name)
        if member is None:
            raise ValueError(f"{path.name} has no font {name}.")
        lines = member.read().decode().splitlines()
    return [_letter(line) for line in lines if line and not line.startswith("#")]


def _byte_strings(path: Path) -> list[bytes]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    values = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    return [
        value if isinstance(value, bytes) else value.encode()
        for value in values
        if isinstance(value, bytes | str)
    ]


def _letter(line: str) -> StrokeLetter:
    """Columns 8 and 9 are the sides; then pairs of characters are points, and ' R' lifts the pen."""
    left, right = (float(ord(character) - ord("R")) for character in line[8:10])
    strokes = []
    for part in line[10:].split(" R"):
        codes = np.array([ord(character) - ord("R") for character in part], np.float64)
        if len(codes) >= 2:
            strokes.append(codes[: len(codes) // 2 * 2].reshape(-1, 2))
    return left, right, strokes


def draw_strokes(
    letters: list[StrokeLetter], text: str, size: int, thickness: int, *, smooth: bool
) -> NDArray[np.uint8]:
    """Draw a text whose capitals are 0.72 of `size` pixels high; uint8 (rows, columns), 255 is ink."""
    scale = 0.72 * size / _CAPITALS
    chosen = [letters[ord(character) - 32] for character in text]
    width = sum(right - left for left, right, _ in chosen) * scale
    picture = np.zeros((round(2.2 * size) + 2 * _MARGIN, round(width) + 2 * _MARGIN + size), np.uint8)
    x = 0.0
    for left, right, strokes in chosen:
        for stroke in strokes:
            points = (stroke + np.array([x - left, 16.0])) * scale + _MARGIN
            fixed = np.rint(points * 2**_SHIFT).astype(np.int32)
            line = cv2.LINE_AA if smooth else cv2.LINE_8
            cv2.polylines(picture, [fixed], False, 255, thickness, line, _SHIFT)
        x += right - left
    return picture
