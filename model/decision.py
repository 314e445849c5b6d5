"""The decision of the support vector machine on one row of features, from the arrays of the classifier."""

from dataclasses import dataclass
from math import exp
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class CalibratedMachine:
    """A scaled RBF machine with a sigmoid, whose probabilities are those of scikit-learn to twelve digits.

    scikit-learn checks, copies and dispatches for a millisecond and a half before and after the sum over
    the support vectors, which takes some hundredths of one.
    """

    centre: NDArray[np.float64]  # of each feature
    scale: NDArray[np.float64]  # of each feature
    vectors: NDArray[np.float64]  # scaled support vectors, (n, features)
    squares: NDArray[np.float64]  # squared length of each support vector, (n,)
    weights: NDArray[np.float64]  # of the support vectors, signed, (n,)
    intercept: float
    gamma: float
    slope: float  # of the sigmoid, negative
    offset: float  # of the sigmoid

    @classmethod
    def of(cls, classifier: Any) -> "CalibratedMachine":
        """Read the arrays of a fitted CalibratedClassifierCV with one pipeline of StandardScaler and SVC."""
        (calibrated,) = classifier.calibrated_classifiers_
        (sigmoid,) = calibrated.calibrators
        scaler, machine = (step for _, step in calibrated.estimator.steps)
        if machine.kernel != "rbf" or calibrated.method != "sigmoid":
            raise ValueError("The classifier is not an RBF machine with a sigmoid.")
        vectors = machine.support_vectors_
        return cls(
            centre=scaler.mean_,
            scale=scaler.scale_,
            vectors=vectors,
            squares=np.einsum("ij,ij->i", vectors, vectors),
            weights=machine.dual_coef_[0],
            intercept=float(machine.intercept_[0]),
            gamma=float(machine._gamma),  # noqa: SLF001 - gamma itself may be "scale"
            slope=float(sigmoid.a_),
            offset=float(sigmoid.b_),
        )

    def probability(self, features: NDArray[np.float64]) -> float:
        """Return the probability of the second class, 0 to 1, for float64 features of shape (features,)."""
        scaled = (features - self.centre) / self.scale
        distances = self.squares + scaled @ scaled - 2 * (self.vectors @ scaled)
        decision = float(self.weights @ np.exp(-self.gamma * distances)) + self.intercept
        return 1 / (1 + exp(min(self.slope * decision + self.offset, 700)))  # e to the 710 is no float
