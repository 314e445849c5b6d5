"""Arithmetic on 8-bit pictures, grey (rows, columns) or colour (rows, columns, 3)."""

from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from model.features.picture_views import Picture


def noise(picture: Picture, rng: Generator) -> NDArray[np.float32]:
    """Return standard normal values, float32, in the picture's shape."""
    return rng.standard_normal(picture.shape, np.float32)


def foreground(picture: Picture) -> NDArray[np.uint8]:
    """Return the values that aren't black, one-dimensional; a single white value if all are black."""
    values = picture[picture > 8]
    return values if values.size else np.array([255], np.uint8)


def shifted(picture: Picture, down: int, right: int) -> Picture:
    """Return the picture shifted by whole pixels, with its edges repeated."""
    rows = np.clip(np.arange(picture.shape[0]) - down, 0, picture.shape[0] - 1)
    columns = np.clip(np.arange(picture.shape[1]) - right, 0, picture.shape[1] - 1)
    return picture[rows[:, None], columns]


def with_channel_axis(plane: NDArray[np.float64], picture: Picture) -> NDArray[np.float64]:
    """Add a third axis to a plane (rows, columns) if the picture is in colour."""
    return plane if picture.ndim == 2 else plane[:, :, None]


def short_side(picture: Picture) -> int:
    """Return the smaller of rows and columns."""
    return int(min(picture.shape[:2]))


def to_picture(values: NDArray[Any]) -> Picture:
    """Round and clip values to uint8."""
    picture: Picture = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return picture
