"""Pictures of one half with one text each, drawn from fixed seeds, for measuring."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from deidentification.pixels.text.arrays import Bytes, Floats
from deidentification.pixels.text.text_detector import Box, find_text
from model.text_detector.drawing import STYLES, Drawn, draw, find_place
from model.text_detector.fonts.designs import Design, FontKind, Half, designs
from model.text_detector.fonts.text_masks import SIZES, actual_size, text_mask
from model.text_detector.fonts.words import random_text
from model.text_detector.pictures import SOURCES_WITH_TEXT
from model.training.sources.corpus import Source

PIECE = 640  # pixels of the picture around the text that are searched
_TRIES = 8
_APART = 8  # pixels between a text and what is found in the picture as it is


@dataclass(frozen=True)
class Variant:
    """A text in a picture, or why there is none: 'no room', 'illegible'."""

    source: Source
    design: Design
    size: int
    style: str
    quarter_turns: int
    smooth: bool
    place: str = ""
    text: str = ""
    drawn: Drawn | None = None
    lacks: str = ""


@dataclass(frozen=True)
class _Look:
    """How a text looks: one face of a design at one size."""

    design: Design
    face: int
    size: int
    smooth: bool
    quarter_turns: int

    def mask(self, text: str) -> Floats:
        upright = text_mask(self.design, self.face, self.size, text, smooth=self.smooth)
        return np.ascontiguousarray(np.rot90(upright, self.quarter_turns))


def variants(source: Source, half: Half, count: int, seed: int, *, piece: int = PIECE) -> Iterator[Variant]:
    """Texts of the half's designs, of all sizes, styles and places in turn, each in a picture of its own.

    Of a picture the `piece` pixels around the text are yielded; the complete one if it has fewer.
    """
    digest = hashlib.sha256(source.name.encode()).digest()
    rng = np.random.default_rng([int.from_bytes(digest[:4], "big"), seed])
    in_colour = any(picture.ndim == 3 for picture in source.pictures)
    styles = [style for style in STYLES if in_colour or style != "coloured"]
    for number in range(count):
        style = styles[(number // len(SIZES) + number) % len(styles)]
        wanted = ("anatomy", "background")[number // 2 % 2]
        look = _random_look(half, SIZES[number % len(SIZES)], rng)
        picture = source.pictures[int(rng.integers(len(source.pictures)))]
        record = Variant(source, look.design, look.size, style, look.quarter_turns, look.smooth)
        found = _find_room(source, picture, half, look, wanted=wanted, rng=rng)
        if found is None:
            yield replace(record, lacks="no room")
            continue
        text, mask, (top, left, place) = found
        drawn = _drawn_in_piece(picture, mask, (top, left), piece, style=style, rng=rng)
        yield replace(record, place=place, text=text, drawn=drawn, lacks="" if drawn.legible else "illegible")


def _random_look(half: Half, size: int, rng: np.random.Generator) -> _Look:
    chosen = designs(half)
    design, face = chosen[int(rng.integers(len(chosen)))], int(rng.integers(8))
    smooth = bool(rng.random() < 0.5) and design.kind is not FontKind.BITMAP
    turns = int(rng.choice([0, 0, 0, 0, 1, 3]))
    return _Look(design, face, actual_size(design, face, size), smooth, turns)


def _find_room(
    source: Source, picture: Bytes, half: Half, look: _Look, *, wanted: str, rng: np.random.Generator
) -> tuple[str, Floats, tuple[int, int, str]] | None:
    """A text, its ink and its place, away from what is written in the picture already."""
    written = find_text(picture) if source.name in SOURCES_WITH_TEXT else []
    for _ in range(_TRIES):
        text = random_text(rng, half)
        mask = look.mask(text)
        spot = find_place(picture, mask.shape, wanted, rng)
        if spot is None:
            continue
        area = (spot[1] - _APART, spot[0] - _APART, mask.shape[1] + 2 * _APART, mask.shape[0] + 2 * _APART)
        if not boxes_at(written, area):
            return text, mask, spot
    return None


def _drawn_in_piece(
    picture: Bytes, mask: Floats, corner: tuple[int, int], side: int, *, style: str, rng: np.random.Generator
) -> Drawn:
    (top, left), (height, width) = corner, mask.shape
    y, x = (max(0, start - side // 2) // 16 * 16 for start in (top, left))
    piece = np.ascontiguousarray(picture[y : y + side + height, x : x + side + width])
    return draw(piece, mask, top - y, left - x, style=style, rng=rng)


def boxes_at(boxes: Sequence[Box], ink: tuple[int, int, int, int]) -> list[Box]:
    """The boxes that touch the ink's rectangle."""
    left, top, width, height = ink
    return [
        box
        for box in boxes
        if box.left < left + width
        and left < box.left + box.width
        and box.top < top + height
        and top < box.top + box.height
    ]


def covered(boxes: Sequence[Box], ink: tuple[int, int, int, int]) -> float:
    """The part of the ink's rectangle that the boxes cover together."""
    left, top, width, height = ink
    hit = np.zeros((height, width), np.bool_)
    for box in boxes:
        y, x = box.top - top, box.left - left
        hit[max(0, y) : max(0, y + box.height), max(0, x) : max(0, x + box.width)] = True
    return float(hit.mean())
