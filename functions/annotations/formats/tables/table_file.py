"""Reads label tables: CSV (RFC 4180) as spreadsheets write it, in long, wide and ChestX-ray14 form."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain

from common.errors import PermanentError
from common.labels.label_text import NEXT_STEP, TOO_LONG
from functions.annotations.formats.image_name import IMAGE, ImageName, image_name
from functions.annotations.formats.label_row import ABSENT, LabelRow, row_of
from functions.annotations.formats.label_value import Cache, annotator_cell, label_time, label_value
from functions.annotations.formats.refused_row import Refusals, RowError
from functions.annotations.formats.tables.label_list import listed_labels
from functions.annotations.formats.tables.quoted_rows import quoted_rows
from functions.annotations.formats.tables.table_columns import (
    CHEST_XRAY_14,
    LONG,
    Columns,
    has_target,
    read_columns,
)
from functions.annotations.formats.tables.wide_columns import WideColumns
from functions.annotations.formats.vocabulary import Vocabulary

_SEPARATORS = ",;\t|"
_FINDINGS, _LISTS = "Finding Labels", "Labels"  # the columns, as controls of the vocabulary
_MAX_COLUMNS = 2000
_UNCLOSED = "A quotation mark is not closed, or the row is too long."


@dataclass(frozen=True)
class LabelTable:
    """A table with its header already read."""

    columns: Columns
    rows: Iterator[LabelRow]


def read_table(lines: Iterator[str], vocabulary: Vocabulary, refused: Refusals) -> LabelTable:
    """Read a table from lines of text; PermanentError if it is not a label table."""
    header_line, header = _header(lines)
    skipped = re.fullmatch(r'"?sep=([^"\r\n])"?\s*', header)  # a line that Excel adds
    if skipped:
        header_line, header = header_line + 1, next(lines, "")
    separator = skipped[1] if skipped else _separator(header)
    names = _cells(header, separator)
    if names is None:
        raise PermanentError("The first line of the label file is not CSV.", NEXT_STEP)
    if header.startswith(TOO_LONG) or len(names) > _MAX_COLUMNS:
        raise PermanentError(
            f"The first line of the label file is too long for {_MAX_COLUMNS} columns.", NEXT_STEP
        )
    columns = read_columns(names)
    table = _Table(lines, columns, vocabulary, refused, separator=separator, header_line=header_line)
    long_rows = table.long_rows if "value" in columns.positions else table.present_labels
    forms = {LONG: long_rows, CHEST_XRAY_14: table.findings}
    return LabelTable(columns, forms.get(columns.form, table.wide_rows)())


def _separator(header: str) -> str:
    """The separator that gives a column for the image: a label's name may contain the others."""
    return max(_SEPARATORS, key=lambda one: (has_target(_cells(header, one) or []), header.count(one)))


def _cells(header: str, separator: str) -> list[str] | None:
    """The names of the columns; None if the line is not CSV."""
    try:
        return next(csv.reader([header], delimiter=separator, strict=True), [])
    except csv.Error:
        return None


def _header(lines: Iterator[str]) -> tuple[int, str]:
    """The number and text of the first line that is not blank."""
    for number, line in enumerate(lines, start=1):
        if line.strip(" \t\r\n"):
            return number, line
    return 1, ""


class _Table:
    """The rows below a header; values are cached by their cells, because most cells are repeated."""

    def __init__(
        self,
        lines: Iterator[str],
        columns: Columns,
        vocabulary: Vocabulary,
        refused: Refusals,
        *,
        separator: str,
        header_line: int,
    ) -> None:
        self._lines, self._separator, self._header_line = lines, separator, header_line
        self._columns, self._vocabulary, self._refused = columns, vocabulary, refused
        self._labels = Cache(vocabulary.label)
        self._values = Cache(label_value)
        self._annotators = Cache(annotator_cell)
        self._times = Cache(label_time)
        # A missing column reads the blank cell that is appended to every row.
        self._annotator_at, self._time_at = (
            columns.positions.get(name, columns.width) for name in ("annotator", "time")
        )
        self._image = self._image_reader()

    def long_rows(self) -> Iterator[LabelRow]:
        """The labels of a long table: one label a line."""
        labels, values, annotators, times = self._labels, self._values, self._annotators, self._times
        label_at, value_at = self._columns.positions["label"], self._columns.positions["value"]
        annotator_at, time_at, image = self._annotator_at, self._time_at, self._image
        for line, fields in self._rows():
            try:
                named, label, value = image(fields), labels[fields[label_at]], values[fields[value_at]]
                annotator, time = annotators[fields[annotator_at]], times[fields[time_at]]
            except RowError as error:
                self._refuse(line, fields, error)
            else:
                if value is None:
                    self._refuse(line, fields, RowError("value is empty."))
                else:
                    yield row_of((line, named, label, value, annotator, time, None))

    def wide_rows(self) -> Iterator[LabelRow]:
        """The labels of a wide table: one image a line, one label a column; a blank cell is no label."""
        known, unknown = self._label_columns()
        values, columns = self._values, WideColumns(self._columns.labels, self._vocabulary)
        for line, fields, image, annotator, time in self._image_lines(columns.judged(self._rows())):
            if not columns.are_labels:
                continue  # the table is refused after its last row
            for position, label in known:
                try:
                    value = values[fields[position]]
                except RowError as error:
                    self._refused.add(line, f"Column {position + 1}: {error}")
                else:
                    if value is not None:
                        yield LabelRow(line, image, label, value, annotator, time)
            for position, cause in unknown:
                if fields[position].strip():
                    self._refused.add(line, cause)

    def findings(self) -> Iterator[LabelRow]:
        """The labels of ChestX-ray14: one image a line, with all its findings in one cell.

        Other labels that the vocabulary offers are absent.
        """
        position = self._columns.positions["findings"]
        for line, fields, image, annotator, time in self._image_lines(self._rows()):
            found = self._found(line, fields[position].split("|"), _FINDINGS)
            said = LabelRow(line, image, None, ABSENT, annotator, time, _FINDINGS)
            yield from _answer(said, found, is_complete=bool(found))

    def present_labels(self) -> Iterator[LabelRow]:
        """The labels of a table without values, where a named label is present.

        A list of labels in one cell, as PadChest has, is an answer like the findings of ChestX-ray14.
        """
        position = self._columns.positions["label"]
        for line, fields, image, annotator, time in self._image_lines(self._rows()):
            try:
                names, is_list = listed_labels(fields[position])
            except RowError as error:
                self._refused.add(line, str(error))
                continue
            found = self._found(line, names, _LISTS if is_list else None)
            said = LabelRow(line, image, None, ABSENT, annotator, time, _LISTS if is_list else None)
            yield from _answer(said, found, is_complete=is_list)

    def _found(self, line: int, names: Iterable[str], control: str | None) -> dict[str, float]:
        """1 for the named labels, and 0 for others that the vocabulary offers for the control."""
        found = dict.fromkeys(self._vocabulary.controls.get(control, ()) if control else (), ABSENT)
        for name in names:
            try:
                found[self._labels[name]] = 1.0
            except RowError as error:
                self._refused.add(line, str(error))
        return found

    def _image_lines(
        self, rows: Iterable[tuple[int, list[str]]]
    ) -> Iterator[tuple[int, list[str], ImageName, str, datetime | None]]:
        """Line, cells, image, annotator and time of each row; refuses rows where one of these is wrong."""
        for line, fields in rows:
            try:
                annotator = self._annotators[fields[self._annotator_at]]
                image, time = self._image(fields), self._times[fields[self._time_at]]
            except RowError as error:
                self._refuse(line, fields, error)
            else:
                yield line, fields, image, annotator, time

    def _rows(self) -> Iterator[tuple[int, list[str]]]:
        """The cells of rows that are as wide as the header, with their line."""
        width, separator = self._columns.width, self._separator
        for line, text in enumerate(self._lines, start=self._header_line + 1):
            if '"' in text:
                yield from self._quoted_rows(chain([text], self._lines), line - 1)
                return
            # Up to the first quotation mark, split() gives the same cells as a CSV reader in half the time.
            fields = text.rstrip("\r\n").split(separator)
            if len(fields) == width or self._is_fitted(line, fields, width):
                fields.append("")  # for missing columns
                yield line, fields

    def _quoted_rows(self, lines: Iterator[str], offset: int) -> Iterator[tuple[int, list[str]]]:
        """The same for lines with quotation marks; the line of a row over several lines is its last one."""
        width = self._columns.width
        for line, fields in quoted_rows(lines, self._separator):
            if fields is None:
                self._refused.add(line + offset, _UNCLOSED)
            elif len(fields) == width or self._is_fitted(line + offset, fields, width):
                fields.append("")
                yield line + offset, fields

    def _is_fitted(self, line: int, fields: list[str], width: int) -> bool:
        """Whether a row is as wide as the header without blank cells at its end; other rows are refused."""
        if not any(field.strip() for field in fields):
            return False
        if any(TOO_LONG in field for field in fields):
            self._refused.add(line, "The line is too long.")
            return False
        while len(fields) > width and not fields[-1].strip():
            fields.pop()
        if len(fields) == width:
            return True
        few = "few" if len(fields) < width else "many"
        self._refused.add(line, f"It has {len(fields)} columns, too {few}.")
        return False

    def _refuse(self, line: int, fields: list[str], error: RowError) -> None:
        if any(field.strip() for field in fields):
            self._refused.add(line, str(error))

    def _image_reader(self) -> Callable[[list[str]], ImageName]:
        """A function for the image of a row, from the columns that this table has."""
        levels, positions = zip(*self._columns.targets, strict=True)
        more = [self._columns.positions.get(name, -1) for name in ("level", "frame")]
        if levels == (IMAGE,) and more == [-1, -1]:
            (position,) = positions
            return _repeated_image(position)
        cells: Cache[tuple[str, ...], ImageName] = Cache(partial(_first_named, levels))
        return lambda fields: cells[
            (*("" if at < 0 else fields[at] for at in more), *(fields[at] for at in positions))
        ]

    def _label_columns(self) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
        """The columns of known labels, and those of unknown labels with the cause of their refusal."""
        known, unknown = [], []
        for position, name in self._columns.labels.items():
            try:
                known.append((position, self._vocabulary.label(name)))
            except RowError as error:
                unknown.append((position, f"Column {position + 1}: {error}"))
        return known, unknown


def _repeated_image(position: int) -> Callable[[list[str]], ImageName]:
    """A function for the image in one column; rows of the same image mostly stand together."""
    images: Cache[str, ImageName] = Cache(lambda cell: image_name(cell.strip()))
    last, image = "", None

    def read(fields: list[str]) -> ImageName:
        nonlocal last, image
        cell = fields[position]
        if image is None or cell != last:
            image, last = images[cell], cell
        return image

    return read


def _answer(said: LabelRow, found: dict[str, float], *, is_complete: bool) -> Iterator[LabelRow]:
    """The rows of labels that were found, and the one that makes them a complete answer about an image."""
    for label, value in found.items():
        yield said._replace(label=label, value=value)
    if is_complete and said.image.level == IMAGE:
        yield said


def _first_named(levels: tuple[str, ...], cells: tuple[str, ...]) -> ImageName:
    """The first of image, instance, series and study whose cell is not blank."""
    level, frame, *names = (cell.strip() for cell in cells)
    for name, cell in zip(levels, names, strict=True):
        if cell:
            wanted = level.lower() or name if name == IMAGE else name
            return image_name(cell, wanted, frame if wanted == IMAGE else "")
    raise RowError("The image is empty.")
