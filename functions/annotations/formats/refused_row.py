"""Rows that can't be taken, and why."""

from dataclasses import dataclass, field

MOST_TOLD = 1000


class RowError(Exception):
    """One row, or one label of it, can't be taken; the text is its cause and quotes no value."""


@dataclass(frozen=True)
class RefusedRow:
    """A row that can't be taken."""

    line: int
    cause: str


@dataclass
class Refusals:
    """All that were refused, counted; the first by line are told."""

    number: int = 0
    rows: list[RefusedRow] = field(default_factory=list)  # of each source the first 1000

    def add(self, line: int, cause: str) -> None:
        """One more, in the order of the file."""
        self.number += 1
        if len(self.rows) < MOST_TOLD:
            self.rows.append(RefusedRow(line, cause))

    def extend(self, number: int, rows: list[RefusedRow]) -> None:
        """What was found out later: how many, and the first of them."""
        self.number += number
        self.rows = sorted([*self.rows, *rows], key=lambda row: row.line)[:MOST_TOLD]
