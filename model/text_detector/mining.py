"""Find where the net comes nearest to seeing text in pictures of the tuning half that hold none there."""

from collections.abc import Iterator, Sequence

import numpy as np

from deidentification.pixels.text.arrays import Bytes, Floats, resized
from deidentification.pixels.text.cell_net import CELL, Weights, cell_scores, prepare
from deidentification.pixels.text.edge_cells import LARGEST_EDGE, cells_with_edges
from deidentification.pixels.text.text_detector import LARGE, in_a_row
from model.text_detector.crops import NO_TEXT, SIDE, Cells, CropMaker
from model.text_detector.pictures import free_part
from model.training.sources.corpus import Source

_NEAREST = 12  # places of a picture
_FROM = -2.0  # logits
_APART = 5  # cells
_PICTURES = 6  # of a source
_LARGEST_EDGE = 40  # grey levels; noise is left out more strictly than by the detector
_COPIES = 3  # of a hard crop: as it is, then with text
_RANDOM_VIEWS = 5000
_HARDEST_VIEWS = 0.15


def hard_crops(weights: Weights, sources: Sequence[Source], rng: np.random.Generator) -> tuple[Bytes, Cells]:
    """Crops of the hardest places, each as it is and with text drawn into it, and their cells."""
    maker = CropMaker(sources, rng)
    hard = [crop for source in sources for crop in _of_source(source, weights)]
    hard += _hardest_views(maker, weights)
    made = [(crop, np.full((SIDE // CELL, SIDE // CELL), NO_TEXT, np.int8)) for crop in hard]
    made += [maker.with_text(crop.copy()) for crop in hard for _ in range(_COPIES - 1)]
    return np.stack([crop for crop, _ in made]), np.stack([cells for _, cells in made])


def row_scores(grey: Bytes, weights: Weights, largest_edge: int = LARGEST_EDGE) -> Floats:
    """The mean logits of three cells in a row, for a grey picture whose sides are multiples of a cell."""
    return in_a_row(cell_scores(prepare(grey), cells_with_edges(grey, largest_edge), weights))


def _of_source(source: Source, weights: Weights) -> Iterator[Bytes]:
    for picture in source.pictures[:_PICTURES]:
        for grey in search_planes(free_part(source, picture)):
            if min(grey.shape) >= SIDE:
                yield from _nearest(grey, weights)


def search_planes(picture: Bytes, *, halved: bool = True) -> Iterator[Bytes]:
    """The grey pictures that the detector searches, large ones also at half size, cut to complete cells."""
    for plane in [picture] if picture.ndim == 2 else [picture.max(2), picture.min(2)]:
        grey = np.ascontiguousarray(plane)
        yield _complete_cells(grey)
        if halved and max(grey.shape) > LARGE:
            yield _complete_cells(resized(grey, grey.shape[0] // 2, grey.shape[1] // 2))


def _complete_cells(grey: Bytes) -> Bytes:
    rows, columns = (length // CELL * CELL for length in grey.shape)
    return np.ascontiguousarray(grey[:rows, :columns])


def _nearest(grey: Bytes, weights: Weights) -> Iterator[Bytes]:
    scores = row_scores(grey, weights, _LARGEST_EDGE).copy()
    for _ in range(_NEAREST):
        row, column = np.unravel_index(int(scores.argmax()), scores.shape)
        if scores[row, column] < _FROM:
            return
        scores[
            max(0, row - _APART) : row + _APART + 1, max(0, column - _APART) : column + _APART + 1
        ] = -np.inf
        top = min(max(0, int(row) * CELL - SIDE // 2), grey.shape[0] - SIDE)
        left = min(max(0, int(column) * CELL - SIDE // 2), grey.shape[1] - SIDE)
        yield grey[top : top + SIDE, left : left + SIDE]


def _hardest_views(maker: CropMaker, weights: Weights) -> list[Bytes]:
    views = [maker.clean() for _ in range(_RANDOM_VIEWS)]
    scores = np.array([row_scores(view, weights, _LARGEST_EDGE).max() for view in views])
    chosen = np.argsort(-scores, kind="stable")[: int(_HARDEST_VIEWS * len(views))]
    return [views[index] for index in chosen]
