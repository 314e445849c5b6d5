"""What is said about a picture: a verdict, and everything that it is based on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["good", "review", "black", "low_quality"]
Confidence = Literal["normal", "low"]
STAYING: frozenset[Verdict] = frozenset({"good", "review"})
"""An image with one of these verdicts stays in its bucket; all others move to suboptimal."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on a picture, with everything that it is based on."""

    verdict: Verdict
    score: float  # probability that the picture is bad; 1 for a black one
    review_from: float  # a score of this or more is for a person to review
    threshold: float  # a score of this or more counts as bad
    mean_grey: float  # 0 to 255
    features: Mapping[str, float]  # by name; empty for a black picture
    reasons: tuple[str, ...]  # up to three reasons against it, in words
    confidence: Confidence  # low: too few training patients of the modality
    model_version: str
