"""Table E.1-1 of PS3.15: the action of the Basic Profile and of each option for each attribute.

The table is the file ``data/confidentiality_profile.csv``, written by
``scripts/make_confidentiality_profile.py``. Its first line names the edition and the sources.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

EDITION = "2026c"

_PRIVATE = "ggggeeee"  # the row of (gggg,eeee) where gggg is odd


@dataclass(frozen=True)
class Attribute:
    """A row of the table."""

    tag: str  # 8 hex digits, x for any digit; ggggeeee for all private attributes
    basic: str  # X remove, Z empty, D dummy, U new UID; X/Z/D etc.: by the attribute's type
    options: Mapping[str, str]  # by option: K keep, C clean; an option not listed leaves `basic`


def attribute(tag: int) -> Attribute | None:
    """The row for a tag; None if the table has none.

    All private attributes share one row. The rows of 50xx and 60xx apply to each even group.
    """
    if tag >> 16 & 1:
        return _private()
    for mask, rows in _rows_by_mask().items():
        if tag & mask in rows:
            return rows[tag & mask]
    return None


@cache
def attributes() -> tuple[Attribute, ...]:
    """All rows, in tag order."""
    path = files("deidentification.header") / "data" / "confidentiality_profile.csv"
    _, *lines = path.read_text("utf-8").splitlines()
    return tuple(_attribute(row) for row in csv.DictReader(lines))


def _attribute(row: dict[str, str]) -> Attribute:
    tag, _, basic, *_ = row.values()
    options = {name: action for name, action in list(row.items())[3:] if action}
    return Attribute(tag, basic, MappingProxyType(options))


@cache
def _private() -> Attribute:
    return next(row for row in attributes() if row.tag == _PRIVATE)


@cache
def _rows_by_mask() -> Mapping[int, Mapping[int, Attribute]]:
    """Rows by bit mask, complete tags first, and by the tag's bits under the mask."""
    rows: defaultdict[int, dict[int, Attribute]] = defaultdict(dict)
    rows[0xFFFFFFFF] = {}
    for row in attributes():
        if row.tag != _PRIVATE:
            mask = "".join("0" if digit == "x" else "F" for digit in row.tag)
            rows[int(mask, 16)][int(row.tag.replace("x", "0"), 16)] = row
    return rows
