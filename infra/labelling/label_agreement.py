"""How far annotators agree on a label beyond chance, as kappa."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

VOTES = (-1, 0, 1)  # uncertain, absent, present


@dataclass(frozen=True)
class Pattern:
    """The votes of a group of annotators, and the number of images with the same votes."""

    annotators: tuple[int, ...]
    votes: tuple[int, ...]  # in the order of the annotators
    images: int


@dataclass(frozen=True)
class Agreement:
    """One kappa, or the cause why it is not defined."""

    measure: str | None  # "Cohen's kappa" or "Fleiss' kappa"
    kappa: float | None
    images: int  # that every annotator of the group labelled
    cause: str | None = None


def agreement(patterns: Sequence[Pattern]) -> Agreement:
    """Cohen's kappa for two annotators (Cohen 1960), Fleiss' for more (Fleiss 1971).

    Both need the same number of annotators for every image, so only the images of the most frequent
    number count. Fleiss' kappa allows different annotators for each image, Cohen's does not.
    """
    images: Counter[int] = Counter()
    for pattern in patterns:
        images[len(pattern.annotators)] += pattern.images
    if not images:
        return Agreement(None, None, 0, "no image has labels of two annotators")
    raters, number = max(images.items(), key=lambda item: (item[1], item[0]))
    chosen = [pattern for pattern in patterns if len(pattern.annotators) == raters]
    if len({vote for pattern in chosen for vote in pattern.votes}) == 1:
        return Agreement(None, None, number, "all votes are equal, so agreement can't be told from chance")
    if raters == 2 and len({pattern.annotators for pattern in chosen}) == 1:
        return Agreement("Cohen's kappa", _cohen(chosen), number)
    if find_spec("statsmodels") is None:  # an optional package
        cause = "statsmodels is not installed: pip install 'dcm2set[training-sets]'"
        return Agreement(None, None, number, cause)
    return Agreement("Fleiss' kappa", _fleiss(chosen), number)


def _cohen(patterns: Sequence[Pattern]) -> float:
    from sklearn.metrics import cohen_kappa_score

    first, second = zip(*(pattern.votes for pattern in patterns), strict=True)
    weights = [pattern.images for pattern in patterns]
    return float(cohen_kappa_score(first, second, sample_weight=weights))


def _fleiss(patterns: Sequence[Pattern]) -> float:
    import numpy as np
    from statsmodels.stats.inter_rater import fleiss_kappa

    table = np.array([[pattern.votes.count(vote) for vote in VOTES] for pattern in patterns])
    return float(fleiss_kappa(np.repeat(table, [pattern.images for pattern in patterns], axis=0)))
