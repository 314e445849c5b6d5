"""The decision from plain arrays equals that of scikit-learn."""

import numpy as np
import pytest

from model.features.image_features import FEATURE_NAMES
from model.training.evaluation import Settings
from model.training.exported import TOLERANCE, exported, probabilities
from model.training.fitting import fit
from model.training.samples import Samples

_FEATURES = len(FEATURE_NAMES)


@pytest.fixture(scope="module")
def samples() -> Samples:
    rng = np.random.default_rng(7)
    bad = np.arange(240) % 2 == 1
    features = rng.normal(0, rng.uniform(0.01, 50, _FEATURES), (240, _FEATURES)) + bad[:, None] * 0.4
    source, kind = np.arange(240) // 12, np.where(bad, "noise", "clean")
    return Samples(features, bad, source, kind, np.ones(240), np.full(240, "CT"))


def test_probabilities_equal_those_of_scikit_learn(samples: Samples) -> None:
    """On training rows, random ones, zeros and values far outside, to the last digits."""
    classifier = fit(samples, Settings(4.0, 1.0))
    machine = exported(classifier, samples.features)
    rng = np.random.default_rng(8)
    rows = np.vstack(
        [
            samples.features,
            rng.normal(0, 30, (200, _FEATURES)),
            np.zeros((1, _FEATURES)),
            np.full((1, _FEATURES), 1e9),
            np.full((1, _FEATURES), -1e9),
            samples.features[:1] + 1e-12,
        ]
    )
    expected = classifier.predict_proba(rows)[:, 1]
    np.testing.assert_allclose(probabilities(machine, rows), expected, rtol=0, atol=1e-12)


def test_arrays_that_decide_otherwise_stop_the_training(
    samples: Samples, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A training doesn't write arrays whose probabilities are not those of the estimator."""
    classifier = fit(samples, Settings(4.0, 1.0))
    real = classifier.predict_proba
    monkeypatch.setattr(classifier, "predict_proba", lambda rows: real(rows) + 2 * TOLERANCE)
    with pytest.raises(ValueError, match="The arrays decide otherwise than scikit-learn"):
        exported(classifier, samples.features)
