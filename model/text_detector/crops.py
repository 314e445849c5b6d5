"""Crops to learn from: pieces of the tuning half's pictures, and which of their cells hold drawn text."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from deidentification.pixels.text.arrays import Bytes, Floats
from deidentification.pixels.text.cell_net import CELL
from model.text_detector.drawing import legible_by_means
from model.text_detector.fonts.designs import FontKind, Half, designs
from model.text_detector.fonts.text_masks import SIZES, text_mask
from model.text_detector.fonts.words import random_text
from model.text_detector.marks import draw_mark
from model.text_detector.pictures import free_part
from model.text_detector.views import as_other_devices_show_it
from model.training.sources.corpus import Source

SIDE = 128
"""Pixels, the side of a crop."""
TEXT, NO_TEXT, UNKNOWN = 1, 0, -1
"""What a cell of a crop is; nothing is learned from unknown ones, which text touches or is illegible in."""
_WEIGHTS = {"CT": 1.0, "MR": 1.0, "US": 2.0, "CR": 4.0, "MG": 5.0}  # few sources, large pictures
_PART_WITH_TEXT = 0.75
_COVERED = 0.4  # part of a cell that text covers
_SQUARE = np.ones((3, 3), np.uint8)

Cells = NDArray[np.int8]


@dataclass
class CropMaker:
    """Makes crops of sources with the tuning half's fonts."""

    sources: Sequence[Source]
    rng: np.random.Generator
    _chances: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        weights = np.array([_WEIGHTS.get(source.modality, 1.0) for source in self.sources])
        self._chances = weights / weights.sum()
        self._designs = designs(Half.TUNING)

    def crop(self) -> tuple[Bytes, Cells]:
        """A crop, uint8 (SIDE, SIDE), and its cells, int8 (SIDE / 8, SIDE / 8)."""
        return self.with_text(self.clean())

    def clean(self) -> Bytes:
        """A crop without text, uint8 (SIDE, SIDE)."""
        return as_other_devices_show_it(self._piece(), SIDE, self.rng)

    def with_text(self, crop: Bytes) -> tuple[Bytes, Cells]:
        """Draw marks and, mostly, text into a crop without text, which is changed."""
        for _ in range(int(self.rng.choice([0, 0, 0, 1, 2]))):
            draw_mark(crop, self.rng)
        cells = np.full((SIDE // CELL, SIDE // CELL), NO_TEXT, np.int8)
        if self.rng.random() < _PART_WITH_TEXT:
            for _ in range(int(self.rng.choice([1, 1, 2, 3]))):
                self._draw_text(crop, cells)
        return crop, cells

    def _piece(self) -> Bytes:
        """A square piece of a random picture, grey: a channel, the brightest or darkest, or luminance."""
        rng = self.rng
        source = self.sources[int(rng.choice(len(self.sources), p=self._chances))]
        picture = free_part(source, source.pictures[int(rng.integers(len(source.pictures)))])
        smallest = min(picture.shape[:2])
        scale = 1.0 if rng.random() < 0.5 else float(np.exp(rng.uniform(np.log(0.5), np.log(2.2))))
        side = min(round(SIDE / scale), smallest)
        piece = picture[:side, :side]
        for _ in range(6):
            top = int(rng.integers(picture.shape[0] - side + 1))
            left = int(rng.integers(picture.shape[1] - side + 1))
            piece = picture[top : top + side, left : left + side]
            if piece[::8, ::8].std() > 12 or rng.random() < 0.05:
                break
        if piece.ndim == 2:
            return np.ascontiguousarray(piece)
        kinds = (piece.max(2), piece.max(2), piece.min(2), piece.mean(2).astype(np.uint8))
        grey: Bytes = kinds[int(rng.integers(len(kinds)))]
        return grey

    def _draw_text(self, crop: Bytes, cells: Cells) -> None:
        mask = self._mask()
        if mask.size < 12:
            return
        rng, (height, width) = self.rng, mask.shape
        top, left = int(rng.integers(0, SIDE - height + 1)), int(rng.integers(0, SIDE - width + 1))
        y, x = max(0, top - 4), max(0, left - 4)
        part = np.s_[y : min(SIDE, top + height + 4), x : min(SIDE, left + width + 4)]
        touched = np.s_[y // CELL : part[0].stop // CELL + 1, x // CELL : part[1].stop // CELL + 1]
        if (cells[touched] == TEXT).any():
            return
        ink = np.zeros(crop[part].shape, np.float32)
        ink[top - y : top - y + height, left - x : left - x + width] = mask
        after = self._inked(crop[part].astype(np.float32), ink)
        crop[part] = after.astype(np.uint8)
        covered = np.zeros((SIDE, SIDE), np.float32)
        covered[top : top + height, left : left + width] = 1
        share = cv2.resize(covered, cells.shape, interpolation=cv2.INTER_AREA)
        cells[(cv2.dilate(share, _SQUARE) > 0) & (cells == NO_TEXT)] = UNKNOWN
        if legible_by_means(after, ink):
            cells[share >= _COVERED] = TEXT

    def _mask(self) -> Floats:
        """A text's ink, turned; only a part of it if it is longer than the crop."""
        rng = self.rng
        design = self._designs[int(rng.integers(len(self._designs)))]
        small = rng.random() < 0.6
        size = int(rng.integers(9, 14)) if small else int(rng.integers(12, 34))
        if design.kind is FontKind.BITMAP:
            size = int(rng.choice(SIZES[:2] if small else SIZES))
        text = random_text(rng, Half.TUNING)
        mask = text_mask(design, int(rng.integers(8)), size, text, smooth=bool(rng.random() < 0.5))
        mask = np.ascontiguousarray(np.rot90(mask, int(rng.choice([0, 0, 0, 0, 1, 3]))))
        row, column = (int(rng.integers(max(0, length - SIDE + 2) + 1)) for length in mask.shape)
        return np.ascontiguousarray(mask[row : row + SIDE - 2, column : column + SIDE - 2])

    def _inked(self, before: Floats, ink: Floats) -> Floats:
        """Ink of any grey level on the crop, sometimes with a rim or on a plate of one grey level."""
        rng, under = self.rng, float(np.median(before))
        weak = float(np.clip(under + rng.choice([-1, 1]) * rng.uniform(18, 60), 0, 255))
        strong = 255.0 if under < 128 else 0.0
        value = float(rng.choice([255, 0, 0, int(rng.integers(256)), strong, weak, weak]))
        kind = rng.random()
        if kind < 0.2:
            value = float(rng.choice([0, 255]))
            rim = cv2.dilate(ink, _SQUARE)
            before = before * (1 - rim) + (255 - value) * rim
        elif kind < 0.25:
            before = np.full_like(before, float(rng.integers(256)))
        return np.rint(before * (1 - ink) + value * ink)
