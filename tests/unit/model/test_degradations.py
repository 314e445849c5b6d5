"""Degradations and mild changes of pictures for training."""

import numpy as np
import pytest

from model.training.degradation.degradations import DEGRADATIONS, MILD_CHANGES, degraded
from tests.unit.model.pictures import random_picture


@pytest.mark.parametrize("name", [*DEGRADATIONS, *MILD_CHANGES])
@pytest.mark.parametrize("shape", [(64, 80), (64, 80, 3)])
def test_changes_are_deterministic_under_a_seed(name: str, shape: tuple[int, ...]) -> None:
    """The same seed gives the same 8-bit picture, and the original isn't changed."""
    change = (DEGRADATIONS | MILD_CHANGES)[name]
    picture = random_picture(shape)
    first, second = (change(picture, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(random_picture(shape), picture)
    assert first.dtype == np.uint8
    assert len(shape) == first.ndim
    if name in DEGRADATIONS:
        assert shape == first.shape


def test_an_invisible_degradation_is_left_out() -> None:
    """A blurred picture without detail is still good, so it isn't used as a bad one."""
    kinds = [kind for kind, _ in degraded(np.zeros((64, 64), np.uint8), np.random.default_rng(4))]
    assert "defocus" not in kinds
    assert "dead_stripes" in kinds
