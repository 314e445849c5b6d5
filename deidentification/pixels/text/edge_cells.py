"""Which cells of a picture have so many hard edges that drawn text may be there."""

from typing import cast

import cv2
import numpy as np

from deidentification.pixels.text.arrays import Bytes, Mask, gradient, mean_of, padded, resized
from deidentification.pixels.text.cell_net import CELL

EDGE = 12
"""Grey levels between the extremes of 3 x 3 pixels that make an edge. Weaker text isn't looked for."""
LARGEST_EDGE = 24
"""The same in noisy pictures: twice the noise, but never more than this."""
DENSITY = 40
"""Of 255: the part of the pixels in and around a cell that must be edges."""
_FLAT = 4  # grey levels; smaller differences aren't noise but flat background
_FEWEST = 64  # pixels from which the noise is estimated
_STRIP = 16  # cells; strips stay in the processor's cache


def cells_with_edges(grey: Bytes, largest_edge: int = LARGEST_EDGE) -> Mask:
    """Mark the cells of 8 x 8 pixels with many edges in and around them, if a neighbour has them too.

    Parameters
    ----------
    grey
        uint8 (rows, columns).
    largest_edge
        Grey levels that make an edge in noise, at most.

    Returns
    -------
    bool (rows / 8, columns / 8), both rounded up.
    """
    density = _edge_density(grey, largest_edge)
    dense = np.minimum(density, mean_of(density, 3, 3)) >= DENSITY
    paired = np.zeros_like(dense)  # text is never one cell alone
    beside, below = dense[:, 1:] & dense[:, :-1], dense[1:] & dense[:-1]
    paired[:, 1:] |= beside
    paired[:, :-1] |= beside
    paired[1:] |= below
    paired[:-1] |= below
    return paired


def _edge_density(grey: Bytes, largest_edge: int) -> Bytes:
    rows, columns = -(-grey.shape[0] // CELL), -(-grey.shape[1] // CELL)
    missing = columns * CELL - grey.shape[1]
    density = np.empty((rows, columns), np.uint8)
    for first in range(0, rows, _STRIP):
        start, end = first * CELL, min((first + _STRIP) * CELL, grey.shape[0])
        above, below = min(start, 1), min(grey.shape[0] - end, 1)
        steps = gradient(grey[start - above : end + below])[above : above + end - start]
        edges = cast(
            "Bytes", cv2.threshold(steps, _edge_of(steps, largest_edge) - 1, 255, cv2.THRESH_BINARY)[1]
        )
        edges = padded(edges, -edges.shape[0] % CELL, missing)
        density[first : first + _STRIP] = resized(edges, len(edges) // CELL, columns)
    return density


def _edge_of(steps: Bytes, largest_edge: int) -> int:
    """The grey levels that make an edge in a strip: twice the median difference, so that noise makes none."""
    counts = np.bincount(steps[::4, ::4].ravel(), minlength=256)
    counts[:_FLAT] = 0
    total = int(counts.sum())
    if total < _FEWEST:
        return EDGE
    median = int(np.searchsorted(np.cumsum(counts), total / 2))
    return min(max(EDGE, 2 * median), largest_edge)
