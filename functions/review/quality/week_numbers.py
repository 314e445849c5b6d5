"""The shares of rejected images and of those in review, by week and modality."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow

from common.database import queries

_SQL = queries(Path(__file__).with_suffix(".sql"))
_WEEKS = 52


@dataclass(frozen=True)
class Week:
    """The verdicts of the models on one modality in one week."""

    begins: date
    images: int
    rejected: float  # share of black and low_quality images
    in_review: float  # share


@dataclass(frozen=True)
class Weeks:
    """The weeks of one modality, the oldest first."""

    modality: str
    weeks: tuple[Week, ...]

    @property
    def number(self) -> int:
        """How many weeks lie between the first and the last one, both included."""
        return self.place(self.weeks[-1]) + 1

    @property
    def highest(self) -> float:
        """The highest share, at least 1 %."""
        return max(0.01, *(max(week.rejected, week.in_review) for week in self.weeks))

    def place(self, week: Week) -> int:
        """How many weeks after the first one."""
        return (week.begins - self.weeks[0].begins).days // 7

    def points(self, name: str) -> list[tuple[float, float]]:
        """A line of a chart: from 0 to 1 to the right, and from 0 to the highest share downwards to 1."""
        last = max(self.number - 1, 1)
        return [
            (self.place(week) / last, 1 - float(getattr(week, name)) / self.highest) for week in self.weeks
        ]


def read_weeks(connection: psycopg.Connection[DictRow]) -> list[Weeks]:
    """The last 52 weeks of each modality."""
    return by_modality(connection.execute(_SQL["weeks"], {"days": 7 * _WEEKS}))


def by_modality(rows: Iterable[Mapping[str, Any]]) -> list[Weeks]:
    """Rows in order of modality and week as the weeks of each modality."""
    found: dict[str, list[Week]] = {}
    for row in rows:
        total = max(int(row["images"]), 1)
        week = Week(row["week"], int(row["images"]), row["rejected"] / total, row["in_review"] / total)
        found.setdefault(row["modality"], []).append(week)
    return [Weeks(modality, tuple(weeks)) for modality, weeks in found.items()]
