"""What training has seen, as figures by modality with which a site notices drift."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.features.image_features import FEATURE_NAMES
from model.training.samples import Samples

_DECILES = np.arange(10, 100, 10)


def reference_by_modality(samples: Samples, probabilities: NDArray[np.float64]) -> dict[str, dict[str, Any]]:
    """Return deciles of the scores and the range of each feature, of the clean pictures of each modality.

    Parameters
    ----------
    probabilities : float64 array of shape (n,)
        Of the samples, by models that never saw their source.
    """
    clean, scores = samples.where(samples.clean), probabilities[samples.clean]
    return {
        code: _figures(clean.features[clean.modality == code], scores[clean.modality == code])
        for code in sorted(set(clean.modality.tolist()))
    }


def _figures(features: NDArray[np.float64], scores: NDArray[np.float64]) -> dict[str, Any]:
    low, high = np.percentile(features, (1, 99), axis=0)
    ranges = zip(FEATURE_NAMES, low.tolist(), high.tolist(), strict=True)
    return {
        "pictures": int(scores.size),
        "score_deciles": [round(float(value), 4) for value in np.percentile(scores, _DECILES)],
        "features": {name: [round(first, 5), round(last, 5)] for name, first, last in ranges},
    }
