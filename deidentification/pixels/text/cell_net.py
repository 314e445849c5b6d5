"""A small convolutional net that says for each cell of 8 x 8 pixels whether drawn text lies there.

It is evaluated with matrix products and only where it is asked, so that a clean picture costs little.
Layers: 4 x 4 pixels → 16 (every 4 pixels), 4 x 4 of these → 32 (every cell), 3 x 3 cells → 64,
3 x 3 cells → 32, 3 x 3 cells → 1. The weights are trained by `model.text_detector.train`.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from deidentification.pixels.text.arrays import Bytes, Floats, Mask, grown, resized

CELL = 8
"""Pixels, the side of a cell."""
NOT_TEXT = -20.0
"""The logit of cells that were not asked for or that the first guess ruled out."""
WEIGHTS = Path(__file__).with_name("cell_net_weights.npz")

_HALF_STRENGTH = 16.0  # grey levels at which a compressed difference is one half
_SURROUNDINGS = 17  # pixels, the side of the square whose mean is subtracted
_DIFFERENCE = (np.arange(256) - 128.0) * 2
_COMPRESSED = (_DIFFERENCE / (np.abs(_DIFFERENCE) + _HALF_STRENGTH)).astype(np.float32)
_FIRST, _SECOND = 16, 32  # depth of the first two layers
_PART = 2048  # cells computed at once

Weights = dict[str, Floats]
Places = NDArray[np.intp]


def prepare(grey: Bytes) -> Bytes:
    """Half of each pixel's difference from the mean around it, plus 128: what the net sees.

    Parameters
    ----------
    grey
        uint8 (rows, columns).
    """
    around = cv2.blur(grey, (_SURROUNDINGS, _SURROUNDINGS), borderType=cv2.BORDER_REFLECT)
    return cast("Bytes", cv2.addWeighted(grey, 0.5, around, -0.5, 128))


def compress(prepared: Bytes) -> Floats:
    """Prepared pixels of any shape as -1…1: 16 grey levels are a half, so weak and strong text look alike."""
    compressed: Floats = _COMPRESSED[prepared]
    return compressed


@cache
def load_weights(path: Path = WEIGHTS) -> Weights:
    """The arrays that the training wrote.

    w1, b1 … w5, b5 are the layers' weights, wa and ba those of the first guess. `early` is the first guess's
    logit from which the rest of the net is computed, and `sure` the mean logit at which three cells in a row
    are text; both are scalars.
    """
    with np.load(path) as file:
        return {name: file[name] for name in file.files}


def cell_scores(prepared: Bytes, asked: Mask, weights: Weights) -> Floats:
    """The net's logit for every asked cell, and `NOT_TEXT` elsewhere.

    Every layer is computed only where the next one needs it.

    Parameters
    ----------
    prepared
        What `prepare` returned, uint8 (8 · rows, 8 · columns).
    asked
        (rows, columns), one for each cell.
    weights
        See `load_weights`.

    Returns
    -------
    float32 (rows, columns).
    """
    scores = np.full(asked.shape, NOT_TEXT, np.float32)
    # The first guess needs the second layer alone; only where it sees text the rest is computed.
    cells = np.flatnonzero(asked)
    values = _second_layer(prepared, asked, weights)
    early = np.zeros(asked.shape, np.bool_)
    early.ravel()[cells] = values @ weights["wa"][:, 0] + weights["ba"] >= weights["early"]
    wanted = grown(early) & asked
    if wanted.any():
        around = grown(grown(grown(wanted))) & ~asked
        layer = _SparseMap(asked.shape, _SECOND)
        layer.add(cells, values)
        layer.add(np.flatnonzero(around), _second_layer(prepared, around, weights))
        scores.ravel()[np.flatnonzero(wanted)] = _last_layers(layer, wanted, weights)
    return scores


def _last_layers(layer: "_SparseMap", wanted: Mask, weights: Weights) -> Floats:
    """The logits of the wanted cells, from the second layer around them."""
    fourth = grown(wanted)
    for name, needed in (("3", grown(fourth)), ("4", fourth)):
        places = np.flatnonzero(needed)
        values = _dense(layer.around(places), weights, name)
        layer = _SparseMap(wanted.shape, values.shape[1])
        layer.add(places, values)
    logits: Floats = layer.around(np.flatnonzero(wanted)) @ weights["w5"][:, 0] + weights["b5"]
    return logits


class _SparseMap:
    """Values at some places of a grid, zeros at all other places and around the grid.

    A list of values, whose first one is all zeros, and a grid with a margin of one that says where in the
    list each place's values are. Places are numbered row by row, without the margin.
    """

    def __init__(self, shape: tuple[int, ...], depth: int) -> None:
        rows, columns = shape
        self._columns = columns
        self._index = np.zeros((rows + 2) * (columns + 2), np.int32)
        self._values = np.zeros((1, depth), np.float32)

    def add(self, places: Places, values: Floats) -> None:
        """Add values (places, depth) at places that have none yet."""
        self._index[self._corners(places) + self._columns + 3] = np.arange(len(places)) + len(self._values)
        self._values = np.concatenate([self._values, values])

    def around(self, places: Places, side: int = 3) -> Floats:
        """For each place the values of `side` x `side` places, from one row up and one column left of it.

        Returns
        -------
        float32 (places, side · side · depth).
        """
        offsets = (np.arange(side)[:, None] * (self._columns + 2) + np.arange(side)).ravel()
        rows = self._index[self._corners(places)[:, None] + offsets]
        return self._values.take(rows.ravel(), 0).reshape(len(places), -1)

    def _corners(self, places: Places) -> Places:
        return places + 2 * (places // self._columns)


def _dense(inputs: Floats, weights: Weights, name: str) -> Floats:
    values: Floats = inputs @ weights["w" + name]
    values += weights["b" + name]
    return np.maximum(values, 0, out=values)


def _second_layer(prepared: Bytes, needed: Mask, weights: Weights) -> Floats:
    """The first two layers at the needed cells, float32 (cells, 32), in the cells' order."""
    rows, columns = 2 * needed.shape[0], 2 * needed.shape[1]  # of squares of 4 x 4 pixels
    if not needed.any():
        return np.zeros((0, _SECOND), np.float32)
    squares = np.flatnonzero(
        grown(resized(needed.view(np.uint8), rows, columns, cv2.INTER_NEAREST).view(np.bool_))
    )
    fours = np.ascontiguousarray(prepared).view(np.uint32).ravel()  # four pixels of a row as one number
    corners = squares + 3 * columns * (squares // columns)
    lines = np.arange(4) * columns

    def first_layer(part: Places) -> Floats:
        return _dense(compress(fours[part[:, None] + lines].view(np.uint8)), weights, "1")

    first = _SparseMap((rows, columns), _FIRST)
    first.add(squares, _in_parts(first_layer, corners, 4 * _PART))
    row, column = np.nonzero(needed)
    places = 2 * row * columns + 2 * column
    return _in_parts(lambda part: _dense(first.around(part, 4), weights, "2"), places, _PART)


def _in_parts(layer: Callable[[Places], Floats], places: Places, size: int) -> Floats:
    """A layer at many places, so many at a time that its inputs stay in the processor's cache."""
    if len(places) <= size:
        return layer(places)
    return np.concatenate([layer(places[start : start + size]) for start in range(0, len(places), size)])
