"""The plots of a dataset card: class balance and co-occurrence of labels."""

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from training_set.selection.image_columns import label_column
from training_set.versions.frozen_set import FrozenSet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MAX_LABELS = 40  # the most common labels are shown
_MAX_NAME_LENGTH = 30
_DPI = 90
_MARGIN, _INCHES = 0.9, 0.3  # margin of a plot and height of a label, in inches


def plot_balance(frozen: FrozenSet) -> bytes:
    """Plot the share of images with each label, one bar per split, as PNG."""
    labels = _shown(frozen)
    positions = np.arange(len(labels))
    height = 0.8 / len(frozen.splits)
    height_inches = _MARGIN + _INCHES * len(labels)
    with _figure(8, height_inches) as figure:
        axes = figure.add_axes((0.35, 0.6 / height_inches, 0.62, 1 - 0.8 / height_inches))
        for number, split in enumerate(frozen.splits):
            shares = [100 * label["prevalence"][split] for label in labels]
            axes.barh(positions + number * height, shares, height, label=split)
        axes.set_yticks(positions + 0.4 - height / 2, [_name(label["name"]) for label in labels])
        axes.invert_yaxis()
        axes.set_xlabel("images with the label, %")
        axes.legend()
        return _png(figure)


def plot_cooccurrence(frozen: FrozenSet) -> bytes:
    """Plot the share of images with a row's label that also have a column's label, as PNG."""
    labels = _shown(frozen)
    names = [_name(label["name"]) for label in labels]
    columns = [frozen.table[label_column(label["name"])].to_numpy() >= 0.5 for label in labels]
    present = np.stack(columns, axis=1).astype(np.float64)
    both = present.T @ present
    shares = both / np.maximum(1, np.diag(both))[:, None]
    inner = _INCHES * len(labels) + 0.5
    side = inner + 3
    with _figure(side + 0.8, side) as figure:
        axes = figure.add_axes((2.6 / (side + 0.8), 2.6 / side, inner / (side + 0.8), inner / side))
        drawn = axes.imshow(shares, vmin=0, vmax=1, cmap="Blues")
        axes.set_xticks(range(len(names)), names, rotation=90)
        axes.set_yticks(range(len(names)), names)
        figure.suptitle("of images with the row's label, share with the column's", fontsize=8)
        figure.colorbar(drawn, cax=figure.add_axes((1 - 0.55 / (side + 0.8), 2.6 / side, 0.02, inner / side)))
        return _png(figure)


def _shown(frozen: FrozenSet) -> list[dict[str, Any]]:
    by_frequency = sorted(frozen.head["labels"], key=lambda label: (-label["present"], label["name"]))
    return by_frequency[:_MAX_LABELS]


def _name(text: str) -> str:
    plain = re.sub(r"\s+", " ", text)
    return plain if len(plain) <= _MAX_NAME_LENGTH else plain[: _MAX_NAME_LENGTH - 1] + "…"


@contextmanager
def _figure(width: float, height: float) -> Iterator["Figure"]:
    """Yield a figure without a screen, in matplotlib's default style instead of the user's."""
    import matplotlib as mpl
    import matplotlib.style
    from matplotlib.figure import Figure

    with mpl.style.context("default"), mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield Figure(figsize=(width, height))


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    # Omit the software's name, version and date, so that the bytes are reproducible.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
