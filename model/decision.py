"""The decision of the support vector machine on one row of features, by numpy alone."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from math import exp, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

_HIGHEST_EXPONENT = 700  # e to the 710 is no float


@dataclass(frozen=True)
class CalibratedMachine:
    """A scaled RBF machine with a sigmoid, as the artefact holds it: plain arrays and numbers.

    Training exports it from the estimators of scikit-learn (`model.training.exported`). It decides in some
    hundredths of the time of theirs, which check and copy a single row for a millisecond and a half, and a
    function that starts needs neither them nor SciPy.

    Raises
    ------
    ValueError
        If arrays don't belong together, have another dtype, or a value isn't finite or has the wrong sign.
    """

    centre: NDArray[np.float64]
    """Of each feature, (features,)."""
    scale: NDArray[np.float64]
    """Of each feature, over 0, (features,)."""
    vectors: NDArray[np.float64]
    """Scaled support vectors, (n, features)."""
    squares: NDArray[np.float64]
    """Squared length of each support vector, (n,)."""
    weights: NDArray[np.float64]
    """Signed weights of the support vectors, also called dual coefficients, (n,)."""
    intercept: float
    gamma: float
    """Over 0; the kernel is exp(-gamma times the squared distance)."""
    slope: float
    """Of the sigmoid that calibrates decisions to probabilities."""
    offset: float
    """Of the sigmoid."""

    def __post_init__(self) -> None:
        number, features = self.vectors.shape if _is_floats(self.vectors, 2) else (0, 0)
        if not number or not features:
            raise ValueError("The support vectors are not a float64 array of shape (n, features).")
        for name, length in {
            "centre": features,
            "scale": features,
            "squares": number,
            "weights": number,
        }.items():
            if not _is_floats(getattr(self, name), 1) or getattr(self, name).shape != (length,):
                raise ValueError(f"{name} is not a float64 array of shape ({length},).")
        for name in ("intercept", "gamma", "slope", "offset"):
            if not isinstance(getattr(self, name), float):
                raise ValueError(f"{name} is not a float.")  # noqa: TRY004 - one error for all that is malformed
        if not all(_is_finite(getattr(self, field.name)) for field in fields(self)):
            raise ValueError("A value isn't finite.")
        if self.gamma <= 0 or (self.scale <= 0).any():
            raise ValueError("gamma and scale must be over 0.")

    @classmethod
    def of(cls, parts: Mapping[str, Any]) -> "CalibratedMachine":
        """Return the machine of `parts`; ValueError if one is missing or malformed."""
        missing = [field.name for field in fields(cls) if field.name not in parts]
        if missing:
            raise ValueError(f"The machine lacks {', '.join(missing)}.")
        return cls(**{field.name: parts[field.name] for field in fields(cls)})

    def parts(self) -> dict[str, Any]:
        """Return the arrays and numbers by name, for `of`."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def probability(self, features: NDArray[np.float64]) -> float:
        """Return the probability of the second class, 0 to 1, for float64 features of shape (features,)."""
        scaled = (features - self.centre) / self.scale
        distances = self.squares + scaled @ scaled - 2 * (self.vectors @ scaled)
        decision = float(self.weights @ np.exp(-self.gamma * distances)) + self.intercept
        return 1 / (1 + exp(min(self.slope * decision + self.offset, _HIGHEST_EXPONENT)))


def _is_floats(values: object, dimensions: int) -> bool:
    return isinstance(values, np.ndarray) and values.dtype == np.float64 and values.ndim == dimensions


def _is_finite(value: NDArray[np.float64] | float) -> bool:
    return isfinite(value) if isinstance(value, float) else bool(np.isfinite(value).all())
