"""Judge one picture: check whether it is black, then ask the model for a score, reasons and limits."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.features.array_statistics import mean
from model.features.image_features import FEATURE_NAMES, image_features
from model.features.picture_views import Picture
from model.limits import MODEL_LIMITS, ChosenLimits, Limits
from model.verdict import Confidence, Judgement, Verdict

_BRIGHT = 48  # grey level of 255
_FEW_PIXELS = 0.002  # of all; noise, dead pixels and a letter are fewer


class Model(Protocol):
    """What a judge needs of a model; `model.artefact.QualityModel` implements it."""

    @property
    def version(self) -> str:
        """Identifies the model among all others."""

    def limits(self, modality: str | None, /) -> Limits:
        """Return the limits for pictures of the modality, by default."""

    def unfamiliar(self, modality: str | None, features: NDArray[np.float64], /) -> str | None:
        """Return in words what training has never seen: modality or look; None if it has seen both."""

    def probability_bad(self, features: NDArray[np.float64], /) -> float:
        """Return the probability, 0 to 1, that the picture is bad."""

    def reasons(self, features: NDArray[np.float64], /) -> tuple[str, ...]:
        """Return up to three reasons against the picture, in words, the strongest first."""

    def confidence(self, modality: str | None, /) -> Confidence:
        """Return "low" if the training data had too few patients of the modality."""


@dataclass(frozen=True)
class Judge:
    """A model with the limit for a black picture, and limits chosen instead of the model's."""

    model: Model
    black_mean: float  # a picture with a lower mean grey level is black
    chosen: ChosenLimits = MODEL_LIMITS

    def judge(self, picture: Picture, *, modality: str | None, site: Limits | None = None) -> Judgement:
        """Judge a uint8 picture of shape (rows, columns) or (rows, columns, 3).

        `site` are the limits that were calibrated for the modality with pictures of the site. With them its
        pictures are familiar, whatever training has seen.
        """
        mean_grey = mean(np.ascontiguousarray(picture))
        if mean_grey < self.black_mean and _is_dark_throughout(picture):
            return self._black(mean_grey, modality, site)
        named = dict(zip(FEATURE_NAMES, image_features(picture).tolist(), strict=True))
        return self.judge_features(named, mean_grey, modality=modality, site=site)

    def judge_features(
        self,
        features: Mapping[str, float],
        mean_grey: float,
        *,
        modality: str | None,
        site: Limits | None = None,
    ) -> Judgement:
        """Judge a picture that is not black from its features alone."""
        values = np.array([features[name] for name in FEATURE_NAMES])
        score = self.model.probability_bad(values)
        limits = self.limits(modality, site)
        unfamiliar = None if site else self.model.unfamiliar(modality, values)
        reasons = self.model.reasons(values)
        return Judgement(
            verdict="review" if unfamiliar else _verdict(score, limits),
            score=score,
            review_from=limits.review_from,
            threshold=limits.reject_from,
            mean_grey=mean_grey,
            features=features,
            reasons=(unfamiliar, *reasons) if unfamiliar else reasons,
            confidence=self.model.confidence(modality),
            model_version=self.model.version,
        )

    def limits(self, modality: str | None, site: Limits | None = None) -> Limits:
        """Return the limits for a modality: those of the site, or the model's with the chosen ones."""
        return site or self.chosen.over(self.model.limits(modality))

    def _black(self, mean_grey: float, modality: str | None, site: Limits | None) -> Judgement:
        limits, model = self.limits(modality, site), self.model
        return Judgement(
            verdict="black",
            score=1.0,
            review_from=limits.review_from,
            threshold=limits.reject_from,
            mean_grey=mean_grey,
            features={},
            reasons=("black",),
            confidence=model.confidence(modality),
            model_version=model.version,
        )


def _is_dark_throughout(picture: Picture) -> bool:
    """Whether also the bright end is dark: a small organ in a wide black margin has a low mean, too."""
    brightest = picture if picture.ndim == 2 else picture.max(axis=2)
    return int((brightest >= _BRIGHT).sum()) <= _FEW_PIXELS * brightest.size


def _verdict(score: float, limits: Limits) -> Verdict:
    if score >= limits.reject_from:
        return "low_quality"
    return "review" if score >= limits.review_from else "good"
