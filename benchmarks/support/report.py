"""Print the figures of a benchmark, and write them as JSON."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One figure, optionally with a target (bar) and whether it is met."""

    name: str
    value: float
    unit: str
    bar: str | None = None
    holds: bool | None = None

    @classmethod
    def at_least(cls, name: str, value: float, bar: float | None, *, unit: str = "x") -> "Figure":
        """Return a figure that must be at least its bar, if it has one."""
        if bar is None:
            return cls(name, value, unit)
        return cls(name, value, unit, f">= {bar:g}", value >= bar)

    @classmethod
    def at_most(cls, name: str, value: float, bar: float | None, *, unit: str = "x") -> "Figure":
        """Return a figure that must be at most its bar, if it has one."""
        if bar is None:
            return cls(name, value, unit)
        return cls(name, value, unit, f"<= {bar:g}", value <= bar)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text in columns; the first two are left-aligned, the others right-aligned."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    print(title)
    for row in [header, *rows]:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  " + "  ".join(cells).rstrip())
    print()


def report(title: str, figures: Sequence[Figure], *, tabled: Sequence[Figure] = ()) -> None:
    """Print the figures and the number of bars that hold. With `--json FILE`, also write them there.

    Figures in `tabled` were already printed in a table, so they are only written.
    """
    print(title)
    width = max((len(figure.name) for figure in figures), default=0)
    for figure in figures:
        verdict = (
            "" if figure.holds is None else f"   bar {figure.bar}: {'holds' if figure.holds else 'MISSED'}"
        )
        print(f"  {figure.name:<{width}} {figure.value:>10.3f} {figure.unit}{verdict}")
    all_figures = [*tabled, *figures]
    barred = [figure for figure in all_figures if figure.holds is not None]
    print(f"  {sum(bool(figure.holds) for figure in barred)} of {len(barred)} bars hold.\n")
    if "--json" in sys.argv:
        path = Path(sys.argv[sys.argv.index("--json") + 1])
        path.write_text(json.dumps([asdict(figure) for figure in all_figures], indent=2), encoding="utf-8")
