"""Choose the two thresholds on patients of the tuning half that the net doesn't learn from."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deidentification.pixels.text.arrays import Bytes
from deidentification.pixels.text.cell_net import CELL, Weights
from model.text_detector.fonts.designs import Half
from model.text_detector.mining import row_scores, search_planes
from model.text_detector.pictures import SOURCES_WITH_TEXT
from model.text_detector.variants import variants
from model.training.sources.corpus import Source

FOUND = 0.975
"""The part of the drawn texts that must reach the threshold."""
LOST_EARLY = 0.003
"""The part of these that the first guess may lose."""
_CHOOSERS = {"CT": 1, "MR": 1, "US": 1}
_TEXTS = 120  # drawn for each patient
_EVERYTHING = -99.0
_EARLY_STEPS = (-3.0, -2.5, -2.0, -1.5)


def choosers(sources: Sequence[Source]) -> set[str]:
    """Names of the patients to choose on: of some modalities those with the smallest SHA-256."""
    names: set[str] = set()
    for modality, number in _CHOOSERS.items():
        own = [source.name for source in sources if source.modality == modality]
        names |= set(sorted(own, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:number])
    return names


@dataclass(frozen=True)
class Thresholds:
    """What was chosen, and what it finds and where it fires on these patients."""

    early: float
    sure: float
    found: float
    clean_pictures_that_fire: float


def choose(weights: Weights, sources: Sequence[Source]) -> Thresholds:
    """The highest thresholds at which enough texts are found."""
    texts = [text for source in sources for text in _texts(source)]
    lowest = _text_scores(weights, texts, _EVERYTHING)
    sure = round(float(np.quantile(lowest, 1 - FOUND, method="lower")), 2)
    early = _EVERYTHING
    for step in _EARLY_STEPS:
        lost = float((lowest >= sure).mean() - (_text_scores(weights, texts, step) >= sure).mean())
        if lost > LOST_EARLY:
            break
        early = step
    found = float((_text_scores(weights, texts, early) >= sure).mean())
    clean = np.array(list(_clean_scores({**weights, "early": np.array(early, np.float32)}, sources)))
    return Thresholds(early, sure, round(found, 4), round(float((clean >= sure).mean()), 4))


Text = tuple[Bytes, tuple[int, int, int, int]]


def _texts(source: Source) -> Iterator[Text]:
    for variant in variants(source, Half.TUNING, _TEXTS, 5):
        if variant.drawn is not None and not variant.lacks:
            yield variant.drawn.picture, variant.drawn.ink


def _text_scores(weights: Weights, texts: Sequence[Text], early: float) -> NDArray[np.float64]:
    """For each text the highest score among its cells."""
    weights = {**weights, "early": np.array(early, np.float32)}
    return np.array([_text_score(weights, *text) for text in texts])


def _text_score(weights: Weights, picture: Bytes, ink: tuple[int, int, int, int]) -> float:
    left, top, width, height = ink
    cells = np.s_[top // CELL : (top + height - 1) // CELL + 1, left // CELL : (left + width - 1) // CELL + 1]
    parts = [row_scores(plane, weights)[cells] for plane in search_planes(picture, halved=False)]
    return max((float(part.max()) for part in parts if part.size), default=_EVERYTHING)


def _clean_scores(weights: Weights, sources: Sequence[Source]) -> Iterator[float]:
    for source in sources:
        for picture in source.pictures if source.name not in SOURCES_WITH_TEXT else ():
            yield max(float(row_scores(plane, weights).max()) for plane in search_planes(picture))
