"""Degradations that make a picture bad, and mild changes that leave it good, for training."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, cast

import numpy as np
from numpy.random import Generator
from PIL import Image, ImageDraw

from model.features.picture_views import Picture, box_reduced
from model.training.degradation import optical_faults, transfer_faults
from model.training.degradation.picture_arithmetic import noise, short_side, to_picture

Change = Callable[[Picture, Generator], Picture]

_VISIBLE = 4.0  # grey levels, root mean square
_SMALLEST_SIDE = 64

DEGRADATIONS: dict[str, Change] = {
    change.__name__: change
    for change in (
        optical_faults.defocus,
        optical_faults.motion,
        optical_faults.movement,
        optical_faults.gaussian_noise,
        optical_faults.poisson_noise,
        optical_faults.speckle_noise,
        optical_faults.impulse_noise,
        optical_faults.under_exposure,
        optical_faults.over_exposure,
        optical_faults.low_contrast,
        optical_faults.wrong_window,
        optical_faults.high_window,
        optical_faults.veil,
        optical_faults.shading,
        transfer_faults.bit_wrap,
        transfer_faults.posterisation,
        transfer_faults.severe_jpeg,
        transfer_faults.pixelation,
        transfer_faults.dead_stripes,
        transfer_faults.row_shift,
        transfer_faults.rings,
        transfer_faults.grid,
        transfer_faults.ghost,
        transfer_faults.truncated,
        transfer_faults.lost_part,
        transfer_faults.collimation,
        transfer_faults.missing_rows,
        transfer_faults.block_loss,
        transfer_faults.mostly_empty,
        transfer_faults.uniform,
    )
}


def degraded(picture: Picture, rng: Generator) -> Iterator[tuple[str, Picture]]:
    """Apply each kind of degradation once and yield the results that show it.

    Parameters
    ----------
    picture : uint8 array of shape (rows, columns) or (rows, columns, 3)
    rng : Generator
        Equal generator states give equal pictures.

    Yields
    ------
    The kind's name and a new picture of the same shape and dtype. A kind that hardly changes
    this picture, such as blur on a smooth one, is left out because the result would still be good.
    """
    for name, degrade in DEGRADATIONS.items():
        result = degrade(picture, rng)
        if _difference(picture, result) >= _VISIBLE:
            yield name, result


def _difference(before: Picture, after: Picture) -> float:
    return float(np.sqrt(np.mean(np.square(before.astype(np.float32) - after))))


def gamma(picture: Picture, rng: Generator) -> Picture:
    """Make the middle tones a little darker or brighter."""
    return to_picture(255 * (picture / 255) ** rng.uniform(0.8, 1.25))


def mild_noise(picture: Picture, rng: Generator) -> Picture:
    """Add normal noise of 1 to 4 grey levels."""
    return to_picture(picture + noise(picture, rng) * rng.uniform(1, 4))


def quarter_turn(picture: Picture, rng: Generator) -> Picture:
    """Rotate by 90 degrees in either direction."""
    return np.ascontiguousarray(np.rot90(picture, k=int(rng.choice([1, 3]))))


def mild_crop(picture: Picture, rng: Generator) -> Picture:
    """Crop to 80 to 95 % of each side at a random position."""
    rows, columns = (round(side * rng.uniform(0.8, 0.95)) for side in picture.shape[:2])
    top = int(rng.integers(0, picture.shape[0] - rows + 1))
    left = int(rng.integers(0, picture.shape[1] - columns + 1))
    return picture[top : top + rows, left : left + columns].copy()


def region(picture: Picture, rng: Generator) -> Picture:
    """Crop to 45 to 75 % of each side if that part is large enough and has content; else unchanged."""
    rows, columns = (round(side * rng.uniform(0.45, 0.75)) for side in picture.shape[:2])
    top = int(rng.integers(0, picture.shape[0] - rows + 1))
    left = int(rng.integers(0, picture.shape[1] - columns + 1))
    part = picture[top : top + rows, left : left + columns].copy()
    has_content = np.mean(part > 16) > 0.3 and part.std() > 15
    return part if has_content and short_side(part) >= _SMALLEST_SIDE else picture


def double_size(picture: Picture, rng: Generator) -> Picture:
    """Enlarge by 1.3 to 2 by interpolation, as scanners do; a large picture comes back unchanged."""
    if short_side(picture) > 512:
        return picture
    image = Image.fromarray(picture)
    factor = rng.uniform(1.3, 2)
    size = [round(side * factor) for side in image.size]
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def other_window(picture: Picture, rng: Generator) -> Picture:
    """Cut off, or leave unused, up to 12 % of the range at each end."""
    low, high = rng.uniform(-20, 20), 255 + rng.uniform(-30, 30)
    return to_picture((picture - low) * (255 / (high - low)))


def mild_jpeg(picture: Picture, rng: Generator) -> Picture:
    """Compress as JPEG at quality 80 to 95."""
    coded = BytesIO()
    Image.fromarray(picture).save(coded, "JPEG", quality=int(rng.integers(80, 96)))
    return np.asarray(Image.open(coded))


def half_size(picture: Picture, rng: Generator) -> Picture:  # noqa: ARG001 all changes have one signature
    """Average 2 x 2 pixels; a picture that would get a side under 64 pixels comes back unchanged."""
    return picture if short_side(picture) < 2 * _SMALLEST_SIDE else to_picture(box_reduced(picture, 2))


def frame(picture: Picture, rng: Generator) -> Picture:
    """Put on a background of up to 1.5 times the side, mostly black, sometimes white as beside a collimator.

    The picture lies in the middle third, for a background on one side alone looks like a lost part.
    """
    rows, columns = picture.shape[:2]
    factors = rng.uniform(1.0, 1.5, 2) * rng.choice([[1, 0], [0, 1], [1, 1]])
    height, width = (
        max(side, round(side * factor)) for side, factor in zip((rows, columns), factors, strict=True)
    )
    top, left = (round(free * rng.uniform(0.33, 0.67)) for free in (height - rows, width - columns))
    ground = int(rng.choice([0, 0, 0, 255]))
    result = np.full((height, width, *picture.shape[2:]), ground, np.uint8)
    result[top : top + rows, left : left + columns] = picture
    return result


def captions(picture: Picture, rng: Generator) -> Picture:
    """Draw lines of letters and a ruler in the margins, as scanners burn them in."""
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    white = 255 if picture.ndim == 2 else (255, 255, 255)
    height, width = picture.shape[:2]
    letters = list("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:/ ")
    for _ in range(int(rng.integers(2, 8))):
        text = "".join(rng.choice(letters, int(rng.integers(3, 16))))
        left = int(rng.choice([4, width * 2 // 3]))
        pen.text((left, int(rng.uniform(0, 0.9) * height)), text, fill=white)
    edge = int(rng.choice([2, width - 8]))
    for row in range(height // 10, height * 9 // 10, max(6, height // 20)):
        pen.line((edge, row, edge + 5, row), fill=white)
    return np.asarray(image)


def stretched(picture: Picture, rng: Generator) -> Picture:
    """Resample the width to 0.7 to 1.4 times its length, as for pixels that aren't square."""
    image = Image.fromarray(picture)
    factor = rng.uniform(0.7, 1.4)
    size = (max(_SMALLEST_SIDE, round(image.width * factor)), image.height)
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC))


def inverted(picture: Picture) -> Picture:
    """Exchange black and white."""
    return 255 - picture


MILD_CHANGES: dict[str, Change] = {
    change.__name__: cast("Any", change)
    for change in (
        gamma,
        mild_noise,
        quarter_turn,
        mild_crop,
        region,
        other_window,
        mild_jpeg,
        half_size,
        double_size,
        frame,
        captions,
        stretched,
    )
}
