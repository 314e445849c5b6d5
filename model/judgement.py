"""Judge one picture: check whether it is black, then ask the model for a score and reasons."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from model.features.image_features import FEATURE_NAMES, image_features
from model.features.picture_views import Picture

Verdict = Literal["good", "black", "low_quality"]
Confidence = Literal["normal", "low"]


class Model(Protocol):
    """What a judge needs of a model; `model.artefact.QualityModel` implements it."""

    @property
    def version(self) -> str:
        """Identifies the model among all others."""

    @property
    def threshold(self) -> float:
        """A picture is rejected by default if its probability of being bad is this or more."""

    def probability_bad(self, features: NDArray[np.float64], /) -> float:
        """Return the probability, 0 to 1, that the picture is bad."""

    def reasons(self, features: NDArray[np.float64], /) -> tuple[str, ...]:
        """Return up to three reasons against the picture, in words, the strongest first."""

    def confidence(self, modality: str | None, /) -> Confidence:
        """Return "low" if the training data had too few patients of the modality."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on a picture, with everything that it is based on."""

    verdict: Verdict
    score: float  # probability that the picture is bad; 1 for a black one
    threshold: float  # a score of this or more counts as bad
    mean_grey: float  # 0 to 255
    features: Mapping[str, float]  # by name; empty for a black picture
    reasons: tuple[str, ...]  # up to three reasons against it, in words
    confidence: Confidence  # low: too few training patients of the modality
    model_version: str


@dataclass(frozen=True)
class Judge:
    """A model with the limits for a black and for a bad picture."""

    model: Model
    black_mean: float  # a picture with a lower mean grey level is black
    threshold: float  # a picture with this probability or more is bad

    def judge(self, picture: Picture, *, modality: str | None) -> Judgement:
        """Judge a uint8 picture of shape (rows, columns) or (rows, columns, 3)."""
        mean = float(picture.sum(axis=0, dtype=np.uint32).sum(dtype=np.uint64) / picture.size)
        if mean < self.black_mean:
            confidence = self.model.confidence(modality)
            return Judgement(
                "black", 1.0, self.threshold, mean, {}, ("black",), confidence, self.model.version
            )
        named = dict(zip(FEATURE_NAMES, map(float, image_features(picture)), strict=True))
        return self.judge_features(named, mean, modality=modality)

    def judge_features(
        self, features: Mapping[str, float], mean_grey: float, *, modality: str | None
    ) -> Judgement:
        """Judge a picture that is not black from its features alone."""
        values = np.array([features[name] for name in FEATURE_NAMES])
        score = self.model.probability_bad(values)
        return Judgement(
            verdict="low_quality" if score >= self.threshold else "good",
            score=score,
            threshold=self.threshold,
            mean_grey=mean_grey,
            features=features,
            reasons=self.model.reasons(values),
            confidence=self.model.confidence(modality),
            model_version=self.model.version,
        )
