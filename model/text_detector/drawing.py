"""Draw text into pictures as devices do: colours, outlines, places, and a rule of what a person can read."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from deidentification.pixels.text.arrays import Bytes, Floats

STYLES = ("white", "black", "grey", "contrasting", "outlined", "coloured")
LEGIBLE_CONTRAST = 15
"""Grey levels between ink and what lies around it, from which a person can read a text."""
_COLOURS = ((255, 255, 0), (0, 255, 255), (0, 255, 0), (255, 64, 64), (255, 160, 0))
_GREYS = (110, 128, 160, 190)
_MARGIN = 4  # pixels around the ink that are changed or judged
_SQUARE = np.ones((3, 3), np.uint8)
_TRIES = 60


@dataclass(frozen=True)
class Drawn:
    """A picture with text in it."""

    picture: Bytes
    ink: tuple[int, int, int, int]
    """left, top, width, height of the ink."""
    legible: bool
    contrast: float
    """Grey levels, the median over the text's pieces."""


def draw(picture: Bytes, mask: Floats, top: int, left: int, *, style: str, rng: np.random.Generator) -> Drawn:
    """Draw a mask, already turned, with its upper left corner at this place.

    Parameters
    ----------
    picture
        uint8 (rows, columns) or (rows, columns, 3); it isn't changed.
    mask
        float32 (height, width), 0 to 1; it lies inside the picture.
    style
        One of `STYLES`.
    """
    height, width = mask.shape
    y0, x0 = max(0, top - _MARGIN), max(0, left - _MARGIN)
    y1 = min(picture.shape[0], top + height + _MARGIN)
    x1 = min(picture.shape[1], left + width + _MARGIN)
    ink = np.zeros((y1 - y0, x1 - x0), np.float32)
    ink[top - y0 : top - y0 + height, left - x0 : left - x0 + width] = mask
    before = picture[y0:y1, x0:x1].astype(np.float32).reshape(*ink.shape, -1)
    value = _value(style, before, rng)
    after = before
    if style == "outlined":
        rim = cv2.dilate(ink, _SQUARE)[..., None]
        after = after * (1 - rim) + (255 - value) * rim
    after = np.rint(after * (1 - ink[..., None]) + value * ink[..., None])
    drawn = picture.copy()
    drawn[y0:y1, x0:x1] = after.clip(0, 255).astype(np.uint8).reshape(picture[y0:y1, x0:x1].shape)
    legible, contrast = _legibility(after, ink)
    return Drawn(drawn, (left, top, width, height), legible, contrast)


def _value(style: str, before: Floats, rng: np.random.Generator) -> Floats:
    """The ink's value in each channel."""
    channels = before.shape[2]
    grey, outlined = float(rng.choice(_GREYS)), float(rng.choice([255, 0]))
    colour = _COLOURS[int(rng.integers(len(_COLOURS)))]
    if style == "coloured" and channels == 3:
        return np.array(colour, np.float32)
    dark = float(np.median(before)) < 128
    values = {"black": 0.0, "grey": grey, "contrasting": 255.0 if dark else 0.0, "outlined": outlined}
    return np.full(channels, values.get(style, 255.0), np.float32)


def _legibility(after: Floats, ink: Floats) -> tuple[bool, float]:
    """Whether a person can read it, and its contrast; the rule was fixed before anything was measured.

    The text is cut into pieces as long as it is high. In at least half of them, and in at least two, the
    median of the ink must differ in some channel by `LEGIBLE_CONTRAST` from the median within 3 pixels of it.
    """
    if ink.shape[0] > ink.shape[1]:
        ink, after = ink.T, after.transpose(1, 0, 2)
    inside = ink >= 0.6 * ink.max()
    near = cv2.dilate((ink > 0.05).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    around = near & (ink <= 0.05)
    step = max(6, ink.shape[0] - 2 * _MARGIN)
    contrasts = []
    for start in range(0, ink.shape[1], step):
        piece = slice(start, start + step)
        i, a = inside[:, piece], around[:, piece]
        if i.sum() >= 4 and a.sum() >= 4:
            pixels = after[:, piece]
            contrasts.append(float(np.abs(np.median(pixels[i], 0) - np.median(pixels[a], 0)).max()))
    good = sum(contrast >= LEGIBLE_CONTRAST for contrast in contrasts)
    return good >= 2 and 2 * good >= len(contrasts), float(np.median(contrasts)) if contrasts else 0.0


def find_place(
    picture: Bytes, size: tuple[int, ...], wanted: str, rng: np.random.Generator
) -> tuple[int, int, str] | None:
    """Row and column for a text of (rows, columns), and what lies there.

    That is 'anatomy' or 'background', if possible the wanted one. None if the text doesn't fit.
    """
    height, width = size
    rows, columns = picture.shape[0] - height - 4, picture.shape[1] - width - 4
    if rows < 2 or columns < 2:
        return None
    chosen = None
    for _ in range(_TRIES):
        top, left = int(rng.integers(2, rows + 1)), int(rng.integers(2, columns + 1))
        part = picture[top : top + height, left : left + width]
        is_anatomy = float(part.std()) >= 3 and float(part.mean()) >= 15
        chosen = (top, left, "anatomy" if is_anatomy else "background")
        if chosen[2] == wanted:
            break
    return chosen


def legible_by_means(after: Floats, ink: Floats) -> bool:
    """Nearly the rule of what a person can read, with means in place of medians: quicker, for training only.

    Parameters
    ----------
    after, ink
        float32 (rows, columns): grey levels, and how much of each pixel is ink.
    """
    if ink.shape[0] > ink.shape[1]:
        ink, after = ink.T, after.T
    inside = ink >= 0.6 * ink.max()
    near = cv2.dilate((ink > 0.05).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    around = near & (ink <= 0.05)
    starts = np.arange(0, ink.shape[1], max(6, ink.shape[0] - 2 * _MARGIN))

    def mean(places: NDArray[np.bool_], number: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.add.reduceat((after * places).sum(0), starts) / np.maximum(number, 1)

    inks, arounds = (np.add.reduceat(places.sum(0), starts) for places in (inside, around))
    contrast = np.abs(mean(inside, inks) - mean(around, arounds))
    judged = (inks >= 4) & (arounds >= 4)
    good = int((judged & (contrast >= LEGIBLE_CONTRAST)).sum())
    return good >= 2 and 2 * good >= int(judged.sum())
