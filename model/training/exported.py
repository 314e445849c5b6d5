"""The fitted estimators of scikit-learn as the plain arrays that the artefact holds."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from model.decision import CalibratedMachine

TOLERANCE = 1e-10
"""The greatest difference between probabilities of the arrays and of the estimators; rounding makes 1e-13."""


def exported(classifier: Any, features: NDArray[np.float64]) -> CalibratedMachine:
    """Return the arrays of a fitted CalibratedClassifierCV with one pipeline of StandardScaler and SVC.

    Parameters
    ----------
    features : float64 array of shape (n, features)
        Rows by which the decisions of both are compared.

    Raises
    ------
    ValueError
        If the classifier is another one, or a probability differs by more than `TOLERANCE`.
    """
    (calibrated,) = classifier.calibrated_classifiers_
    (sigmoid,) = calibrated.calibrators
    scaler, machine = (step for _, step in calibrated.estimator.steps)
    if machine.kernel != "rbf" or calibrated.method != "sigmoid":
        raise ValueError("The classifier is not an RBF machine with a sigmoid.")
    vectors = np.ascontiguousarray(machine.support_vectors_)
    arrays = CalibratedMachine(
        centre=scaler.mean_,
        scale=scaler.scale_,
        vectors=vectors,
        squares=np.einsum("ij,ij->i", vectors, vectors),
        weights=np.ascontiguousarray(machine.dual_coef_[0]),
        intercept=float(machine.intercept_[0]),
        gamma=float(machine._gamma),  # noqa: SLF001 - gamma itself may be "scale"
        slope=float(sigmoid.a_),
        offset=float(sigmoid.b_),
    )
    difference = np.abs(probabilities(arrays, features) - classifier.predict_proba(features)[:, 1]).max()
    if difference > TOLERANCE:
        raise ValueError(
            f"The arrays decide otherwise than scikit-learn: probabilities differ by {difference:.2g}."
        )
    return arrays


def probabilities(machine: CalibratedMachine, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of each row, float64 (n,)."""
    return np.array([machine.probability(row) for row in features])
