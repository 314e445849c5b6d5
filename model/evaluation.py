"""How well the model does on patients it hasn't seen: every source is left out once."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from model.samples import CLEAN, MILD, Samples

Probabilities = NDArray[np.float64]

_ALLOWED_FALSE_ALARMS = 0.06
_THRESHOLDS = np.round(np.arange(0.5, 0.96, 0.01), 2)


def held_out_probabilities(
    samples: Samples, fit: Callable[[Samples], Any], progress: Callable[[str], None]
) -> Probabilities:
    """The probability of being bad by a model fitted, and calibrated, without the sample's source.

    Returns
    -------
    float64 array of shape (n,), in the samples' order.
    """
    result = np.zeros(samples.bad.size)
    sources = np.unique(samples.source)
    for done, source in enumerate(sources, start=1):
        held_out = samples.source == source
        model = fit(samples.where(~held_out))
        result[held_out] = model.predict_proba(samples.features[held_out])[:, 1]
        progress(f"Evaluated on {done} of {len(sources)} sources left out of training.")
    return result


def chosen_threshold(samples: Samples, probabilities: Probabilities) -> float:
    """The lowest threshold that rejects at most 6 % of the clean pictures of unseen sources."""
    for threshold in _THRESHOLDS:
        if _rejected(samples, probabilities >= threshold, samples.kind == CLEAN) <= _ALLOWED_FALSE_ALARMS:
            return float(threshold)
    return float(_THRESHOLDS[-1])


def held_out_metrics(samples: Samples, probabilities: Probabilities, threshold: float) -> dict[str, Any]:
    """Figures on unseen sources; every source counts the same, and so do good and bad."""
    rejected = probabilities >= threshold
    false_alarms = _rejected(samples, rejected, ~samples.bad)
    caught = _rejected(samples, rejected, samples.bad)
    kinds = [str(kind) for kind in dict.fromkeys(samples.kind[samples.bad])]
    return {
        "auc": _rounded(roc_auc_score(samples.bad, probabilities, sample_weight=samples.weights)),
        "balanced_accuracy": _rounded((1 - false_alarms + caught) / 2),
        "caught": _rounded(caught),
        "false_alarms": _rounded(false_alarms),
        "false_alarms_clean": _rounded(_rejected(samples, rejected, samples.kind == CLEAN)),
        "false_alarms_mild_change": _rounded(_rejected(samples, rejected, samples.kind == MILD)),
        "caught_by_kind": {
            kind: _rounded(_rejected(samples, rejected, samples.kind == kind)) for kind in kinds
        },
    }


def clean_rejections(samples: Samples, probabilities: Probabilities, threshold: float) -> dict[int, int]:
    """How many clean pictures of each source, by index, are rejected; sources without any are left out."""
    rejected = (probabilities >= threshold) & (samples.kind == CLEAN)
    sources, counts = np.unique(samples.source[rejected], return_counts=True)
    return dict(zip(sources.tolist(), counts.tolist(), strict=True))


def _rejected(samples: Samples, rejected: NDArray[np.bool_], chosen: NDArray[np.bool_]) -> float:
    """The mean over sources of the share of the chosen pictures that is rejected."""
    owners = samples.source[chosen]
    counts = np.bincount(owners)
    shares = np.bincount(owners, rejected[chosen]) / np.maximum(counts, 1)
    return float(shares[counts > 0].mean())


def _rounded(value: float) -> float:
    return round(float(value), 4)
