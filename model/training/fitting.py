"""Fit the quality model: a support vector machine with calibrated probabilities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from model.features.image_features import FEATURE_NAMES
from model.training.evaluation import Settings
from model.training.samples import Samples

_CALIBRATION_FOLDS = 5
_KERNEL_MEMORY = 400  # MB; less makes fitting slower but doesn't change the result


def fit(samples: Samples, settings: Settings) -> CalibratedClassifierCV:
    """Fit a scaled RBF machine. Its probabilities are calibrated on sources left out of each fold."""
    # The number of numerical threads changes the last bits of the sigmoid, and so the digest. Use one.
    with threadpool_limits(1), config_context(enable_metadata_routing=True):
        machine = Pipeline(
            [
                ("scale", StandardScaler().set_fit_request(sample_weight=True)),
                ("svm", _machine(settings).set_fit_request(sample_weight=True)),
            ]
        )
        # The machine is fitted to all samples; the folds serve only the sigmoid on top of it. They are
        # passed as lists because scikit-learn 1.9 doesn't pass groups on to a splitter here.
        model = CalibratedClassifierCV(machine, cv=_folds(samples), ensemble=False)
        model.fit(samples.features, samples.bad, sample_weight=samples.weights)
    return model.set_params(cv=None)


def _machine(settings: Settings) -> SVC:
    return SVC(C=settings.c, gamma=settings.breadth / len(FEATURE_NAMES), cache_size=_KERNEL_MEMORY)


def scores(training: Samples, tested: Samples, settings: Settings) -> NDArray[np.float64]:
    """Return decision values of the tested samples, float64 (n,); faster than probabilities, same order."""
    scale = StandardScaler().fit(training.features, sample_weight=training.weights)
    machine = _machine(settings)
    machine.fit(scale.transform(training.features), training.bad, sample_weight=training.weights)
    values: NDArray[np.float64] = machine.decision_function(scale.transform(tested.features))
    return values


def _folds(samples: Samples) -> list[Any]:
    count = min(_CALIBRATION_FOLDS, np.unique(samples.source).size)
    return list(GroupKFold(count).split(samples.features, samples.bad, samples.source))
