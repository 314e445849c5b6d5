"""When the newest week differs from training or from the weeks before."""

import math
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from oversight.drift.drift_text import drift_status_text, drift_text
from oversight.drift.newest_week import drifts
from oversight.drift.week_statistics import deciles_distance, share_interval

MONDAY = date(2026, 11, 23)


def week(
    ago: int = 0, *, patients: int = 200, low_quality: int = 4, review: int = 6, level: int = 5, **more: Any
) -> dict[str, Any]:
    """A week of one device with 200 images, all with scores of about one bin."""
    scores = {str(level): 100, str(level + 1): 60, str(level + 2): 40}
    numbers = {"good": 200 - review - low_quality, "review": review, "black": 0, "low_quality": low_quality}
    features = {"noise": [0.1, 0.2, 0.3]}
    names = {"week": MONDAY - timedelta(weeks=ago), "modality": "CT", "device": "M 1", "patients": patients}
    return names | numbers | {"scores": scores, "features": features} | more


BEFORE = [week(3), week(2), week(1)]


def findings(*weeks: dict[str, Any], reference: dict[str, Any] | None = None) -> tuple[str, ...]:
    (found,) = drifts(weeks, {"CT": reference} if reference else {})
    return found.findings


@pytest.mark.parametrize(
    ("newest", "words"),
    [
        (week(), ""),
        (week(low_quality=60), "30% rejected, 2% in the weeks before"),
        (week(review=80), "40% in review, 3% in the weeks before"),
        (week(level=9), "scores differ from the weeks before (distance 1.00)"),
        (week(features={"noise": [0.2, 0.5, 0.9]}), "outside the usual range: noise"),
        (week(low_quality=9), ""),
        (week(low_quality=60, patients=19), ""),
    ],
    ids=["the same", "rejected", "review", "scores", "feature", "a little more", "few patients"],
)
def test_what_differs_from_the_weeks_before_is_named(newest: dict[str, Any], words: str) -> None:
    """Each difference is named, but not a small one, and none of a week with few patients."""
    assert ((words,) if words else ()) == findings(*BEFORE, newest)


def test_a_first_week_is_compared_with_training_if_its_card_says_how() -> None:
    """Without weeks before and without a reference nothing is said; the reference has scores and features."""
    assert () == findings(week())
    scores = [1 / (1 + math.exp(-x)) for x in np.linspace(2, 3, 9)]
    reference = {"patients": 40, "score_deciles": scores, "features": {"noise": [0.25, 0.9]}}
    assert ("scores differ from training (distance 0.90)", "outside the usual range: noise") == findings(
        week(), reference=reference
    )
    assert () == findings(week(), reference=reference | {"patients": 2})


def test_the_distance_from_deciles_is_that_of_the_scores() -> None:
    """Scores of the same distribution are near its deciles, others are not."""
    random = np.random.default_rng(0)
    logits = random.normal(-2, 1, 5000)
    edges = np.digitize(logits, np.arange(-7, 7.5, 0.5))
    bins = {str(n): int((edges == n).sum()) for n in range(30)}
    deciles = np.quantile(1 / (1 + np.exp(-logits)), np.arange(1, 10) / 10)
    assert deciles_distance(bins, deciles.tolist()) < 0.02
    shifted = np.quantile(1 / (1 + np.exp(-logits - 1)), np.arange(1, 10) / 10)
    assert deciles_distance(bins, shifted.tolist()) == pytest.approx(0.38, abs=0.03)


def test_an_interval_holds_the_share_and_narrows_with_patients() -> None:
    """Many pictures of few patients leave a wide interval."""
    (low, high), (low_few, high_few) = share_interval(50, 1000, 1000), share_interval(50, 1000, 20)
    assert low_few < low < 0.05 < high < high_few


def test_chance_seldom_looks_like_drift() -> None:
    """Of 400 weeks without a change at most one is reported."""
    random, reported = np.random.default_rng(3), 0
    for _ in range(400):
        drawn = [
            week(ago, patients=40, low_quality=int(random.binomial(40, 0.1) * 5), review=0)
            for ago in (4, 3, 2, 1, 0)
        ]
        reported += bool(findings(*drawn))
    assert reported <= 1


def test_devices_are_told_apart_and_the_status_has_one_line() -> None:
    """A device that differs is named beside its modality; one device alone is not listed twice."""
    other = [{**each, "device": "N 2"} for each in BEFORE]
    found = drifts([*BEFORE, *other, week(), {**week(low_quality=90), "device": "N 2"}], {})
    assert [None, "N 2", "M 1"] == [one.device for one in found]
    differing = [one.text for one in found if one.findings]
    assert "CT of N 2, week of 2026-11-23: 45% rejected, 2% in the weeks before" == differing[1]
    assert "CT of N 2" in drift_text(found)
    assert drift_status_text(differing).startswith("Pictures differ from before and 1 more: CT, week")
    assert "" == drift_status_text([])
