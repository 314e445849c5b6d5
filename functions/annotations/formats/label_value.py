"""Reads the cells of a label file: values, times, labels and names of annotators."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from common.labels.label_name import label_name
from common.labels.vocabulary_file import MAX_CHARACTERS
from functions.annotations.formats.refused_row import RowError
from functions.annotations.names.label_words import identifier_in, names_a_patient

MAX_CACHED = 50_000
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,32}(?:[.,][0-9]{0,32})?|[.,][0-9]{1,32})(?:[eE][+-]?[0-9]{1,3})?")
# As spreadsheets and databases write truth values; those of Excel in German and French, too.
_WORDS = {
    **dict.fromkeys(("true", "yes", "present", "positive", "wahr", "ja", "vrai", "oui"), 1.0),
    **dict.fromkeys(("false", "no", "absent", "negative", "falsch", "nein", "faux", "non"), 0.0),
    "uncertain": -1.0,
}
_SMALLEST = 1e-30  # the type real can't store smaller values
_AHEAD = timedelta(days=1)
_FIRST = datetime(1900, 1, 1, tzinfo=UTC)

Key = TypeVar("Key")
Value = TypeVar("Value")


class Cache(dict[Key, Value], Generic[Key, Value]):
    """The results of a function by its argument: most cells of a label file are repeated."""

    def __init__(self, make: Callable[[Key], Value]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Key) -> Value:
        if len(self) >= MAX_CACHED:
            self.clear()
        value = self[key] = self._make(key)
        return value


def label_value(cell: str) -> float | None:
    """The value of a cell: 1, 0, -1 (uncertain) or a probability; None for a blank cell.

    A decimal comma counts as a point, and words such as yes and FALSE as 1 and 0. Raises RowError for
    anything else.
    """
    text = cell.strip()
    if not text:
        return None
    if (word := _WORDS.get(text.lower())) is not None:
        return word
    if not _NUMBER.fullmatch(text):
        raise RowError("value is not a number.")
    return checked_value(float(text.replace(",", ".")))


def checked_value(value: float) -> float:
    """The value, if a label may have it; RowError otherwise."""
    if not -1 <= value <= 1:  # also true for NaN
        raise RowError("value is not between -1 and 1.")
    if -1 < value < 0:
        raise RowError("value is neither -1 (uncertain) nor between 0 and 1.")
    return float(value) if abs(value) > _SMALLEST else 0.0


def label_time(cell: str) -> datetime | None:
    """The ISO 8601 time of a cell, in UTC; one without a zone counts as UTC. None for a blank cell."""
    text = cell.strip()
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        # Postgres does not accept offsets of 16 hours and more, or with fractions of a second.
        time = time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
        is_possible = _FIRST < time < datetime.now(UTC) + _AHEAD
    except (ValueError, OverflowError):
        raise RowError("time is not in ISO 8601, for example 2026-11-23T16:05:00Z.") from None
    if not is_possible:
        raise RowError("time is in the future, or before 1900.")
    return time


def annotator_cell(cell: str) -> str:
    """The annotator in a cell, a person or program; RowError if it looks like an identifier."""
    annotator = name_cell(cell, "annotator")
    if found := identifier_in(annotator):
        raise RowError(f"annotator has {found}; give the annotator a short name or number.")
    if names_a_patient(annotator):
        raise RowError("annotator looks like a patient; give the annotator a short name or number.")
    return annotator


def name_cell(cell: str, column: str) -> str:
    """The label or annotator in a cell, as plain text: a formula or SQL in it is not interpreted."""
    text = label_name(cell)
    if len(text) > MAX_CHARACTERS:
        raise RowError(f"{column} is over {MAX_CHARACTERS} characters.")
    if not text.isprintable():
        raise RowError(f"{column} has characters that can't be printed.")
    return text
