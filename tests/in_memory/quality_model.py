"""A quality model whose answers a test sets."""

from dataclasses import dataclass

import numpy as np

from model.judgement import Confidence


@dataclass
class FixedModel:
    """The same probability for every picture."""

    probability: float = 0.0
    version: str = "model-of-the-test"
    threshold: float = 0.5

    def probability_bad(self, features: np.ndarray, /) -> float:
        assert np.isfinite(features).all()
        return self.probability

    def reasons(self, features: np.ndarray, /) -> tuple[str, ...]:  # noqa: ARG002 the probability decides
        return ("blurred", "noisy") if self.probability >= self.threshold else ()

    def confidence(self, modality: str | None, /) -> Confidence:
        return "normal" if modality == "CT" else "low"
