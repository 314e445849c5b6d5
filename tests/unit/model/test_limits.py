"""The two limits of a score, and those that a user has chosen."""

import pytest

from model.limits import ChosenLimits, Limits

MODEL = Limits(0.3, 0.8)


@pytest.mark.parametrize(
    ("review_from", "reject_from", "expected"),
    [
        (None, None, (0.3, 0.8)),
        (None, 0.9, (0.3, 0.9)),
        (None, 0.2, (0.2, 0.2)),
        (0.5, None, (0.5, 0.8)),
        (0.9, None, (0.9, 0.9)),
        (0.4, 0.6, (0.4, 0.6)),
    ],
)
def test_a_chosen_limit_moves_the_other_one_only_if_it_must(
    review_from: float | None, reject_from: float | None, expected: tuple[float, float]
) -> None:
    """The other limit stays the model's, unless it would lie on the wrong side of the chosen one."""
    assert Limits(*expected) == ChosenLimits(review_from, reject_from).over(MODEL)


@pytest.mark.parametrize("limits", [(0.0, 0.5), (0.6, 0.5), (-1.0, 0.5)])
def test_limits_in_the_wrong_order_are_refused(limits: tuple[float, float]) -> None:
    """The lower limit is over 0 and at most the upper one."""
    with pytest.raises(ValueError, match="must be over 0 and at most reject_from"):
        Limits(*limits)
