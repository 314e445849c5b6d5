"""Refused rows and their causes."""

from dataclasses import dataclass, field

MAX_LISTED = 1000


class RowError(Exception):
    """A row, or one label of it, is refused; the text is the cause and quotes no value."""


@dataclass(frozen=True)
class RefusedRow:
    """A refused row."""

    line: int
    cause: str


@dataclass
class Refusals:
    """The number of all refused rows, and the first ones by line."""

    number: int = 0
    rows: list[RefusedRow] = field(default_factory=list)  # the first 1000

    def add(self, line: int, cause: str) -> None:
        """Add a row; rows are added in the order of the file."""
        self.number += 1
        if len(self.rows) < MAX_LISTED:
            self.rows.append(RefusedRow(line, cause))

    def extend(self, number: int, rows: list[RefusedRow]) -> None:
        """Add rows that were refused later: their number, and the first of them."""
        self.number += number
        self.rows = sorted([*self.rows, *rows], key=lambda row: row.line)[:MAX_LISTED]
