"""How far annotators agree on a label beyond chance, over every image that at least two of them read."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

VOTES = (-1, 0, 1)  # uncertain, absent, present
COHEN, KRIPPENDORFF = "Cohen's kappa", "Krippendorff's alpha"
_ALL_EQUAL = "all votes are equal, so agreement can't be told from chance"


@dataclass(frozen=True)
class Pattern:
    """The votes of a group of annotators, and the number of images with the same votes."""

    annotators: tuple[int, ...]
    votes: tuple[int, ...]  # in the order of the annotators
    images: int

    @property
    def is_split(self) -> bool:
        """Whether the annotators differ."""
        return len(set(self.votes)) > 1


@dataclass(frozen=True)
class Agreement:
    """The agreement over some images, as one coefficient or with the cause why it is not defined."""

    measure: str | None  # "Cohen's kappa" or "Krippendorff's alpha"
    kappa: float | None  # the coefficient: 1 complete agreement, 0 that of chance
    images: int  # that several annotators read
    differing: int  # of these, images on which they differ
    annotators: tuple[int, ...]  # everyone who read any of these images
    cause: str | None = None


@dataclass(frozen=True)
class LabelAgreement:
    """The agreement on a label: over all images, and for each group that read the same images."""

    overall: Agreement
    groups: tuple[Agreement, ...]  # by the number of their images; every image is in one group


def label_agreement(patterns: Sequence[Pattern]) -> LabelAgreement:
    """The agreement over all images that several annotators read, and by group of annotators.

    A group is exactly those who read an image, so no image is left out and none counts twice.
    """
    by_group: defaultdict[tuple[int, ...], list[Pattern]] = defaultdict(list)
    for pattern in patterns:
        by_group[pattern.annotators].append(pattern)
    groups = sorted(map(agreement, by_group.values()), key=lambda each: (-each.images, each.annotators))
    return LabelAgreement(agreement(patterns), tuple(groups))


def agreement(patterns: Sequence[Pattern]) -> Agreement:
    """Cohen's kappa if the same two annotators read all images, otherwise Krippendorff's alpha.

    Cohen (1960) compares two annotators. Krippendorff (2011, nominal data) takes any number of readings of
    each image, by any of the annotators, where Fleiss' kappa needs the same number for all images.
    """
    images = sum(pattern.images for pattern in patterns)
    differing = sum(pattern.images for pattern in patterns if pattern.is_split)
    annotators = tuple(sorted({each for pattern in patterns for each in pattern.annotators}))
    votes = {vote for pattern in patterns for vote in pattern.votes}
    if len(votes) < 2:
        cause = _ALL_EQUAL if votes else "no image has labels of two annotators"
        return Agreement(None, None, images, differing, annotators, cause)
    measure, coefficient = (COHEN, _cohen) if len(annotators) == 2 else (KRIPPENDORFF, _krippendorff)
    return Agreement(measure, coefficient(patterns), images, differing, annotators)


def _cohen(patterns: Sequence[Pattern]) -> float:
    """Kappa: 1 less the observed disagreement, divided by the one that the annotators' shares give."""
    table = np.zeros((len(VOTES), len(VOTES)))  # numbers of images, by the votes of both
    for pattern in patterns:
        first, second = map(VOTES.index, pattern.votes)
        table[first, second] += pattern.images
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(1 - (table.sum() - np.trace(table)) / (expected.sum() - np.trace(expected)))


def _krippendorff(patterns: Sequence[Pattern]) -> float:
    """Alpha: 1 less the observed disagreement of pairs of readings, divided by the expected one."""
    counts = np.array([[pattern.votes.count(vote) for vote in VOTES] for pattern in patterns], float)
    weights = np.array([pattern.images for pattern in patterns], float) / (counts.sum(axis=1) - 1)
    pairs = counts[:, :, None] * counts[:, None, :]  # (patterns, votes, votes), with each reading itself
    pairs -= counts[:, :, None] * np.eye(len(VOTES))
    coincidences = (weights[:, None, None] * pairs).sum(axis=0)
    totals = coincidences.sum(axis=1)
    number = totals.sum()
    observed = number - np.trace(coincidences)
    expected = (number**2 - (totals**2).sum()) / (number - 1)
    return float(1 - observed / expected)
