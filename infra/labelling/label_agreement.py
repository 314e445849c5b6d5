"""How far annotators agree on a label, beyond what chance would give: kappa."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec

VOTES = (-1, 0, 1)  # uncertain, absent, present


@dataclass(frozen=True)
class Pattern:
    """What a group of annotators said of some images."""

    annotators: tuple[int, ...]
    votes: tuple[int, ...]  # in their order
    images: int


@dataclass(frozen=True)
class Agreement:
    """One kappa, or why there is none."""

    measure: str | None  # Cohen's kappa, Fleiss' kappa
    kappa: float | None
    images: int  # that everyone of the group labelled
    cause: str | None = None


def agreement(patterns: Sequence[Pattern]) -> Agreement:
    """Cohen's kappa for two annotators (Cohen 1960), Fleiss' for more (Fleiss 1971).

    Every image must have been labelled by as many: of groups of different size the one with the
    most images counts. Fleiss' kappa allows different annotators for each image, Cohen's does not.
    """
    images: Counter[int] = Counter()
    for pattern in patterns:
        images[len(pattern.annotators)] += pattern.images
    if not images:
        return Agreement(None, None, 0, "no image has labels of two annotators")
    raters, number = max(images.items(), key=lambda item: (item[1], item[0]))
    chosen = [pattern for pattern in patterns if len(pattern.annotators) == raters]
    if len({vote for pattern in chosen for vote in pattern.votes}) == 1:
        return Agreement(
            None, None, number, "everyone always says the same; chance can't be told from agreement"
        )
    if raters == 2 and len({pattern.annotators for pattern in chosen}) == 1:
        return Agreement("Cohen's kappa", _cohen(chosen), number)
    if find_spec("statsmodels") is None:  # functions do without it, so an installation may
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
