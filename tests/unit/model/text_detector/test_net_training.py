"""The net's training: its gradients, and that it trains the net that the detector evaluates."""

import numpy as np
import pytest

from deidentification.pixels.text.cell_net import cell_scores, compress, load_weights, prepare
from model.text_detector.training import Stage, initial_weights, logits, loss_and_gradients, train_stage

NAMES = sorted(initial_weights(0))


def weights_and_batch() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    weights = {
        name: (value + rng.normal(0, 0.05, value.shape)).astype(np.float32)
        for name, value in initial_weights(0).items()
    }
    pixels = compress(rng.integers(0, 256, (20, 32, 32)).astype(np.uint8))
    return weights, pixels, rng.integers(-1, 2, (20, 4, 4)).astype(np.int8)


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_is_the_slope_of_the_loss(name: str) -> None:
    """Along any direction the loss changes as the gradient says."""
    weights, pixels, cells = weights_and_batch()
    direction = np.random.default_rng(2).normal(size=weights[name].shape)
    direction /= np.linalg.norm(direction)
    doubles = {key: value.astype(np.float64) for key, value in weights.items()}
    losses = []
    for step in (1e-6, -1e-6):
        moved = {**doubles, name: doubles[name] + step * direction}
        losses.append(loss_and_gradients(moved, pixels.astype(np.float64), cells)[0])
    gradient = loss_and_gradients(weights, pixels, cells)[1][name]
    assert gradient.shape == weights[name].shape
    expected = pytest.approx(float((gradient * direction).sum()), rel=0.01, abs=1e-4)
    assert expected == (losses[0] - losses[1]) / 2e-6


def test_the_trained_net_is_the_evaluated_one() -> None:
    """The detector's evaluation of a picture, cell by cell, gives the logits that the training sees."""
    weights = {**load_weights(), "early": np.float32(-99)}
    picture = np.random.default_rng(3).integers(0, 256, (128, 128)).astype(np.uint8)
    prepared = prepare(picture)
    expected = logits(weights, compress(prepared)[None])[0][0]
    scores = cell_scores(prepared, np.ones((16, 16), np.bool_), weights)
    np.testing.assert_allclose(expected, scores, atol=2e-4)


def test_training_learns_and_repeats_itself() -> None:
    """The loss on stripes against dots falls, and the same seed gives the same weights."""
    rng = np.random.default_rng(4)
    crops = rng.integers(0, 40, (12, 64, 64)).astype(np.uint8)
    crops[:, ::3, 32:] = 250
    cells = np.zeros((12, 8, 8), np.int8)
    cells[:, :, 4:] = 1
    start = initial_weights(5)
    progress: list[str] = []
    first, second = (train_stage(start, crops, cells, Stage(30, 2e-2, 6), progress.append) for _ in range(2))
    pixels = compress(np.stack([prepare(crop) for crop in crops]))
    before, after = (loss_and_gradients(weights, pixels, cells)[0] for weights in (start, first))
    assert after < 0.7 * before
    for name in NAMES:
        np.testing.assert_array_equal(first[name], second[name])
        assert not np.array_equal(first[name], start[name]) or name in {"wa", "ba"}
