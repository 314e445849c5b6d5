"""What is hard-edged like text and is none: what devices draw, and metal in the body.

Devices draw lines, rulers, frames, curves, crosses, dots and steps of grey. Metal is wires that close a
breastbone, clips, staples, coils and leads.
"""

from collections.abc import Callable

import cv2
import numpy as np

from deidentification.pixels.text.arrays import Bytes

_PART_TURNED = 0.4


def draw_mark(crop: Bytes, rng: np.random.Generator) -> None:
    """Draw one mark of a random kind into a square crop (side, side)."""
    value = int(rng.choice([255, 255, 0, int(rng.integers(256))]))
    thickness = int(rng.integers(1, 4))
    _MARKS[int(rng.integers(len(_MARKS)))](crop, value, thickness, rng)
    if rng.random() < _PART_TURNED:
        crop[:] = np.ascontiguousarray(np.rot90(crop))


def _point(crop: Bytes, rng: np.random.Generator) -> tuple[int, int]:
    x, y = rng.integers(0, len(crop), 2)
    return int(x), int(y)


def _line_kind(rng: np.random.Generator) -> int:
    return int(rng.choice([cv2.LINE_8, cv2.LINE_AA]))


def _line(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    cv2.line(crop, _point(crop, rng), _point(crop, rng), value, thickness, _line_kind(rng))


def _ruler(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    x, step, length = int(rng.integers(len(crop))), int(rng.integers(6, 30)), int(rng.integers(2, 12))
    for y in range(int(rng.integers(step)), len(crop), step):
        cv2.line(crop, (x, y), (x + length, y), value, 1)
    if thickness > 1:
        cv2.line(crop, (x, 0), (x, len(crop)), value, 1)


def _frame(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    filled = rng.random() < 0.3
    cv2.rectangle(crop, _point(crop, rng), _point(crop, rng), value, -1 if filled else thickness)


def _circle(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    filled = rng.random() < 0.3
    radius = int(rng.integers(2, 40))
    cv2.circle(crop, _point(crop, rng), radius, value, -1 if filled else thickness, _line_kind(rng))


def _curve(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    y = np.cumsum(rng.normal(0, rng.uniform(0.5, 4), len(crop))) + rng.integers(len(crop))
    points = np.stack([np.arange(len(crop)), y], 1).astype(np.int32)
    cv2.polylines(crop, [points], False, value, min(2, thickness), _line_kind(rng))


def _cross(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    (x, y), size = _point(crop, rng), int(rng.integers(3, 9))
    cv2.line(crop, (x - size, y), (x + size, y), value, thickness // 2 + 1)
    cv2.line(crop, (x, y - size), (x, y + size), value, thickness // 2 + 1)


def _dots(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    for _ in range(int(rng.integers(3, 25)) * thickness):
        x, y = _point(crop, rng)
        crop[y, x] = value


def _dotted_line(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    (x, y), step = _point(crop, rng), int(rng.integers(4, 16))
    for number in range(int(rng.integers(4, 20))):
        if rng.random() < 0.95:
            crop[y : y + thickness, x + number * step : x + number * step + thickness] = value


def _steps(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    """Stripes or a chess board."""
    (x, y), step = _point(crop, rng), int(rng.integers(2, 14))
    piece = crop[y : y + 20 * (thickness + 1), x : x + 20 * (thickness + 1)]
    rows, columns = np.indices(piece.shape)
    piece[((rows // step + columns // step * int(rng.integers(2))) % 2) > 0] = value


def _blurred(crop: Bytes, drawn: Bytes, value: int, rng: np.random.Generator) -> None:
    """Lay a mask (side, side) of 0 and 255 over the crop as a detector sees metal: with soft edges."""
    soft = cv2.GaussianBlur(drawn, (0, 0), float(rng.uniform(0.4, 1.1))).astype(np.float32) / 255
    crop[:] = np.rint(crop * (1 - soft) + value * soft).clip(0, 255).astype(np.uint8)


def _wires(crop: Bytes, value: int, _thickness: int, rng: np.random.Generator) -> None:
    """A row of bent wire loops, each with a twisted end."""
    drawn = np.zeros_like(crop)
    x, y = _point(crop, rng)
    step, size, width = int(rng.integers(10, 36)), int(rng.integers(4, 12)), int(rng.integers(1, 3))
    across = rng.random() < 0.7
    for number in range(int(rng.integers(1, 8))):
        centre = x + int(rng.integers(-4, 5)), y + number * step
        axes = (size, max(2, int(size * rng.uniform(0.25, 0.8))))
        turn = float(rng.uniform(-30, 30)) + (0 if across else 90)
        start = float(rng.uniform(0, 90))
        cv2.ellipse(drawn, centre, axes, turn, start, start + float(rng.uniform(200, 360)), 255, width)
        end = centre[0] + int(rng.integers(-size, size + 1)), centre[1] + int(rng.integers(-size, size + 1))
        cv2.line(drawn, centre, end, 255, width)
    _blurred(crop, drawn, value, rng)


def _clips(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    """Surgical clips or staples: short bent strokes, in a row or scattered."""
    drawn = np.zeros_like(crop)
    place, step, in_a_row = np.array(_point(crop, rng)), rng.integers(-14, 15, 2), rng.random() < 0.6
    for number in range(int(rng.integers(2, 14))):
        at = place + number * step if in_a_row else rng.integers(0, len(crop), 2)
        points = at + np.cumsum(rng.integers(-6, 7, (int(rng.integers(2, 5)), 2)), axis=0)
        cv2.polylines(drawn, [points.astype(np.int32)], False, 255, min(2, thickness))
    _blurred(crop, drawn, value, rng)


def _coil(crop: Bytes, value: int, thickness: int, rng: np.random.Generator) -> None:
    """A coil, stent or twisted lead along a line."""
    drawn = np.zeros_like(crop)
    along = np.arange(0, int(rng.integers(20, 110)), 0.5)
    wave, radius = float(rng.uniform(0.4, 1.6)), float(rng.uniform(2, 9))
    x, y = _point(crop, rng)
    points = np.stack([x + along + radius * np.cos(along * wave), y + radius * np.sin(along * wave)], 1)
    cv2.polylines(drawn, [points.astype(np.int32)], False, 255, min(2, thickness))
    _blurred(crop, drawn, value, rng)


_MARKS: tuple[Callable[[Bytes, int, int, np.random.Generator], None], ...] = (
    _line,
    _ruler,
    _frame,
    _circle,
    _curve,
    _cross,
    _dots,
    _dotted_line,
    _steps,
    _wires,
    _clips,
    _coil,
)
