"""Faults of detector, coding and transfer, applied to 8-bit pictures.

The functions have the signature of those in `optical_faults`: (picture, rng) to a new picture.
"""

from io import BytesIO
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from PIL import Image

from model.features.picture_views import Picture
from model.training.degradation.picture_arithmetic import short_side, to_picture, with_channel_axis


def bit_wrap(picture: Picture, rng: Generator) -> Picture:
    """Let values overflow 255 and start again at 0, as with a lost high bit."""
    return (picture.astype(np.int64) * int(rng.integers(2, 6)) + int(rng.integers(0, 128))).astype(np.uint8)


def posterisation(picture: Picture, rng: Generator) -> Picture:
    """Reduce to 2 to 6 grey levels."""
    step = 255 / int(rng.integers(1, 6))
    return to_picture(np.rint(picture / step) * step)


def severe_jpeg(picture: Picture, rng: Generator) -> Picture:
    """Shrink by up to two, then compress as JPEG at quality 1 to 5."""
    image = Image.fromarray(picture)
    shrink = rng.uniform(1, 2)
    small = image.resize([max(1, round(side / shrink)) for side in image.size], Image.Resampling.BOX)
    coded = BytesIO()
    small.save(coded, "JPEG", quality=int(rng.integers(1, 6)))
    return np.asarray(Image.open(coded).resize(image.size, Image.Resampling.NEAREST))


def pixelation(picture: Picture, rng: Generator) -> Picture:
    """Replace blocks of 1.2 to 4 % of the side by one value each."""
    block = max(3, round(rng.uniform(0.012, 0.04) * short_side(picture)))
    image = Image.fromarray(picture)
    small = image.resize([max(1, side // block) for side in image.size], Image.Resampling.BOX)
    return np.asarray(small.resize(image.size, Image.Resampling.NEAREST))


def dead_stripes(picture: Picture, rng: Generator) -> Picture:
    """Set 4 to 20 rows or columns, or bundles of them, to one value."""
    result = picture.copy()
    lines = result if rng.random() < 0.5 else result.swapaxes(0, 1)
    width = max(1, round(rng.uniform(0.002, 0.01) * lines.shape[0]))
    for start in rng.integers(0, lines.shape[0], int(rng.integers(4, 21))):
        lines[start : start + width] = int(rng.choice([0, 128, 255]))
    return result


def row_shift(picture: Picture, rng: Generator) -> Picture:
    """Shift bands of rows sideways by up to a fifth of the width."""
    result = picture.copy()
    reach = max(3, picture.shape[1] // 5)
    borders = np.sort(rng.integers(0, picture.shape[0], int(rng.integers(6, 25))))
    for start, stop in pairwise(borders):
        result[start:stop] = np.roll(result[start:stop], int(rng.integers(-reach, reach + 1)), axis=1)
    return result


def rings(picture: Picture, rng: Generator) -> Picture:
    """Add bright and dark circles around the centre, as from uncalibrated detector elements."""
    rows, columns = picture.shape[:2]
    y, x = np.ogrid[:rows, :columns]
    radius = np.hypot(y - (rows - 1) / 2, x - (columns - 1) / 2)
    width = max(1.0, rng.uniform(0.004, 0.012) * short_side(picture))
    amplitudes = rng.normal(0, rng.uniform(20, 45), int(radius.max() / width) + 1)
    return to_picture(picture + with_channel_axis(amplitudes[(radius / width).astype(np.intp)], picture))


def grid(picture: Picture, rng: Generator) -> Picture:
    """Add a regular pattern of lines in one direction or in two."""
    rows, columns = picture.shape[:2]
    period = max(3.0, rng.uniform(0.008, 0.04) * short_side(picture))
    angle = rng.uniform(0, np.pi)
    y, x = np.mgrid[:rows, :columns] * (2 * np.pi / period)
    wave = np.sin(np.cos(angle) * x + np.sin(angle) * y)
    if rng.random() < 0.5:
        wave = np.maximum(wave, np.sin(np.sin(angle) * x - np.cos(angle) * y))
    return to_picture(picture + with_channel_axis(wave, picture) * rng.uniform(25, 55))


def ghost(picture: Picture, rng: Generator) -> Picture:
    """Add a copy that is shifted by 20 to 50 % of the side and 45 to 80 % as strong."""
    axis = int(rng.integers(0, 2))
    distance = round(picture.shape[axis] * rng.uniform(0.2, 0.5))
    copy = np.roll(picture, distance, axis=axis) * rng.uniform(0.45, 0.8)
    return to_picture((picture + copy) * rng.uniform(0.7, 1.0))


def truncated(picture: Picture, rng: Generator) -> Picture:
    """Remove all rows after the first 15 to 70 %."""
    result = picture.copy()
    stop = max(1, round(picture.shape[0] * rng.uniform(0.15, 0.7)))
    result[stop:] = result[stop - 1] if rng.random() < 0.25 else int(rng.choice([0, 0, 128, 255]))
    return result


def lost_part(picture: Picture, rng: Generator) -> Picture:
    """Replace 30 to 65 % of the picture, from any side, by one value, noise or the last line."""
    turns = int(rng.integers(0, 4))
    turned = np.rot90(picture, turns).copy()
    stop = max(1, round(turned.shape[0] * rng.uniform(0.35, 0.7)))
    filling = rng.random()
    if filling < 0.15:
        turned[stop:] = turned[stop - 1]
    elif filling < 0.3:
        turned[stop:] = rng.integers(0, 256, turned[stop:].shape)
    else:
        turned[stop:] = int(rng.choice([0, 0, 0, 128, 255]))
    return np.ascontiguousarray(np.rot90(turned, -turns))


def collimation(picture: Picture, rng: Generator) -> Picture:
    """Keep only a turned rectangle or an ellipse of 6 to 30 % of the area; the rest is black or white."""
    rows, columns = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    angle = float(rng.choice([0, 0, rng.uniform(-0.5, 0.5)]))
    y, x = y - rng.uniform(-0.4, 0.4), x - rng.uniform(-0.4, 0.4)
    across, down = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    area, ratio = rng.uniform(0.06, 0.3), np.exp(rng.uniform(-0.6, 0.6))
    width, height = np.sqrt(area * ratio), np.sqrt(area / ratio)
    if rng.random() < 0.7:
        inside = (np.abs(across) < width) & (np.abs(down) < height)
    else:
        inside = (across / width) ** 2 + (down / height) ** 2 < 4 / np.pi
    result = picture.copy()
    result[~inside] = int(rng.choice([0, 0, 0, 255]))
    return result


def missing_rows(picture: Picture, rng: Generator) -> Picture:
    """Set 3 to 8 bands of rows, about a third of the picture, to one value."""
    result = picture.copy()
    value = int(rng.choice([0, 128, 255]))
    for _ in range(int(rng.integers(3, 9))):
        height = max(2, round(picture.shape[0] * rng.uniform(0.03, 0.1)))
        start = int(rng.integers(0, max(1, picture.shape[0] - height)))
        result[start : start + height] = value
    return result


def block_loss(picture: Picture, rng: Generator) -> Picture:
    """Set 15 to 45 % of the blocks to one value, as after damage to a coded stream."""
    rows, columns = picture.shape[:2]
    block = max(8, 8 * round(rng.uniform(0.03, 0.1) * short_side(picture) / 8))
    lost = rng.random((-(-rows // block), -(-columns // block))) < rng.uniform(0.15, 0.45)
    result = picture.copy()
    mask = np.kron(lost, np.ones((block, block), bool))[:rows, :columns]
    result[mask] = int(rng.choice([0, 128, 255]))
    return result


def mostly_empty(picture: Picture, rng: Generator) -> Picture:
    """Keep only a patch of at most 3 % of the area."""
    rows, columns = picture.shape[:2]
    height = max(1, round(rows * rng.uniform(0.04, 0.17)))
    width = max(1, round(columns * rng.uniform(0.04, 0.17)))
    top, left = int(rng.integers(0, rows - height + 1)), int(rng.integers(0, columns - width + 1))
    result = np.full_like(picture, int(rng.choice([0, 0, 255])))
    result[top : top + height, left : left + width] = picture[top : top + height, left : left + width]
    return result


def uniform(picture: Picture, rng: Generator) -> Picture:
    """Replace everything by one value, with at most the noise of an unexposed detector."""
    level, deviation = rng.uniform(0, 255), float(rng.choice([0.0, 0.0, 1.0, 3.0]))
    plane = level + deviation * rng.standard_normal(picture.shape[:2])
    return to_picture(with_channel_axis(plane, picture) + np.zeros(picture.shape))
