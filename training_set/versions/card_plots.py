"""The plots of a card: how common labels are, and which come together."""

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

_MOST_LABELS = 40  # shown, the most common ones
_LONGEST_NAME = 30
_DPI = 90
_MARGIN, _INCHES = 0.9, 0.3  # of a plot, and of a label in it


def plot_balance(frozen: FrozenSet) -> bytes:
    """The share of images with each label, a bar for each split, as PNG."""
    labels = _shown(frozen)
    places = np.arange(len(labels))
    height = 0.8 / len(frozen.splits)
    height_inches = _MARGIN + _INCHES * len(labels)
    with _figure(8, height_inches) as figure:
        axes = figure.add_axes((0.35, 0.6 / height_inches, 0.62, 1 - 0.8 / height_inches))
        for number, split in enumerate(frozen.splits):
            shares = [100 * label["prevalence"][split] for label in labels]
            axes.barh(places + number * height, shares, height, label=split)
        axes.set_yticks(places + 0.4 - height / 2, [_name(label["name"]) for label in labels])
        axes.invert_yaxis()
        axes.set_xlabel("images with the label, %")
        axes.legend()
        return _png(figure)


def plot_cooccurrence(frozen: FrozenSet) -> bytes:
    """Of the images with the label of a row, the share that has the label of a column, as PNG."""
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
    most_first = sorted(frozen.head["labels"], key=lambda label: (-label["present"], label["name"]))
    return most_first[:_MOST_LABELS]


def _name(text: str) -> str:
    plain = re.sub(r"\s+", " ", text)
    return plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "…"


@contextmanager
def _figure(width: float, height: float) -> Iterator["Figure"]:
    """A figure on no screen, in matplotlib's own style whatever the user's is."""
    import matplotlib as mpl
    import matplotlib.style
    from matplotlib.figure import Figure

    with mpl.style.context("default"), mpl.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield Figure(figsize=(width, height))


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    # Without the software's name and version, and without a date: the same bytes again.
    figure.savefig(buffer, format="png", dpi=_DPI, metadata={"Software": None})
    return buffer.getvalue()
