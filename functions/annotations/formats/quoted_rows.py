"""Rows of CSV (RFC 4180) where quotation marks are, so that a row may go on over several lines."""

import csv
from collections.abc import Iterator

from common.labels.label_text import MAX_LINE


def quoted_rows(lines: Iterator[str], separator: str) -> Iterator[tuple[int, list[str] | None]]:
    """The cells of each row with the number of its last line; None for a row that has no end within bounds.

    Reading goes on behind what was cut.
    """
    bounded = _Bounded(lines)
    reader = csv.reader(bounded, delimiter=separator)
    while True:
        try:
            for fields in reader:
                bounded.length = 0
                yield reader.line_num, fields
        except csv.Error:
            bounded.length = 0
            yield reader.line_num, None
        else:
            return


class _Bounded:
    """Lines, as long as those of one row are together no longer than a line may be.

    csv.reader alone bounds a cell, and not how many of them a row has.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.length = 0  # of the row that is being read, in characters

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.length > MAX_LINE:
            raise csv.Error
        line = next(self._lines)
        self.length += len(line)
        return line
