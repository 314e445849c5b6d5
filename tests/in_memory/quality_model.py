"""A quality model whose answers a test sets."""

from dataclasses import dataclass, field

import numpy as np

from model.limits import Limits
from model.verdict import Confidence


@dataclass
class FixedModel:
    """The same probability for every picture."""

    probability: float = 0.0
    version: str = "model-of-the-test"
    own_limits: Limits = field(default_factory=lambda: Limits(0.5, 0.5))
    unseen: str | None = None  # what training has never seen of any picture

    def limits(self, modality: str | None, /) -> Limits:  # noqa: ARG002 the same for every modality
        return self.own_limits

    def unfamiliar(self, modality: str | None, features: np.ndarray, /) -> str | None:  # noqa: ARG002
        return self.unseen

    def probability_bad(self, features: np.ndarray, /) -> float:
        assert np.isfinite(features).all()
        return self.probability

    def reasons(self, features: np.ndarray, /) -> tuple[str, ...]:  # noqa: ARG002 the probability decides
        return ("blurred", "noisy") if self.probability >= self.own_limits.review_from else ()

    def confidence(self, modality: str | None, /) -> Confidence:
        return "normal" if modality == "CT" else "low"
