"""Limits of the score from decided pictures, by split conformal prediction.

If the scores of n good pictures and of a new one are exchangeable, the new one is above the k-th highest of
the n with a probability of at most k / (n + 1), whatever their distribution is and also if scores are equal
(Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005).
"""

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from model.limits import Limits

FEWEST_PATIENTS = 50
"""With fewer patients of a modality nothing is calibrated."""
NO_SCORE = 2.0  # a limit that no score reaches
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Rates:
    """The greatest shares of new good pictures that are rejected, and that are in review."""

    rejected: float = 0.005
    in_review: float = 0.03

    @property
    def fewest_for_review(self) -> int:
        """Number of good pictures from which review can begin at any score."""
        return _fewest(self.rejected + self.in_review)

    @property
    def fewest_for_rejection(self) -> int:
        """Number of good pictures from which any score can be rejected."""
        return _fewest(self.rejected)


@dataclass(frozen=True)
class DecidedPicture:
    """A picture that a person has decided about."""

    patient_id: str
    key: str
    is_good: bool
    score: float


def conformal_limits(scores: Sequence[float], rates: Rates) -> Limits:
    """Return limits from the scores of good pictures, one for each patient.

    A new good picture scores `reject_from` or more with a probability of at most `rates.rejected`, and
    `review_from` or more with at most the sum of both rates.
    """
    review_from = _limit(scores, rates.rejected + rates.in_review)
    return Limits(review_from, max(review_from, _limit(scores, rates.rejected)))


def one_for_each_patient(pictures: Iterable[DecidedPicture]) -> list[DecidedPicture]:
    """Return one good picture of each patient, chosen by a digest of its key, so regardless of its score.

    Pictures of one patient resemble one another, so they are not exchangeable with one of a new patient.
    """
    chosen: dict[str, DecidedPicture] = {}
    for picture in sorted((each for each in pictures if each.is_good), key=lambda each: _digest(each.key)):
        chosen.setdefault(picture.patient_id, picture)
    return list(chosen.values())


def by_modality(pictures: Iterable[tuple[str, DecidedPicture]]) -> Mapping[str, list[DecidedPicture]]:
    """Return the pictures of each modality, modalities in order of their codes."""
    found: dict[str, list[DecidedPicture]] = {}
    for modality, picture in pictures:
        found.setdefault(modality, []).append(picture)
    return dict(sorted(found.items()))


def _limit(scores: Sequence[float], rate: float) -> float:
    """The lowest number above the k-th highest score, with the greatest k that keeps the rate."""
    k = math.floor(rate * (len(scores) + 1) + _ROUNDING)
    if k == 0:
        return NO_SCORE
    return math.nextafter(sorted(scores, reverse=True)[k - 1], math.inf)


def _fewest(rate: float) -> int:
    return math.ceil(1 / rate - _ROUNDING) - 1


def _digest(key: str) -> str:
    return hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
