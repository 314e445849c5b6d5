"""Refused rows and their causes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

MAX_LISTED = 1000


class RowError(Exception):
    """A row, or one label of it, is refused; the text is the cause and quotes no value."""


@dataclass(frozen=True)
class RefusedRow:
    """A refused row."""

    line: int
    cause: str


class LineSet:
    """Numbers of lines, with one bit for each line, because a file may have very many."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def update(self, lines: Iterable[int]) -> None:
        """Add lines."""
        for line in lines:
            index, bit = line // 8, 1 << line % 8
            self._bits.extend(bytes(max(0, index + 1 - len(self._bits))))
            self._bits[index] |= bit

    def __bool__(self) -> bool:
        return bool(self._bits)

    def __contains__(self, line: int) -> bool:
        return line // 8 < len(self._bits) and bool(self._bits[line // 8] >> line % 8 & 1)


@dataclass
class Refusals:
    """The number of all refused rows, and the first ones by line."""

    number: int = 0
    rows: list[RefusedRow] = field(default_factory=list)  # the first 1000
    later: LineSet = field(default_factory=LineSet)  # all lines that were refused after they had been read

    def add(self, line: int, cause: str) -> None:
        """Add a row; rows are added in the order of the file."""
        self.number += 1
        if len(self.rows) < MAX_LISTED:
            self.rows.append(RefusedRow(line, cause))

    def extend(self, number: int, rows: list[RefusedRow], lines: Iterable[int]) -> None:
        """Add rows that were refused later: their number, the first of them, and all their lines."""
        self.number += number
        self.later.update(lines)
        self.rows = sorted([*self.rows, *rows], key=lambda row: row.line)[:MAX_LISTED]
