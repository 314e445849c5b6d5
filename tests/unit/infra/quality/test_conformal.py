"""Limits from decided pictures, and the shares of new good pictures beyond them."""

import math

import numpy as np
import pytest

from infra.quality.conformal import NO_SCORE, DecidedPicture, Rates, conformal_limits, one_for_each_patient

RATES = Rates()


def _patients(random: np.random.Generator, number: int) -> list[DecidedPicture]:
    """Good pictures of patients; some have very many, and those of one patient resemble one another."""
    pictures = []
    for patient, own in enumerate(random.normal(-3, 1.5, number)):
        scores = 1 / (1 + np.exp(-own - random.normal(0, 0.3, random.choice([1, 2, 20]))))
        pictures += [
            DecidedPicture(f"P{patient}", f"P{patient}/{n}.png", True, float(s)) for n, s in enumerate(scores)
        ]
    return pictures


@pytest.mark.parametrize("number", [60, 198, 250, 420])
def test_good_pictures_are_rejected_as_rarely_as_stated(number: int) -> None:
    """Over 2,000 sites, the mean shares of good pictures beyond the limits keep the rates, and use them."""
    random = np.random.default_rng(1)
    rejected, beyond = [], []
    for scores in random.random((2000, number)) ** 4:
        limits = conformal_limits(scores.tolist(), RATES)
        rejected.append(_share_beyond(limits.reject_from))
        beyond.append(_share_beyond(limits.review_from))
    assert np.mean(rejected) <= 0.005
    assert np.mean(beyond) <= 0.035
    assert math.floor(0.005 * (number + 1)) / (number + 1) == pytest.approx(np.mean(rejected), abs=3e-4)
    assert math.floor(0.035 * (number + 1)) / (number + 1) == pytest.approx(np.mean(beyond), abs=1e-3)


def _share_beyond(limit: float) -> float:
    """The probability that the fourth power of a random number from 0 to 1 is the limit or more."""
    return 1 - min(limit, 1.0) ** 0.25


def test_new_patients_keep_the_rates_although_pictures_of_one_resemble_one_another() -> None:
    """Where patients have many similar pictures, limits from one of each keep the rates for new ones."""
    random = np.random.default_rng(2)
    new = np.array([one.score for one in one_for_each_patient(_patients(random, 4000))])
    beyond = []
    for _ in range(60):
        chosen = one_for_each_patient(_patients(random, 250))
        limits = conformal_limits([one.score for one in chosen], RATES)
        beyond.append(np.mean(new >= limits.review_from))
    assert np.mean(beyond) <= 0.035


def test_many_pictures_of_a_patient_count_as_one() -> None:
    """One good picture of each patient is chosen, whatever its score and the order of the pictures."""
    pictures = _patients(np.random.default_rng(2), 30)
    chosen = one_for_each_patient(pictures)
    assert 30 == len(chosen) == len({one.patient_id for one in chosen})
    assert {one.key for one in chosen} == {one.key for one in one_for_each_patient(pictures[::-1])}
    bad = [DecidedPicture(one.patient_id, one.key, False, one.score) for one in pictures]
    assert [] == one_for_each_patient(bad)


@pytest.mark.parametrize(
    ("number", "reviews", "rejects"),
    [(27, False, False), (28, True, False), (198, True, False), (199, True, True)],
)
def test_too_few_pictures_decide_nothing(number: int, reviews: bool, rejects: bool) -> None:
    """Review needs 28 good pictures and rejection 199; with fewer no score reaches the limit."""
    assert (28, 199) == (RATES.fewest_for_review, RATES.fewest_for_rejection)
    limits = conformal_limits([0.2] * number, RATES)
    assert (reviews, rejects) == (limits.review_from < NO_SCORE, limits.reject_from < NO_SCORE)


def test_equal_scores_stay_on_the_good_side() -> None:
    """A picture that scores as high as the limiting decided one is not beyond the limit."""
    limits = conformal_limits([0.25] * 300, RATES)
    assert 0.25 < limits.review_from == limits.reject_from < 0.25 + 1e-12
    assert 0 < conformal_limits([0.0] * 300, RATES).review_from
