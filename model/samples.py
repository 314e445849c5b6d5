"""The table the quality model is fitted to: features of clean, mildly changed and spoiled pictures."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from model.corpus import Source
from model.degradations import MILD_CHANGES, degraded
from model.features import FEATURE_NAMES, image_features
from model.picture_views import Picture

CLEAN = "clean"
MILD = "mild change"
_PICTURES_PER_SOURCE = 4
_MILD_CHAINS = 15


@dataclass(frozen=True)
class Samples:
    """One row per picture; all arrays have the same length n."""

    features: NDArray[np.float64]
    """float64 (n, len(FEATURE_NAMES))."""
    bad: NDArray[np.bool_]
    source: NDArray[np.intp]
    """Index of the source, by which evaluation is grouped."""
    kind: NDArray[np.str_]
    """Name of the degradation, CLEAN or MILD."""

    @property
    def weights(self) -> NDArray[np.float64]:
        """float64 (n,): every source counts the same, half of it good and half bad; the mean is 1."""
        cells = self.source * 2 + self.bad
        counts = np.bincount(cells)
        return self.bad.size / (np.count_nonzero(counts) * counts[cells])

    def where(self, chosen: NDArray[np.bool_]) -> "Samples":
        """The chosen rows."""
        return Samples(self.features[chosen], self.bad[chosen], self.source[chosen], self.kind[chosen])


def build_samples(sources: Sequence[Source], seed: int, progress: Callable[[str], None]) -> Samples:
    """Spoil and measure every source's pictures; the same seed gives the same table."""
    rows: list[NDArray[np.float64]] = []
    owners: list[int] = []
    kinds: list[str] = []
    for index, source in enumerate(sources):
        for kind, picture in _pictures(source, np.random.default_rng([seed, index])):
            rows.append(image_features(picture))
            owners.append(index)
            kinds.append(kind)
        progress(f"Measured {source.name}: {owners.count(index)} pictures ({index + 1} of {len(sources)}).")
    kind_array = np.array(kinds)
    features = np.array(rows).reshape(-1, len(FEATURE_NAMES))
    return Samples(features, ~np.isin(kind_array, (CLEAN, MILD)), np.array(owners), kind_array)


def _pictures(source: Source, rng: Generator) -> Iterator[tuple[str, Picture]]:
    """The clean pictures, and about as many changed and spoiled ones for every source."""
    for picture in source.pictures:
        yield CLEAN, picture
    rounds = -(-_PICTURES_PER_SOURCE // len(source.pictures))
    for picture in source.pictures[:_PICTURES_PER_SOURCE] * rounds:
        for change in MILD_CHANGES.values():
            yield MILD, change(picture, rng)
        for _ in range(_MILD_CHAINS):
            yield MILD, _changed(picture, rng)
        # Spoiling a mildly changed picture keeps the change itself from telling good from bad.
        yield from degraded(_changed(picture, rng), rng)


def _changed(picture: Picture, rng: Generator) -> Picture:
    for name in rng.choice(list(MILD_CHANGES), 3, replace=False):
        picture = MILD_CHANGES[name](picture, rng)
    return picture
