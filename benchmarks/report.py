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


def report(title: str, figures: Sequence[Figure]) -> None:
    """Print the table; with `--json FILE`, write the figures there too."""
    print(title)
    for figure in figures:
        verdict = (
            "" if figure.holds is None else f"   bar {figure.bar}: {'holds' if figure.holds else 'MISSED'}"
        )
        print(f"  {figure.name:<52} {figure.value:>10.3f} {figure.unit}{verdict}")
    if "--json" in sys.argv:
        path = Path(sys.argv[sys.argv.index("--json") + 1])
        path.write_text(json.dumps([asdict(figure) for figure in figures], indent=2), encoding="utf-8")
