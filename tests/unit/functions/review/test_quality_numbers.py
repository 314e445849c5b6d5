"""Numbers of the quality pages."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from functions.review.quality.nearest_images import Filter, Position
from functions.review.quality.score_numbers import fold
from functions.review.quality.week_numbers import by_modality


def _row(**others: Any) -> dict[str, Any]:
    row = {"modality": "CT", "verdict": "good", "bin": 1, "images": 1}
    return row | {"newest": datetime(2026, 1, 1, tzinfo=UTC), "review_from": 0.2, "threshold": 0.9} | others


def test_limits_are_those_of_the_newest_verdict() -> None:
    """The order of the rows does not matter."""
    newer = _row(newest=datetime(2026, 1, 2, tzinfo=UTC), review_from=None, threshold=2.0, bin=3, images=4)
    for rows in ([_row(), newer], [newer, _row()]):
        (found,) = fold(rows)
        assert (None, 2.0, []) == (found.review_from, found.threshold, found.lines)
        assert ({1: 1, 3: 4}, {"good": 5}, 4) == (dict(found.bins), dict(found.verdicts), found.most)


def test_a_limit_lies_between_the_bins_of_scores_below_and_above() -> None:
    """Bins are quarters of the logit: 0.5 is the left edge of bin 29; a black image has no bin."""
    (found,) = fold(
        [_row(review_from=0.5, bin=29), _row(bin=None, verdict="black"), _row(bin=0), _row(bin=57)]
    )
    assert ("review", 29.0) == found.lines[0]
    assert [(0, 0.0), (29, 0.5), (57, pytest.approx(0.99909, abs=1e-5))] == [bar[0::2] for bar in found.bars]
    assert 1.0 == found.bars[-1][3]
    assert 1 == found.verdicts["black"]


@pytest.mark.parametrize("limit", [1e-12, 0.01, 1.0])
def test_a_limit_lies_within_the_chart(limit: float) -> None:
    """Also a very low one, and the highest one."""
    (found,) = fold([_row(review_from=limit, threshold=limit)])
    assert [0 <= place <= 58 for _, place in found.lines] == [True, True]


def test_weeks_without_images_leave_a_gap() -> None:
    """The places of a chart follow the calendar."""
    rows = [
        {"week": date(2026, 1, day), "modality": "CT", "images": 10, "rejected": rejected, "in_review": 1}
        for day, rejected in ((5, 0), (12, 2), (26, 4))
    ]
    (found,) = by_modality(rows)
    assert (4, 0.4) == (found.number, found.highest)
    assert [(0.0, 1.0), (1 / 3, 0.5), (1.0, 0.0)] == found.points("rejected")


def test_a_filter_and_a_position_are_read_as_they_are_written() -> None:
    """Also of an unknown modality, and of a number that needs all of its digits."""
    for chosen in (Filter(), Filter("all", ""), Filter("black", "CT")):
        assert chosen == Filter.of(chosen.query)
    assert Filter() == Filter.of({"of_verdict": "other"})
    for place in (Position(), Position(0.1 + 0.2, "2.25.1", 3)):
        assert place == Position.of(place.query)
