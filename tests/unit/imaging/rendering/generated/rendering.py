"""What grey values look like, computed from the standard's text; nothing here is the code that is tested.

PS3.3 C.7.5.1.1.2 (padding), C.11.1 (modality), C.11.2 (VOI), C.11.6 (polarity). Where the standard
leaves the choice to the reader, docs/pictures.md decides: own range, or soft tissue for a CT.
"""

from typing import Any

import numpy as np

from tests.unit.imaging.rendering.generated.levels import Rescale, Windows
from tests.unit.imaging.rendering.generated.look_up_table import Table

SOFT_TISSUE = Windows((40.0,), (400.0,))


def modality(values: np.ndarray, transform: Any) -> np.ndarray:
    """C.11.1: the entries of a table, or m * SV + b."""
    if isinstance(transform, Table):
        return transform.mapped(values)
    if isinstance(transform, Rescale):
        return values * transform.slope + transform.intercept
    return values


def greys(values: np.ndarray, voi: Any, inside: np.ndarray) -> np.ndarray:
    """C.11.2: levels from 0 to 255 of modality values; `inside` are those that make the own range."""
    if isinstance(voi, Table):
        return voi.levels(values) * 255
    if isinstance(voi, Windows):
        levels = _window(values.astype(float), voi.centers[0], voi.widths[0], voi.function or "LINEAR")
    else:
        low, high = float(inside.min()), float(inside.max())
        levels = (values - low) / (high - low) if high > low else np.zeros(values.shape)
    return np.clip(levels, 0, 1) * 255


def _window(x: np.ndarray, center: float, width: float, function: str) -> np.ndarray:
    """C.11.2.1.2.1, C.11.2.1.3.1 and C.11.2.1.3.2, for outputs from 0 to 1."""
    if function == "SIGMOID":
        return 1 / (1 + np.exp(np.minimum(-4 * (x - center) / width, 700)))
    if function == "LINEAR_EXACT":
        return np.where(
            x <= center - width / 2, 0.0, np.where(x > center + width / 2, 1.0, (x - center) / width + 0.5)
        )
    below, above = x <= center - 0.5 - (width - 1) / 2, x > center - 0.5 + (width - 1) / 2
    between = (x - (center - 0.5)) / (width - 1 or 1) + 0.5
    return np.where(below, 0.0, np.where(above, 1.0, between))
