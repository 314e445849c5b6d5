"""The cells of a label file: values, times, labels, names of annotators."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from functions.annotations.formats.refused_row import RowError

MAX_CHARACTERS = 500  # of a label or an annotator: both stand in an index
MAX_REMEMBERED = 50_000
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,32}(?:[.,][0-9]{0,32})?|[.,][0-9]{1,32})(?:[eE][+-]?[0-9]{1,3})?")
_SMALLEST = 1e-30  # real holds no smaller one
_AHEAD = timedelta(days=1)
_FIRST = datetime(1900, 1, 1, tzinfo=UTC)

Told = TypeVar("Told")
Meant = TypeVar("Meant")


class Remembered(dict[Told, Meant], Generic[Told, Meant]):
    """What was made of cells before: most cells of a label file are repeated."""

    def __init__(self, make: Callable[[Told], Meant]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, told: Told) -> Meant:
        if len(self) >= MAX_REMEMBERED:
            self.clear()
        meant = self[told] = self._make(told)
        return meant


def label_value(told: str) -> float | None:
    """1, 0, -1 for uncertain, or a probability; None for a blank cell.

    A decimal comma is a point. RowError for anything else.
    """
    text = told.strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise RowError("value is no number.")
    return checked_value(float(text.replace(",", ".")))


def checked_value(value: float) -> float:
    """A value that labels have."""
    if not -1 <= value <= 1:  # neither is what is no number
        raise RowError("value is not between -1 and 1.")
    if -1 < value < 0:
        raise RowError("value is neither -1 (uncertain) nor between 0 and 1.")
    return float(value) if abs(value) > _SMALLEST else 0.0


def label_time(told: str) -> datetime | None:
    """A time as ISO 8601 writes it, in UTC, also where it has no zone; None for a blank cell."""
    text = told.strip()
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        # Zones may be told that Postgres does not know: of 16 hours and more, of parts of a second.
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        is_possible = _FIRST < time < datetime.now(UTC) + _AHEAD
    except (ValueError, OverflowError):
        raise RowError("time is none of ISO 8601, as in 2026-11-23T16:05:00Z.") from None
    if not is_possible:
        raise RowError("time is in the future, or before 1900.")
    return time


def name_cell(told: str, column: str) -> str:
    """A label or an annotator, as text: a formula or SQL in it stays what it says."""
    text = told.replace("\u00a0", " ").strip()
    if len(text) > MAX_CHARACTERS:
        raise RowError(f"{column} is over {MAX_CHARACTERS} characters.")
    if not text.isprintable():
        raise RowError(f"{column} holds characters that can't be shown.")
    return text
