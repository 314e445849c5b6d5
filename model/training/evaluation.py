"""Measure the model on unseen patients and on unseen kinds of fault."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from model.training.chosen_limits import Verdicts
from model.training.samples import MILD, Samples

Probabilities = NDArray[np.float64]
Progress = Callable[[str], None]

_FOLDS = 6
_INNER_FOLDS = 4
_KIND_FOLDS = 3
_THREADS = 4  # libsvm releases the GIL
_TABLE = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Settings:
    """Hyperparameters that are chosen on the training sources."""

    c: float
    """The C parameter of the support vector machine, the cost of an error."""
    breadth: float
    """Gamma times the number of features."""


GRID = tuple(Settings(c, breadth) for c, breadth in product((4.0,), (1.0, 2.0)))
Fit = Callable[[Samples, Settings], Any]


def folds(
    samples: Samples, count: int | None = None
) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield masks of training and held-out rows. Each source is held out in one fold."""
    splitter = GroupKFold(min(count or _FOLDS, np.unique(samples.source).size))
    for _, held_out in splitter.split(samples.features, samples.bad, samples.source):
        mask = np.zeros(samples.bad.size, bool)
        mask[held_out] = True
        yield ~mask, mask


def chosen_settings(
    samples: Samples, score: Callable[[Samples, Samples, Settings], Probabilities]
) -> Settings:
    """Return the settings of the grid with the best AUC on held-out sources; the first of equals."""

    def auc(settings: Settings) -> float:
        scores = np.zeros(samples.bad.size)
        for training, held_out in folds(samples, _INNER_FOLDS):
            scores[held_out] = score(samples.where(training), samples.where(held_out), settings)
        return _auc(samples, scores)

    return max(GRID, key=auc)


def nested_probabilities(
    samples: Samples, choose: Callable[[Samples], Settings], fit: Fit, progress: Progress
) -> Probabilities:
    """Return probabilities of being bad from models that never saw the sample's source.

    Settings, fit and calibration of each model exclude that source.

    Returns
    -------
    float64 array of shape (n,) in the order of the samples.
    """
    result = np.zeros(samples.bad.size)
    splits = list(folds(samples))

    def judged(split: tuple[NDArray[np.bool_], NDArray[np.bool_]]) -> Probabilities:
        inside = samples.where(split[0])
        model = fit(inside, choose(inside))
        probabilities: Probabilities = model.predict_proba(samples.features[split[1]])[:, 1]
        return probabilities

    with ThreadPoolExecutor(_THREADS) as pool:
        for done, (split, probabilities) in enumerate(
            zip(splits, pool.map(judged, splits), strict=True), start=1
        ):
            result[split[1]] = probabilities
            progress(f"Evaluated on {done} of {len(splits)} groups of sources left out of training.")
    return result


def left_out_kinds(
    samples: Samples,
    score: Callable[[Samples, Samples, Settings], Probabilities],
    settings: Settings,
    progress: Progress,
) -> dict[str, float]:
    """Return the AUC of each kind of fault on unseen sources, by machines that never saw the kind."""
    kinds = _kinds(samples)

    def auc(kind: str) -> float:
        is_kind = samples.kind == kind
        tested = is_kind | ~samples.bad
        scores = np.zeros(samples.bad.size)
        for training, held_out in folds(samples, _KIND_FOLDS):
            chosen = held_out & tested
            if chosen.any():
                scores[chosen] = score(samples.where(training & ~is_kind), samples.where(chosen), settings)
        return _auc(samples.where(tested), scores[tested])

    result = {}
    with ThreadPoolExecutor(_THREADS) as pool:
        for done, (kind, found) in enumerate(zip(kinds, pool.map(auc, kinds), strict=True), start=1):
            result[kind] = found
            progress(f"Evaluated {done} of {len(kinds)} kinds of fault left out of training.")
    return result


def figures(samples: Samples, probabilities: Probabilities, verdicts: Verdicts) -> dict[str, Any]:
    """Return a model's figures with its limits. All sources have equal weight, and so do good and bad."""
    modalities = samples.modality
    return {
        "sources": int(np.unique(samples.source).size),
        "auc": _auc(samples, probabilities),
        "balanced_accuracy_at_half": _balanced(samples, probabilities >= 0.5),
        **_rates(samples, verdicts),
        "by_modality": {
            code: {
                "sources": int(np.unique(samples.source[modalities == code]).size),
                **_rates(samples.where(modalities == code), verdicts.where(modalities == code)),
            }
            for code in sorted(set(modalities.tolist()))
        },
        "caught_by_kind": {
            kind: {
                "rejected": _rounded(_share(samples, verdicts.rejected, samples.kind == kind)),
                "rejected_or_in_review": _rounded(_share(samples, verdicts.kept_back, samples.kind == kind)),
            }
            for kind in _kinds(samples)
        },
    }


def threshold_table(samples: Samples, probabilities: Probabilities) -> list[dict[str, float]]:
    """Return the rates of caught bad and rejected good pictures at each threshold."""
    groups = {
        "bad_caught": samples.bad,
        "clean_good_rejected": samples.clean,
        "changed_good_rejected": samples.kind == MILD,
    }
    return [
        {
            "threshold": threshold,
            **{
                name: _rounded(_share(samples, probabilities >= threshold, chosen))
                for name, chosen in groups.items()
            },
        }
        for threshold in _TABLE
    ]


def clean_kept_back(samples: Samples, verdicts: Verdicts) -> dict[int, dict[str, int]]:
    """Return how many clean pictures are rejected and in review, by index of those sources that have any."""
    clean = samples.clean
    rejected = np.bincount(samples.source[clean & verdicts.rejected], minlength=samples.source.max() + 1)
    review = np.bincount(
        samples.source[clean & verdicts.kept_back & ~verdicts.rejected], minlength=rejected.size
    )
    return {
        int(index): {"rejected": int(rejected[index]), "in_review": int(review[index])}
        for index in np.flatnonzero(rejected + review)
    }


def _rates(samples: Samples, verdicts: Verdicts) -> dict[str, float]:
    groups = {
        "bad": samples.bad,
        "clean": samples.clean,
        "changed": samples.kind == MILD,
    }
    in_review = verdicts.kept_back & ~verdicts.rejected
    return {
        f"{name}_{what}": _rounded(_share(samples, hit, chosen))
        for name, chosen in groups.items()
        for what, hit in (("rejected", verdicts.rejected), ("in_review", in_review))
    }


def _balanced(samples: Samples, rejected: NDArray[np.bool_]) -> float:
    """Return the share of correct verdicts if good and bad pictures were equally frequent."""
    caught = _share(samples, rejected, samples.bad)
    return _rounded((1 - _share(samples, rejected, ~samples.bad) + caught) / 2)


def _auc(samples: Samples, scores: Probabilities) -> float:
    return _rounded(roc_auc_score(samples.bad, scores, sample_weight=samples.weights))


def _kinds(samples: Samples) -> list[str]:
    return [str(kind) for kind in dict.fromkeys(samples.kind[samples.bad])]


def _share(samples: Samples, hits: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> float:
    """Return the mean over sources of the share of hits among the chosen pictures; 0 if none is chosen."""
    owners = samples.source[chosen]
    counts = np.bincount(owners)
    shares = np.bincount(owners, hits[chosen]) / np.maximum(counts, 1)
    return float(shares[counts > 0].mean()) if owners.size else 0.0


def _rounded(value: float) -> float:
    return round(float(value), 4)
