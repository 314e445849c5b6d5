"""How a picture becomes a verdict: black, unfamiliar, or by the limits."""

import numpy as np
import pytest

from model.judgement import Judge
from tests.in_memory.quality_model import FixedModel
from tests.unit.model.pictures import Picture


def judge(picture: Picture) -> str:
    return Judge(FixedModel(0.0, "m1"), black_mean=3.0).judge(picture, modality="CT").verdict


def small_organ(grey: int) -> Picture:
    """A bright disc of 1 % of the area in a wide black margin: its mean is below 3."""
    y, x = np.mgrid[:200, :200]
    return np.where((y - 90) ** 2 + (x - 110) ** 2 < 127, grey, 0).astype(np.uint8)


def test_a_small_organ_in_a_black_margin_is_not_black() -> None:
    """A low mean alone does not make a picture black: its bright end must be dark, too."""
    assert small_organ(240).mean() < 3
    assert judge(small_organ(240)) == "good"
    assert judge(np.repeat(small_organ(240)[:, :, None], 3, axis=2)) == "good"
    assert judge(small_organ(30)) == "black"


@pytest.mark.parametrize("hot", [0, 20])
def test_nearly_black_noise_is_black(hot: int) -> None:
    """Noise of a detector without exposure stays black, also with some dead pixels that are white."""
    rng = np.random.default_rng(7)
    picture = np.abs(rng.normal(0, 2.5, (200, 200))).astype(np.uint8)
    picture.reshape(-1)[rng.choice(picture.size, hot, replace=False)] = 255
    assert picture.mean() < 3
    assert judge(picture) == "black"


def test_one_grey_is_black_only_below_the_limit() -> None:
    """A picture all in one dark grey is black."""
    assert judge(np.full((64, 64), 2, np.uint8)) == "black"
    assert judge(np.full((64, 64), 3, np.uint8)) == "good"
