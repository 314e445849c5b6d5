"""What training has seen, as figures by modality with which a site notices drift."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.features.image_features import FEATURE_NAMES
from model.training.samples import CLEAN_KINDS, Samples

_DECILES = np.arange(10, 100, 10)


def reference_by_modality(
    samples: Samples, probabilities: NDArray[np.float64], modalities: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return deciles of the scores and the range of each feature, of the clean pictures of each modality.

    Parameters
    ----------
    probabilities : float64 array of shape (n,)
        Of the samples, by models that never saw their source.
    modalities : sequence of str
        DICOM modality code by index of source.
    """
    clean = np.isin(samples.kind, CLEAN_KINDS)
    codes = np.array(modalities)[samples.source]
    return {
        code: _figures(samples.features[clean & (codes == code)], probabilities[clean & (codes == code)])
        for code in sorted(set(codes[clean].tolist()))
    }


def _figures(features: NDArray[np.float64], scores: NDArray[np.float64]) -> dict[str, Any]:
    low, high = np.percentile(features, (1, 99), axis=0)
    ranges = zip(FEATURE_NAMES, low.tolist(), high.tolist(), strict=True)
    return {
        "pictures": int(scores.size),
        "score_deciles": [round(float(value), 4) for value in np.percentile(scores, _DECILES)],
        "features": {name: [round(first, 5), round(last, 5)] for name, first, last in ranges},
    }
