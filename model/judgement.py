"""What is said of one picture: first whether it is black, then the model, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from model.features.image_features import FEATURE_NAMES, image_features
from model.features.picture_views import Picture

Word = Literal["good", "black", "low_quality"]
Confidence = Literal["normal", "low"]


class Model(Protocol):
    """What a judge asks of a model; `model.artefact.QualityModel` is the one there is."""

    @property
    def version(self) -> str:
        """Tells it from every other model."""

    @property
    def threshold(self) -> float:
        """From this probability on, a picture is rejected by default."""

    def probability_bad(self, features: NDArray[np.float64], /) -> float:
        """How likely the picture is bad, 0 to 1."""

    def reasons(self, features: NDArray[np.float64], /) -> tuple[str, ...]:
        """Up to three measures that speak most against the picture, in words."""

    def confidence(self, modality: str | None, /) -> Confidence:
        """Whether it has seen enough pictures of a modality."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on a picture, with all that led to it."""

    verdict: Word
    score: float  # probability that the picture is bad; 1 for a black one
    threshold: float  # score from which it counts as bad
    mean_grey: float  # 0 to 255
    features: Mapping[str, float]  # by name; none for a black picture
    reasons: tuple[str, ...]  # up to three measures that speak most against it, in words
    confidence: Confidence  # low: the model has seen too few pictures of the modality
    model_version: str


@dataclass(frozen=True)
class Judge:
    """A model, and from where on a picture is black or bad."""

    model: Model
    black_mean: float  # mean grey level below which a picture is black
    threshold: float  # probability from which it is bad

    def judge(self, picture: Picture, *, modality: str | None) -> Judgement:
        """The judgement on a uint8 picture of shape (rows, columns) or (rows, columns, 3)."""
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
        """The judgement on a picture that is not black, from its features alone."""
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
