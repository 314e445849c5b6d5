"""Read the letters of bitmap fonts: Pillow's, luma.core's arrays and monobit's text format."""

import ast
import gzip
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

Letters = dict[str, NDArray[np.bool_]]
"""Each printable ASCII character's pixels (rows, columns), with the space that follows it."""
_PRINTABLE = [chr(code) for code in range(32, 127)]


@cache
def read_letters(path: Path, name: str) -> Letters:
    """The letters in a file: .pil, .yaff.gz, or a .py file with arrays, of which `name` is read."""
    if path.suffix == ".pil":
        return _of_pillow(path)
    if path.suffix == ".gz":
        return _of_yaff(path)
    return _of_luma(path, name)


def _of_pillow(path: Path) -> Letters:
    font = ImageFont.load(str(path))
    letters = {}
    for character in _PRINTABLE:
        mask, (width, height) = font.getmask(character, "L"), font.getbbox(character)[2:]
        pixels = np.array(mask, np.uint8).reshape(mask.size[1], mask.size[0]) > 0
        letters[character] = np.zeros((int(height), int(width)), np.bool_)
        letters[character][: pixels.shape[0], : pixels.shape[1]] = pixels
    return letters


def _of_luma(path: Path, name: str) -> Letters:
    """Each letter is a list of columns of eight pixels, the lowest bit on top."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name:
            columns = np.array(ast.literal_eval(node.value)[:127], np.uint8)
            bits = np.unpackbits(columns[..., None], axis=2, bitorder="little").transpose(0, 2, 1) > 0
            used = np.flatnonzero(bits[32:].any((0, 1)))
            return {character: bits[ord(character), :, : used[-1] + 2] for character in _PRINTABLE}
    raise ValueError(f"{path.name} has no {name}.")


def _of_yaff(path: Path) -> Letters:
    """A line with the quoted letter, then a line of dots and at signs for each row."""
    letters: dict[str, list[list[bool]]] = {}
    rows: list[list[bool]] = []
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        if line.startswith(" "):
            rows.append([pixel == "@" for pixel in line.strip()])
        elif line:
            rows = letters.setdefault(line[1:-2], [])
    return {character: np.array(letters[character]) for character in _PRINTABLE}
