"""The two limits between which a person decides: pictures below are good, pictures above are bad."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of the probability that a picture is bad.

    A score of `reject_from` or more is bad.
    A lower score of `review_from` or more is for a person to review.
    """

    review_from: float
    reject_from: float

    def __post_init__(self) -> None:
        if not 0 < self.review_from <= self.reject_from:
            raise ValueError(
                f"review_from ({self.review_from:g}) must be over 0 and at most reject_from "
                f"({self.reject_from:g})."
            )


@dataclass(frozen=True)
class ChosenLimits:
    """Limits that a user has chosen for pictures of every modality; None: as the model has it."""

    review_from: float | None = None
    reject_from: float | None = None

    def over(self, limits: Limits) -> Limits:
        """Return the model's limits with the chosen ones in their place.

        If only one is chosen and the model's other one lies on its wrong side, both are the chosen one.
        So nothing is rejected below a chosen `reject_from`, and nothing is reviewed or rejected below a
        chosen `review_from`.
        """
        if self.review_from is None and self.reject_from is None:
            return limits
        if self.review_from is None:
            reject_from = self.reject_from or limits.reject_from
            return Limits(min(limits.review_from, reject_from), reject_from)
        return Limits(self.review_from, self.reject_from or max(limits.reject_from, self.review_from))


MODEL_LIMITS = ChosenLimits()
