"""Find text that was drawn into a picture, in milliseconds and without reading it.

Each step works on what the one before it left over:

1. cells of 8 x 8 pixels with hard edges (`edge_cells`);
2. a small net says for each of these cells how much it looks like text (`cell_net`);
3. cells in a row, of which at least three together are sure enough, are joined to boxes.

Text turned by 90° is found like upright text. Of a colour picture the brightest and the darkest channel
are searched, and each channel where these two have no edges. docs/text-detector.md has the figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from deidentification.pixels.text.arrays import Bytes, Floats, Mask, grown, mean_of, padded, resized
from deidentification.pixels.text.cell_net import CELL, cell_scores, load_weights, prepare
from deidentification.pixels.text.edge_cells import EDGE, cells_with_edges

LIKELY = -3.0
"""The logit at which a cell belongs to a box."""
CERTAIN = 0.0
"""The logit at which a cell belongs to a part of a box that is worth reading."""
MOST_PARTS = 3
"""Parts of one box, the surest ones."""
LARGE = 1024
"""Pixels: pictures with a longer side are also searched at half their size, and so on, for large letters."""
_MOST_CERTAIN = 8.0  # logits are cut here before their mean is taken
_REPEATED = 0.9  # of a box's area
_MARGIN = 3  # cells around the asked ones that the net sees


@dataclass(frozen=True)
class Box:
    """A place where text seems to be, in pixels of the picture, rows counted downwards."""

    left: int
    top: int
    width: int
    height: int
    score: float
    """The mean logit of the three surest cells in a row."""
    parts: tuple["Box", ...] = ()
    """Its surest parts, the surest first: a box may reach far beyond its text into anatomy."""


def find_text(picture: NDArray[np.uint8], sure: float | None = None) -> list[Box]:
    """Boxes around everything that looks like drawn text, the surest first.

    Parameters
    ----------
    picture
        uint8 (rows, columns) or (rows, columns, 3). A picture smaller than a cell of 8 x 8 has no text.
    sure
        How sure three cells in a row must be, as a mean logit; if None, as the training chose it.
    """
    sure = float(load_weights()["sure"]) if sure is None else sure
    if min(picture.shape[:2]) < CELL:
        return []
    cv2.setNumThreads(1)  # of this process: the pipeline runs one process for each core
    boxes = _found(picture, sure, 1)
    smaller, scale = np.ascontiguousarray(picture), 1
    while max(smaller.shape[:2]) > LARGE and min(smaller.shape[:2]) >= 2 * CELL:
        smaller, scale = resized(smaller, smaller.shape[0] // 2, smaller.shape[1] // 2), 2 * scale
        boxes += _found(smaller, sure, scale)
    clipped = [_clipped(box, *picture.shape[:2]) for box in boxes]
    return _without_repetitions(sorted(clipped, key=lambda box: (-box.score, box.top, box.left)))


def _without_repetitions(boxes: list[Box]) -> list[Box]:
    """Without boxes of text that a surer box of about the same size holds: found in two planes or scales."""
    kept: list[Box] = []
    for box in boxes:
        if not any(_repeats(box, surer) for surer in kept):
            kept.append(box)
    return kept


def _repeats(box: Box, surer: Box) -> bool:
    area, other = box.width * box.height, surer.width * surer.height
    width = min(box.left + box.width, surer.left + surer.width) - max(box.left, surer.left)
    height = min(box.top + box.height, surer.top + surer.height) - max(box.top, surer.top)
    return max(0, width) * max(0, height) >= _REPEATED * area and other <= 2 * area


def _clipped(box: Box, rows: int, columns: int) -> Box:
    width, height = min(box.width, columns - box.left), min(box.height, rows - box.top)
    parts = tuple(_clipped(part, rows, columns) for part in box.parts)
    return replace(box, width=width, height=height, parts=parts)


def _found(picture: Bytes, sure: float, scale: int) -> list[Box]:
    """Boxes in a picture that was reduced by `scale`, in pixels of the original one."""
    return [
        box for grey, asked in _planes(picture) for box in _found_in_plane(grey, asked, sure, CELL * scale)
    ]


def _planes(picture: Bytes) -> Iterator[tuple[Bytes, Mask]]:
    """The grey pictures to search and their cells with edges."""
    if picture.ndim == 2:
        grey = np.ascontiguousarray(picture)
        yield grey, cells_with_edges(grey)
        return
    channels = cast("tuple[Bytes, Bytes, Bytes]", cv2.split(np.ascontiguousarray(picture)))
    red, green, blue = channels
    brightest: Bytes = np.maximum(np.maximum(red, green), blue)
    darkest: Bytes = np.minimum(np.minimum(red, green), blue)
    if int((brightest - darkest).max()) <= EDGE:
        yield green, cells_with_edges(green)
        return
    bright, dark = cells_with_edges(brightest), cells_with_edges(darkest)
    yield brightest, bright
    yield darkest, dark
    searched = bright | dark
    # Text may differ from what lies under it in hue alone: then these two planes have no edges there.
    for plane in channels:
        asked = cells_with_edges(plane) & ~searched
        searched |= asked
        yield plane, asked


def _found_in_plane(grey: Bytes, asked: Mask, sure: float, cell: int) -> list[Box]:
    """Boxes in one plane; `cell` is the side of a cell in pixels of the original picture."""
    if not asked.any():
        return []
    # Only the part that has such cells is prepared.
    rows, columns = np.flatnonzero(asked.any(1)), np.flatnonzero(asked.any(0))
    top, left = max(0, int(rows[0]) - _MARGIN), max(0, int(columns[0]) - _MARGIN)
    bottom, right = int(rows[-1]) + _MARGIN + 1, int(columns[-1]) + _MARGIN + 1
    asked = np.ascontiguousarray(asked[top:bottom, left:right])
    part = grey[top * CELL : bottom * CELL, left * CELL : right * CELL]
    part = padded(part, asked.shape[0] * CELL - part.shape[0], asked.shape[1] * CELL - part.shape[1])
    scores = cell_scores(prepare(part), asked, load_weights())
    rows_of_cells = in_a_row(scores)
    if rows_of_cells.max() < sure:
        return []
    boxes = []
    for box in _joined(scores, rows_of_cells, LIKELY, sure):
        inside = np.s_[box.top : box.top + box.height, box.left : box.left + box.width]
        parts = _joined(scores[inside], rows_of_cells[inside], CERTAIN, sure)
        surest = sorted(parts, key=lambda part: -part.score)[:MOST_PARTS]
        placed = [_placed(part, left + box.left, top + box.top, cell) for part in surest]
        boxes.append(replace(_placed(box, left, top, cell), parts=tuple(placed)))
    return boxes


def _placed(box: Box, left: int, top: int, cell: int) -> Box:
    """A box in cells of a part of the picture as one in pixels; the part begins at this cell."""
    return Box(
        (box.left + left) * cell, (box.top + top) * cell, box.width * cell, box.height * cell, box.score
    )


def in_a_row(scores: Floats) -> Floats:
    """For each cell the mean logit of three cells beside or below each other, whichever is larger."""
    capped = np.clip(scores, -_MOST_CERTAIN, _MOST_CERTAIN)
    return np.maximum(mean_of(capped, 3, 1), mean_of(capped, 1, 3))


def _components(marked: Bytes) -> tuple[int, NDArray[np.int32], NDArray[np.int32]]:
    """Number of groups of touching places, each place's group, and the groups' rectangles; 0 is unmarked."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats(marked, connectivity=8)
    return count, cast("NDArray[np.int32]", labels), cast("NDArray[np.int32]", stats)


def _joined(scores: Floats, rows: Floats, least: float, sure: float) -> Iterator[Box]:
    """Boxes of neighbouring cells over a logit, in cells.

    `rows` are the mean logits of three cells in a row; the largest one of a box must be sure enough.
    """
    likely = scores > least
    count, labels, stats = _components(grown(likely).view(np.uint8))
    best = np.full(count, -99.0, np.float32)
    np.maximum.at(best, labels.ravel(), np.where(likely, rows, -99).ravel())
    best[0] = -99.0  # label 0 is everything that isn't likely
    for label in np.flatnonzero(best >= sure):
        x, y, width, height = (int(v) for v in stats[label, :4])
        # Back to the likely cells themselves, without the cells that joined them.
        inside = labels[y : y + height, x : x + width] == label
        inside &= likely[y : y + height, x : x + width]
        ys, xs = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        size = int(xs[-1] - xs[0]) + 1, int(ys[-1] - ys[0]) + 1
        yield Box(x + int(xs[0]), y + int(ys[0]), *size, float(best[label]))
