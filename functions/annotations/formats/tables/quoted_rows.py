"""Reads rows of CSV (RFC 4180) with quotation marks, where a row may span several lines."""

import csv
from collections.abc import Iterator

from common.labels.label_text import MAX_LINE


def quoted_rows(lines: Iterator[str], separator: str) -> Iterator[tuple[int, list[str] | None]]:
    """The cells of each row, with the number of its last line; None for a row that is too long.

    Reading continues after such a row.
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
    """Lines; raises csv.Error if the lines of one row together exceed the limit of a line.

    csv.reader itself limits only the length of a cell, not the number of cells in a row.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self.length = 0  # characters of the present row

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.length > MAX_LINE:
            raise csv.Error
        line = next(self._lines)
        self.length += len(line)
        return line
