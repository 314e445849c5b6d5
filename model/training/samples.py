"""Build the training table: features of clean, mildly changed and degraded pictures."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing import get_context

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from model.features.image_features import FEATURE_NAMES, image_features
from model.features.picture_views import Picture, box_reduced
from model.training.degradation.degradations import MILD_CHANGES, degraded, inverted
from model.training.degradation.picture_arithmetic import to_picture
from model.training.sources.corpus import Source

CLEAN = "clean"
CLEAN_INVERTED = "clean, inverted"
MILD = "mild change"
REALLY_BAD = "bad in practice"
CLEAN_KINDS = (CLEAN, CLEAN_INVERTED)
GOOD_KINDS = (*CLEAN_KINDS, MILD)
INVERTIBLE = frozenset({"CR", "CT", "DX", "MG", "NM", "PT", "XA"})
"""Modalities of which practice knows pictures on black and on white, so that neither is a fault."""
_SHARE_INVERTED = 0.25  # of the changed and degraded pictures of these modalities
_EVEN_MODALITY = (
    12  # sources; the sources of a modality with more count less, so that none outweighs the others
)
_PICTURES_PER_SOURCE = 4
_MILD_CHAINS = 15
_LARGEST_SIDE = 1200
_FEWEST_FOR_PROCESSES = 12  # sources; fewer are measured faster than a process starts


@dataclass(frozen=True)
class Samples:
    """The training table with one row per picture. All arrays have the same length n."""

    features: NDArray[np.float64]
    """float64 (n, len(FEATURE_NAMES))."""
    bad: NDArray[np.bool_]
    source: NDArray[np.intp]
    """Index of the source. Evaluation keeps a source together."""
    kind: NDArray[np.str_]
    """Name of the degradation, CLEAN, MILD or REALLY_BAD."""
    importance: NDArray[np.float64]
    """The weight of the sample's source; less than 1 in a modality with many sources."""
    modality: NDArray[np.str_]
    """DICOM modality code of the sample's source, empty if it isn't known."""

    @property
    def clean(self) -> NDArray[np.bool_]:
        """Whether the picture is as it was taken, or that with black and white exchanged."""
        return np.isin(self.kind, CLEAN_KINDS)

    @property
    def weights(self) -> NDArray[np.float64]:
        """float64 (n,) with mean 1: sources count by importance, good and bad pictures half each."""
        cells = self.source * 2 + self.bad
        weights = self.importance / np.bincount(cells)[cells]
        scaled: NDArray[np.float64] = weights * (weights.size / weights.sum())
        return scaled

    def where(self, chosen: NDArray[np.bool_]) -> "Samples":
        """Return the chosen rows."""
        return Samples(
            self.features[chosen],
            self.bad[chosen],
            self.source[chosen],
            self.kind[chosen],
            self.importance[chosen],
            self.modality[chosen],
        )


def build_samples(sources: Sequence[Source], seed: int, progress: Callable[[str], None]) -> Samples:
    """Degrade and measure every source's pictures. The same seed gives the same table."""
    rows: list[NDArray[np.float64]] = []
    owners: list[int] = []
    kinds: list[str] = []
    with _workers(len(sources)) as pool:
        pictures = [max(1, round(_PICTURES_PER_SOURCE * share)) for share in _shares(sources)]
        jobs = range(len(sources)), sources, [seed] * len(sources), pictures
        measured = map(_measured, *jobs) if pool is None else pool.map(_measured, *jobs)
        for index, (source, table) in enumerate(zip(sources, measured, strict=True)):
            for kind, features in table:
                rows.append(features)
                owners.append(index)
                kinds.append(kind)
            progress(f"Measured {source.name}: {len(table)} pictures ({index + 1} of {len(sources)}).")
    owner_array, kind_array = np.array(owners), np.array(kinds)
    features = np.array(rows).reshape(-1, len(FEATURE_NAMES))
    weights = [source.weight * share for source, share in zip(sources, _shares(sources), strict=True)]
    importance = np.array(weights)[owner_array]
    modality = np.array([source.modality for source in sources])[owner_array]
    return Samples(features, ~np.isin(kind_array, GOOD_KINDS), owner_array, kind_array, importance, modality)


def _shares(sources: Sequence[Source]) -> list[float]:
    """Return for each source 1, or less in a modality with many sources."""
    counts = Counter(source.modality for source in sources if source.modality)
    return [min(1.0, _EVEN_MODALITY / counts.get(source.modality, 1)) for source in sources]


def _workers(sources: int) -> "ProcessPoolExecutor | nullcontext[None]":
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count == 1 or sources < _FEWEST_FOR_PROCESSES:
        return nullcontext()
    # Spawn instead of fork, because the parent may run threads of its numerical library.
    return ProcessPoolExecutor(count, mp_context=get_context("spawn"))


def _measured(index: int, source: Source, seed: int, pictures: int) -> list[tuple[str, NDArray[np.float64]]]:
    rng = np.random.default_rng([seed, index])
    return [(kind, image_features(picture)) for kind, picture in _pictures(source, rng, pictures)]


def _pictures(source: Source, rng: Generator, pictures: int) -> Iterator[tuple[str, Picture]]:
    """Yield the clean pictures, and changed and degraded versions of about `pictures` of them."""
    turned = source.modality in INVERTIBLE
    for picture in source.pictures:
        yield CLEAN, picture
        if turned:
            yield CLEAN_INVERTED, inverted(picture)
    for picture in source.bad_pictures:
        yield REALLY_BAD, picture
    if not source.pictures:
        return
    chosen = [_bounded(picture) for picture in source.pictures[:pictures]]
    for picture in chosen * -(-pictures // len(chosen)):
        for kind, changed in _changes(picture, rng):
            turn = turned and rng.random() < _SHARE_INVERTED
            yield kind, inverted(changed) if turn else changed


def _changes(picture: Picture, rng: Generator) -> Iterator[tuple[str, Picture]]:
    for change in MILD_CHANGES.values():
        yield MILD, change(picture, rng)
    for _ in range(_MILD_CHAINS):
        yield MILD, _changed(picture, rng)
    # Degrade a mildly changed picture, so that the mild change alone doesn't separate good from bad.
    yield from degraded(_changed(picture, rng), rng)


def _bounded(picture: Picture) -> Picture:
    """Box-reduce a very large picture; otherwise degrading mammograms would take most of the time."""
    factor = -(-max(picture.shape[:2]) // _LARGEST_SIDE)
    return picture if factor == 1 else to_picture(box_reduced(picture, factor))


def _changed(picture: Picture, rng: Generator) -> Picture:
    for name in rng.choice(list(MILD_CHANGES), 3, replace=False):
        picture = MILD_CHANGES[name](picture, rng)
    return picture
