"""Print the figures of a benchmark, and write them as JSON."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import Literal

Verdict = Literal["holds", "MISSED", "too few to tell"]
_FEW = 8  # rounds; with more, single outliers are left out of the spread


@dataclass(frozen=True)
class Figure:
    """One figure, optionally with a target (bar)."""

    name: str
    value: float
    unit: str
    bar: str | None = None
    verdict: Verdict | None = None
    low: float | None = None  # of the same figure in single rounds
    high: float | None = None

    @classmethod
    def at_least(
        cls, name: str, value: float, bar: float | None, *, unit: str = "x", rounds: Sequence[float] = ()
    ) -> "Figure":
        """Return a figure that must be at least its bar, if it has one.

        `rounds` has the same figure of each round. A miss that is smaller than their spread is none: there
        were too few rounds to tell. So is a miss of a single round.
        """
        return cls._barred(name, value, bar, unit, rounds, is_least=True)

    @classmethod
    def at_most(
        cls, name: str, value: float, bar: float | None, *, unit: str = "x", rounds: Sequence[float] = ()
    ) -> "Figure":
        """Return a figure that must be at most its bar, if it has one; `rounds` as for `at_least`."""
        return cls._barred(name, value, bar, unit, rounds, is_least=False)

    @classmethod
    def _barred(
        cls, name: str, value: float, bar: float | None, unit: str, rounds: Sequence[float], *, is_least: bool
    ) -> "Figure":
        low, high = _spread(rounds)
        if bar is None:
            return cls(name, value, unit, low=low, high=high)
        holds = value >= bar if is_least else value <= bar
        is_between = low is not None and high is not None and low <= bar <= high
        unclear: Verdict = "too few to tell" if is_between or len(rounds) == 1 else "MISSED"
        text = f"{'>=' if is_least else '<='} {bar:g}"
        return cls(name, value, unit, text, "holds" if holds else unclear, low, high)

    @property
    def spread(self) -> str:
        """The spread in words; empty without rounds."""
        return "" if self.low is None or self.high is None else f"{self.low:.3g} to {self.high:.3g}"


def of_rounds(over: Sequence[float], under: Sequence[float]) -> list[float]:
    """Return the ratios of two figures, round by round, which both were measured by turns."""
    return [one / other for one, other in zip(over, under, strict=True)]


def _spread(rounds: Sequence[float]) -> tuple[float | None, float | None]:
    """Return the lowest and the highest round; of many rounds the quartiles."""
    if len(rounds) < 2:
        return None, None
    if len(rounds) < _FEW:
        return min(rounds), max(rounds)
    low, _, high = quantiles(rounds, n=4)
    return low, high


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
        spread = f" ({figure.spread})" if figure.spread else ""
        verdict = "" if figure.verdict is None else f"   bar {figure.bar}: {figure.verdict}"
        print(f"  {figure.name:<{width}} {figure.value:>10.3f} {figure.unit}{spread}{verdict}")
    all_figures = [*tabled, *figures]
    barred = [figure for figure in all_figures if figure.verdict is not None]
    print(f"  {sum(figure.verdict == 'holds' for figure in barred)} of {len(barred)} bars hold.\n")
    if "--json" in sys.argv:
        path = Path(sys.argv[sys.argv.index("--json") + 1])
        written = {"title": title, "figures": [asdict(figure) for figure in all_figures]}
        path.write_text(json.dumps(written, indent=2), encoding="utf-8")
