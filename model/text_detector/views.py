"""A piece of a picture as other devices, windows and viewers would show it."""

from typing import cast

import cv2
import numpy as np

from deidentification.pixels.text.arrays import Bytes

_ENLARGED = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_NEAREST)


def as_other_devices_show_it(piece: Bytes, side: int, rng: np.random.Generator) -> Bytes:
    """Scale, turn, mirror, window, sharpen and disturb a square grey piece; uint8 (side, side)."""
    piece = _of_side(piece, side, rng)
    piece = np.rot90(piece, int(rng.integers(4)))
    if rng.random() < 0.5:
        piece = piece[:, ::-1]
    piece = np.ascontiguousarray(piece)
    if rng.random() < 0.15:
        piece = _sharpened(piece, rng)
    piece = _grey_values(rng)[piece]
    if rng.random() < 0.2:
        piece = _noisy(piece, rng)
    if rng.random() < 0.06:
        piece = _compressed(piece, int(rng.integers(60, 95)))
    return np.ascontiguousarray(piece)


def _of_side(piece: Bytes, side: int, rng: np.random.Generator) -> Bytes:
    missing = side - len(piece)
    if 0 < missing <= side // 2 and rng.random() < 0.5:  # small pictures as they are, on a margin
        value = int(rng.choice([0, 0, int(piece[0, 0])]))
        how = cv2.BORDER_REFLECT if rng.random() < 0.6 else cv2.BORDER_CONSTANT
        return cast("Bytes", cv2.copyMakeBorder(piece, 0, missing, 0, missing, how, value=value))
    if missing == 0:
        return piece
    how = cv2.INTER_AREA if missing < 0 else _ENLARGED[int(rng.integers(len(_ENLARGED)))]
    return cast("Bytes", cv2.resize(piece, (side, side), interpolation=how))


def _sharpened(piece: Bytes, rng: np.random.Generator) -> Bytes:
    """Edges strengthened as for scouts and computed radiographs, or a median filter's flat patches."""
    if rng.random() < 0.25:
        return cast("Bytes", cv2.medianBlur(piece, 3))
    smooth = cv2.GaussianBlur(piece, (0, 0), float(rng.uniform(0.8, 4)))
    strength = float(rng.uniform(0.5, 3))
    return cast("Bytes", cv2.addWeighted(piece, 1 + strength, smooth, -strength, 0))


def _grey_values(rng: np.random.Generator) -> Bytes:
    """For each grey level another one: windows, gamma, few steps of grey, negatives."""
    value = np.arange(256, dtype=np.float64) / 255
    if rng.random() < 0.5:
        narrow = rng.random() < 0.2
        gain = float(np.exp(rng.uniform(0.7, 1.8) if narrow else rng.uniform(-0.5, 0.7)))
        gamma = float(np.exp(rng.uniform(-0.5, 0.5)))
        if narrow or rng.random() < 0.5:
            centre = float(rng.uniform(0.1, 0.7)) if narrow else 0.5
            value = np.clip((value - centre) * gain + rng.uniform(0.3, 0.7), 0, 1)
        value **= gamma
    if rng.random() < 0.03:
        steps = int(rng.integers(4, 16))
        value = np.rint(value * steps) / steps
    if rng.random() < 0.2:
        value = 1 - value
    return (value * 255).astype(np.uint8)


def _noisy(piece: Bytes, rng: np.random.Generator) -> Bytes:
    noise = rng.normal(0, rng.uniform(2, 14), piece.shape).astype(np.float32)
    if rng.random() < 0.5:
        noise = cv2.GaussianBlur(noise, (0, 0), float(rng.uniform(0.5, 1.2))) * 1.7
    return (piece + noise).clip(0, 255).astype(np.uint8)


def _compressed(piece: Bytes, quality: int) -> Bytes:
    """Through a lossy JPEG."""
    stream = cv2.imencode(".jpg", piece, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cast("Bytes", cv2.imdecode(stream, cv2.IMREAD_GRAYSCALE))
