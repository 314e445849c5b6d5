"""The plots of a dataset card: the funnel, patients by split, class balance and co-occurrence of labels."""

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from training_set.selection.image_columns import label_column

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MAX_LABELS = 40  # the most common labels are shown
_MAX_NAME_LENGTH = 30
_DPI = 90
_MARGIN, _INCHES = 0.9, 0.3  # margin of a plot and height of a label, in inches
_WIDTH = 8.0


def plot_funnel(funnel: Mapping[str, Any]) -> bytes:
    """Plot what is left at each step, files above images, and what was left out, as PNG."""
    files, images = funnel["files"], funnel["images"]
    parts = [
        [("files found", files["found"], {}), ("extracted", files["extracted"], files["left_out"])],
        [
            ("images drawn", images["found"], {}),
            *((step["step"], step["images"], step["left_out"]) for step in images["steps"]),
        ],
    ]
    heights = [len(part) for part in parts]
    with _figure(_WIDTH, 0.6 + 0.45 * sum(heights)) as figure:
        grid = figure.add_gridspec(2, 1, height_ratios=heights, left=0.5, right=0.92, top=0.98, bottom=0.02)
        for number, part in enumerate(parts):
            _draw_steps(figure.add_subplot(grid[number]), part)
        return _png(figure)


def _draw_steps(axes: "Axes", steps: list[tuple[str, int, dict[str, int]]]) -> None:
    axes.barh(range(len(steps)), [number for _, number, _ in steps], 0.7, color="tab:blue")
    for at, (_, number, _) in enumerate(steps):
        axes.text(number, at, f" {number:,}", va="center", fontsize=8)
    axes.set_yticks(
        range(len(steps)), [_step_text(words, left_out) for words, _, left_out in steps], fontsize=8
    )
    axes.invert_yaxis()
    axes.set_xlim(0, max(1, steps[0][1]))
    axes.set_xticks([])
    axes.spines[["top", "right", "bottom"]].set_visible(False)


def _step_text(words: str, left_out: Mapping[str, int]) -> str:
    """A step, and below it what it leaves out."""
    causes = ", ".join(f"{_name(cause, 45)} {number:,}" for cause, number in left_out.items() if number)
    return f"{words}\nless {_name(causes, 62)}" if causes else words


def plot_characteristics(card: Mapping[str, Any]) -> bytes:
    """Plot the share of each split's patients by each characteristic, as PNG."""
    found, splits = card["balance"], card["splits"]
    heights = [max(2, len(each["patients"])) for each in found]
    inches = 0.6 + sum(_INCHES * height + 0.45 for height in heights)
    with _figure(_WIDTH, inches) as figure:
        grid = figure.add_gridspec(
            len(found), 1, height_ratios=heights, left=0.35, right=0.97,
            top=1 - 0.35 / inches, bottom=0.5 / inches, hspace=0.45 * len(found) / sum(heights) / _INCHES,
        )  # fmt: skip
        for number, each in enumerate(found):
            axes = figure.add_subplot(grid[number])
            _draw_shares(axes, each["patients"], splits)
            axes.set_title(each["characteristic"], loc="left", fontsize=9)
            axes.tick_params(axis="x", labelbottom=number == len(found) - 1)
        axes.set_xlabel("patients of the split, %")
        figure.legend(*axes.get_legend_handles_labels(), loc="upper right", ncols=len(splits), fontsize=8)
        return _png(figure)


def _draw_shares(axes: "Axes", patients: Mapping[str, Mapping[str, int]], splits: list[str]) -> None:
    positions, height = np.arange(len(patients)), 0.8 / max(1, len(splits))
    for number, split in enumerate(splits):
        counts = np.array([of_split[split] for of_split in patients.values()], float)
        axes.barh(positions + number * height, 100 * counts / max(1, counts.sum()), height, label=split)
    axes.set_yticks(positions + 0.4 - height / 2, [_name(value) for value in patients], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)


def plot_balance(card: Mapping[str, Any]) -> bytes:
    """Plot the share of images with each label, one bar per split, as PNG."""
    labels, splits = _shown(card), card["splits"]
    positions = np.arange(len(labels))
    height = 0.8 / len(splits)
    height_inches = _MARGIN + _INCHES * len(labels)
    with _figure(_WIDTH, height_inches) as figure:
        axes = figure.add_axes((0.35, 0.6 / height_inches, 0.62, 1 - 0.8 / height_inches))
        for number, split in enumerate(splits):
            shares = [100 * _share(label["splits"][split]) for label in labels]
            axes.barh(positions + number * height, shares, height, label=split)
        axes.set_yticks(positions + 0.4 - height / 2, [_name(label["label"]) for label in labels])
        axes.invert_yaxis()
        axes.set_xlabel("images with the label, %")
        axes.legend()
        return _png(figure)


def plot_cooccurrence(card: Mapping[str, Any], table: pa.Table) -> bytes:
    """Plot the share of images with a row's label that also have a column's label, as PNG."""
    labels = _shown(card)
    names = [_name(label["label"]) for label in labels]
    columns = [table[label_column(label["label"])].to_numpy() >= 0.5 for label in labels]
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


def _shown(card: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The most common labels."""
    return sorted(card["labels"], key=lambda label: (-_present(label), label["label"]))[:_MAX_LABELS]


def _present(label: Mapping[str, Any]) -> int:
    return sum(counts["present"] for counts in label["splits"].values())


def _share(counts: Mapping[str, int]) -> float:
    images = sum(counts[name] for name in ("present", "absent", "uncertain", "missing"))
    return counts["present"] / images if images else 0.0


def _name(text: str, most: int = _MAX_NAME_LENGTH) -> str:
    plain = re.sub(r"\s+", " ", text)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


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
