"""Figures of a benchmark, as a table and as JSON."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One figure; with a bar it says whether it holds."""

    name: str
    value: float
    unit: str
    bar: str | None = None
    holds: bool | None = None

    @classmethod
    def at_least(cls, name: str, value: float, bar: float | None, *, unit: str = "x") -> "Figure":
        """A figure that should reach its bar, if it has one."""
        if bar is None:
            return cls(name, value, unit)
        return cls(name, value, unit, f">= {bar:g}", value >= bar)

    @classmethod
    def at_most(cls, name: str, value: float, bar: float | None, *, unit: str = "x") -> "Figure":
        """A figure that should stay below its bar, if it has one."""
        if bar is None:
            return cls(name, value, unit)
        return cls(name, value, unit, f"<= {bar:g}", value <= bar)


def print_table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text in columns, the first two from the left, the others from the right."""
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
    """Print the figures, and how many bars hold; with `--json FILE`, write them there.

    Those in `tabled` were printed in a table before, and are written only.
    """
    print(title)
    width = max((len(figure.name) for figure in figures), default=0)
    for figure in figures:
        verdict = (
            "" if figure.holds is None else f"   bar {figure.bar}: {'holds' if figure.holds else 'MISSED'}"
        )
        print(f"  {figure.name:<{width}} {figure.value:>10.3f} {figure.unit}{verdict}")
    every = [*tabled, *figures]
    barred = [figure for figure in every if figure.holds is not None]
    print(f"  {sum(bool(figure.holds) for figure in barred)} of {len(barred)} bars hold.\n")
    if "--json" in sys.argv:
        path = Path(sys.argv[sys.argv.index("--json") + 1])
        path.write_text(json.dumps([asdict(figure) for figure in every], indent=2), encoding="utf-8")
