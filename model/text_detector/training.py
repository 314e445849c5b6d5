"""Forward, backward and Adam for the net of `deidentification.pixels.text.cell_net`, with numpy alone.

The same crops, seed and number of steps give the same weights on one machine with one thread.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from deidentification.pixels.text.arrays import Bytes, Floats
from deidentification.pixels.text.cell_net import Weights, compress, prepare
from model.text_detector.crops import Cells

DEPTHS = (16, 32, 64, 32)
"""Of the first to the fourth layer; the fifth has one."""
BATCH = 64
_AT_ONCE = 16  # crops; their patches stay in the processor's cache
_HARD = 1.02  # the loss of a cell counts this less the probability of its true class
_EARLY = 0.15  # how much the first guess counts: it only spares work
_SCALE = 10.0
_DECAYS = (0.9, 0.99)
_WARM_UP = 100  # steps
_LATER = 1.3  # later crops are chosen a little more often

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """One stage of the training."""

    steps: int
    rate: float
    """Adam's largest step size; it falls to zero as a cosine."""
    seed: int


def initial_weights(seed: int) -> Weights:
    """He's initial weights."""
    rng = np.random.default_rng(seed)
    first, second, third, fourth = DEPTHS
    shapes = {
        "1": (16, first), "2": (16 * first, second), "3": (9 * second, third), "4": (9 * third, fourth),
        "5": (9 * fourth, 1),
    }  # fmt: skip
    weights: Weights = {}
    for name, (inputs, outputs) in shapes.items():
        spread = (2 / inputs) ** 0.5 * (0.3 if name == "5" else 1.0)
        weights["w" + name] = rng.normal(0, spread, (inputs, outputs)).astype(np.float32)
        weights["b" + name] = np.full(outputs, -1.0 if name == "5" else 0.0, np.float32)
    weights["wa"] = np.zeros((second, 1), np.float32)
    weights["ba"] = np.full(1, -1.0, np.float32)
    return weights


def train_stage(
    weights: Weights, crops: NDArray[np.uint8], cells: Cells, stage: Stage, progress: Progress
) -> Weights:
    """Weights after one stage.

    Parameters
    ----------
    crops
        uint8 (n, side, side).
    cells
        int8 (n, side / 8, side / 8), see `crops`.
    """
    rng, mean_loss = np.random.default_rng(stage.seed), 0.0
    weights = dict(weights)
    adam = _Adam(weights)
    for step in range(1, stage.steps + 1):
        rate = stage.rate * min(1.0, step / _WARM_UP) * 0.5 * (1 + np.cos(np.pi * step / stage.steps))
        pixels, labels = _batch(crops, cells, rng)
        loss, gradients = loss_and_gradients(weights, pixels, labels)
        adam.step(weights, gradients, rate)
        mean_loss += (loss - mean_loss) * (0.02 if step > 1 else 1.0)
        if step % 500 == 0:
            progress(f"Step {step} of {stage.steps}: loss {mean_loss:.4f}.")
    return weights


def _batch(crops: NDArray[np.uint8], cells: Cells, rng: np.random.Generator) -> tuple[Floats, Cells]:
    chosen = len(crops) - 1 - (len(crops) * rng.random(BATCH) ** _LATER).astype(np.int64)
    prepared: Bytes = np.stack([prepare(crop) for crop in crops[chosen]])
    turns, sign = int(rng.integers(4)), np.float32(rng.choice([-1, 1]))
    pixels = np.ascontiguousarray(np.rot90(prepared, turns, (1, 2)))
    return compress(pixels) * sign, np.ascontiguousarray(np.rot90(cells[chosen], turns, (1, 2)))


class _Adam:
    """Steps of Adam (D. Kingma and J. Ba, 2015), with running means of the gradients and of their squares."""

    def __init__(self, weights: Weights) -> None:
        self._step = 0
        self._means = {name: np.zeros_like(value) for name, value in weights.items()}
        self._squares = {name: np.zeros_like(value) for name, value in weights.items()}

    def step(self, weights: Weights, gradients: Weights, rate: float) -> None:
        self._step += 1
        for name, gradient in gradients.items():
            mean = self._means[name] = _mixed(self._means[name], gradient, _DECAYS[0])
            square = self._squares[name] = _mixed(self._squares[name], gradient**2, _DECAYS[1])
            root = np.sqrt(square / np.float32(1 - _DECAYS[1] ** self._step)) + np.float32(1e-7)
            change = mean / np.float32(1 - _DECAYS[0] ** self._step) / root
            weights[name] = weights[name] - np.float32(rate) * change


def _mixed(old: Floats, new: Floats, decay: float) -> Floats:
    return old * np.float32(decay) + new * np.float32(1 - decay)


def logits(weights: Weights, pixels: Floats) -> tuple[Floats, Floats]:
    """The net's logits and the first guess's for crops (n, side, side), both (n, side / 8, side / 8)."""
    layers = _forward(weights, pixels)
    shape = layers.values["2"].shape[:3]
    return layers.logit.reshape(shape), layers.guess.reshape(shape)


@dataclass(frozen=True)
class _Layers:
    patches: dict[str, Floats]  # what each layer is computed from, (places, inputs)
    values: dict[str, Floats]  # after each layer, (n, rows, columns, depth)
    logit: Floats  # (places,)
    guess: Floats  # (places,)


def _forward(weights: Weights, pixels: Floats) -> _Layers:
    number, side = len(pixels), pixels.shape[1] // 4
    patches, values = {}, {}
    squares = pixels.reshape(number, side, 4, side, 4).transpose(0, 1, 3, 2, 4)
    patches["1"] = squares.reshape(number * side * side, 16)
    values["1"] = _activated(patches["1"], weights, "1").reshape(number, side, side, -1)
    for before, name, size, stride in (("1", "2", 4, 2), ("2", "3", 3, 1), ("3", "4", 3, 1)):
        patches[name] = _patches(values[before], size, stride)
        values[name] = _activated(patches[name], weights, name).reshape(number, side // 2, side // 2, -1)
    patches["5"] = _patches(values["4"], 3, 1)
    logit = patches["5"] @ weights["w5"][:, 0] + weights["b5"]
    guess = values["2"].reshape(len(logit), -1) @ weights["wa"][:, 0] + weights["ba"]
    return _Layers(patches, values, logit, guess)


def _activated(patches: Floats, weights: Weights, name: str) -> Floats:
    values: Floats = patches @ weights["w" + name]
    values += weights["b" + name]
    return np.maximum(values, 0, out=values)


def _patches(values: Floats, size: int, stride: int) -> Floats:
    """Squares of `size` places in steps of `stride`, with a margin of one zero: (places, size² · depth)."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1), (0, 0)))
    windows = sliding_window_view(padded, (size, size), (1, 2))[:, ::stride, ::stride]
    return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, size * size * values.shape[3])


def loss_and_gradients(weights: Weights, pixels: Floats, cells: Cells) -> tuple[float, Weights]:
    """The mean loss over the known cells, and its gradient for every weight."""
    factor = np.float32(_SCALE / max(1, (cells >= 0).sum()))
    starts = range(0, len(pixels), _AT_ONCE)
    parts = [np.s_[start : start + _AT_ONCE] for start in starts]
    losses = [_part_of_loss(weights, pixels[part], cells[part], factor) for part in parts]
    gradients = {name: np.sum([gradient[name] for _, gradient in losses], axis=0) for name in losses[0][1]}
    return sum(loss for loss, _ in losses), gradients


def _part_of_loss(
    weights: Weights, pixels: Floats, cells: Cells, factor: np.float32
) -> tuple[float, Weights]:
    layers = _forward(weights, pixels)
    known = (cells >= 0).reshape(-1)
    text = (cells == 1).reshape(-1).astype(np.float32)
    entropy, slope = _cross_entropy(layers.logit, text)
    chance = np.exp(-entropy)
    early_entropy, early_slope = _cross_entropy(layers.guess, text)
    loss = float((factor * known * ((_HARD - chance) * entropy + _EARLY * early_entropy)).sum())
    delta: Floats = factor * known * (np.float32(_HARD) - chance + entropy * chance) * slope
    early_delta = factor * np.float32(_EARLY) * known * early_slope
    return loss, _backward(weights, layers, delta, early_delta)


def _cross_entropy(logit: Floats, text: Floats) -> tuple[Floats, Floats]:
    """The cross entropy of each cell, and its derivative by the logit."""
    small = np.exp(-np.abs(logit))
    entropy = np.maximum(logit, 0) - logit * text + np.log1p(small)
    return entropy, np.where(logit >= 0, 1, small) / (1 + small) - text


def _backward(weights: Weights, layers: _Layers, delta: Floats, early_delta: Floats) -> Weights:
    gradients: Weights = {}
    second = layers.values["2"].reshape(len(delta), -1)
    gradients["wa"], gradients["ba"] = second.T @ early_delta[:, None], early_delta.sum(keepdims=True)
    shape = (*layers.values["4"].shape[:3], 1)
    change = delta[:, None]
    for name, before in (("5", "4"), ("4", "3"), ("3", "2")):
        _weight_gradients(gradients, layers, name, change)
        change = _through_layer(change.reshape(*shape[:3], -1), weights["w" + name])
        if before == "2":
            change += early_delta[:, None] * weights["wa"][:, 0]
        change *= layers.values[before].reshape(change.shape) > 0
    _weight_gradients(gradients, layers, "2", change)
    change = _through_second_layer(change @ weights["w2"].T, shape)
    change *= layers.values["1"].reshape(change.shape) > 0
    _weight_gradients(gradients, layers, "1", change)
    return gradients


def _weight_gradients(gradients: Weights, layers: _Layers, name: str, change: Floats) -> None:
    gradients["w" + name] = layers.patches[name].T @ change
    gradients["b" + name] = change.sum(0)


def _through_layer(change: Floats, weight: Floats) -> Floats:
    """The gradient by the inputs of a layer of 3 x 3 places: a convolution with the turned weights."""
    depth = change.shape[3]
    turned = weight.reshape(9, -1, depth)[::-1].transpose(0, 2, 1).reshape(9 * depth, -1)
    return _patches(change, 3, 1) @ turned


def _through_second_layer(patches: Floats, shape: tuple[int, ...]) -> Floats:
    """The gradient by the first layer's values, (places, depth), from that by the second one's patches."""
    number, rows, columns = shape[:3]
    parts = patches.reshape(number, rows, columns, 4, 4, -1)
    padded = np.zeros((number, 2 * rows + 2, 2 * columns + 2, parts.shape[5]), np.float32)
    for row in range(4):
        for column in range(4):
            padded[:, row : row + 2 * rows : 2, column : column + 2 * columns : 2] += parts[
                :, :, :, row, column
            ]
    return padded[:, 1:-1, 1:-1].reshape(-1, padded.shape[3])
