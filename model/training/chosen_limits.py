"""Choose the limits for review and rejection, by modality, on pictures of sources left out of training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from sklearn.preprocessing import StandardScaler

from model.features.image_features import FEATURE_NAMES
from model.limits import Limits
from model.looks import look_of
from model.training.samples import Samples

_OTHERS = 30  # sources, as which those of all other modalities count together
_KNOWN = 0.9  # share of the clean pictures that count as of a kind that training has seen
_HIGHEST = 0.999
_LOWEST = 0.05


@dataclass(frozen=True)
class Cost:
    """The shares of clean pictures that a site accepts as lost and as work."""

    rejected: float = 0.005
    in_review: float = 0.03


DEFAULT_COST = Cost()


def limits_by_modality(samples: Samples, probabilities: NDArray[np.float64], cost: Cost) -> dict[str, Limits]:
    """Return the limits for each modality, and under "" those for any other.

    Each is the lowest score that no more than the accepted share of the clean pictures reaches. A share so
    small can't be read off the few sources of one modality. So its own sources count one each, and the
    sources of the others count together as much as 30: a modality with many sources has its own limits,
    and one with few nearly those of all.

    Pictures of a modality or look that no other source has are left out, because they would be in review
    anyway. For the limit of review, also the tenth of the clean pictures is left out that is least like any
    good picture of another source. So the share in review holds for kinds of pictures that training has
    seen, and of others more pictures are in review; the share of rejected pictures holds for all.

    Parameters
    ----------
    probabilities : float64 array of shape (n,)
        Of the samples, by models that never saw their source.
    """
    peers = samples.clean & _has_peers(samples)
    peers = peers if peers.any() else samples.clean
    known = peers & _is_of_a_known_kind(samples)
    result = {}
    for code in ("", *sorted({*samples.modality.tolist()} - {""})):
        reject = _limit(*_weighted(samples.where(peers), probabilities[peers], code), cost.rejected)
        review = _limit(
            *_weighted(samples.where(known), probabilities[known], code), cost.rejected + cost.in_review
        )
        result[code] = Limits(min(review, reject), reject)
    return result


def _weighted(
    samples: Samples, scores: NDArray[np.float64], code: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores, and the weights of the samples in the limits of a modality."""
    each = 1 / np.bincount(samples.source)[samples.source]
    others = samples.modality != code
    shared = min(1.0, _OTHERS / max(float(each[others].sum()), 1e-9))
    return scores, each * np.where(others, shared, 1.0)


def _has_peers(samples: Samples) -> NDArray[np.bool_]:
    """Return whether another source has clean pictures of the same modality and look, bool (n,)."""
    kinds = [(code, _look(samples, index)) for index, code in enumerate(samples.modality.tolist())]
    owners: dict[tuple[str, str], set[int]] = {}
    for index in np.flatnonzero(samples.clean).tolist():
        owners.setdefault(kinds[index], set()).add(int(samples.source[index]))
    return np.array([len(owners.get(kind, ())) > 1 for kind in kinds])


def _is_of_a_known_kind(samples: Samples) -> NDArray[np.bool_]:
    """Return which clean pictures are among the nine tenths nearest to a good one of another source, (n,)."""
    scaled = StandardScaler().fit_transform(samples.features, sample_weight=samples.weights)
    clean = np.flatnonzero(samples.clean)
    good = ~samples.bad
    nearest = np.full(samples.bad.size, np.inf)
    for source in np.unique(samples.source[clean]):
        own = clean[samples.source[clean] == source]
        others = scaled[good & (samples.source != source)]
        if others.size:
            nearest[own] = cdist(scaled[own], others, "sqeuclidean").min(axis=1)
    known: NDArray[np.bool_] = nearest <= np.quantile(nearest[clean], _KNOWN)
    return known


def _limit(scores: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    """Return the lowest limit, in hundredths, that at most this weighted share of the scores reaches."""
    for hundredth in range(round(_LOWEST * 100), 100):
        limit = hundredth / 100
        if weights[scores >= limit].sum() <= share * weights.sum():
            return limit
    return _HIGHEST


def looks_by_modality(samples: Samples) -> dict[str, list[str]]:
    """Return the looks of the clean pictures of each modality, sorted."""
    found: dict[str, set[str]] = {}
    for index in np.flatnonzero(samples.clean).tolist():
        found.setdefault(str(samples.modality[index]), set()).add(_look(samples, index))
    return {code: sorted(looks) for code, looks in sorted(found.items())}


@dataclass(frozen=True)
class Verdicts:
    """What limits and looks make of each sample. All arrays have the samples' length n."""

    rejected: NDArray[np.bool_]
    kept_back: NDArray[np.bool_]
    """Rejected or in review."""

    @classmethod
    def of(
        cls,
        samples: Samples,
        probabilities: NDArray[np.float64],
        limits: Mapping[str, Limits],
        looks: Mapping[str, Sequence[str]],
    ) -> "Verdicts":
        """Judge the samples as the function does."""
        codes = samples.modality.tolist()
        each = [limits.get(code, limits[""]) for code in codes]
        unfamiliar = np.array(
            [_look(samples, index) not in looks.get(code, ()) for index, code in enumerate(codes)]
        )
        rejected = (probabilities >= [limit.reject_from for limit in each]) & ~unfamiliar
        return cls(rejected, unfamiliar | (probabilities >= [limit.review_from for limit in each]))

    def where(self, chosen: NDArray[np.bool_]) -> "Verdicts":
        """Return the verdicts of the chosen samples."""
        return Verdicts(self.rejected[chosen], self.kept_back[chosen])


def _look(samples: Samples, index: int) -> str:
    return look_of(dict(zip(FEATURE_NAMES, samples.features[index].tolist(), strict=True)))
