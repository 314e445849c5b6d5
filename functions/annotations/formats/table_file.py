"""Label tables: CSV (RFC 4180) as spreadsheets write it, in long, wide and ChestX-ray14 form."""

import csv
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain

from common.errors import PermanentError
from common.labels.label_text import NEXT, TOO_LONG
from functions.annotations.formats.image_name import IMAGE, ImageName, image_name
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.label_value import Remembered, label_time, label_value, name_cell
from functions.annotations.formats.quoted_rows import quoted_rows
from functions.annotations.formats.refused_row import Refusals, RowError
from functions.annotations.formats.table_columns import CHEST_XRAY_14, LONG, Columns, read_columns, tells_what
from functions.annotations.formats.vocabulary import Vocabulary

_SEPARATORS = ",;\t|"
_FINDINGS = "Finding Labels"
_MOST_COLUMNS = 2000
_CUT = "A quotation mark is not closed, or the row is too long."


@dataclass(frozen=True)
class LabelTable:
    """A table whose header is read."""

    columns: Columns
    rows: Iterator[LabelRow]


def read_table(lines: Iterator[str], vocabulary: Vocabulary, refused: Refusals) -> LabelTable:
    """The table in lines of text; PermanentError if it is none."""
    before, header = _header(lines)
    skipped = re.fullmatch(r'"?sep=([^"\r\n])"?\s*', header)  # a line of Excel's own
    if skipped:
        before, header = before + 1, next(lines, "")
    separator = skipped[1] if skipped else _separator(header)
    names = _cells(header, separator)
    if names is None:
        raise PermanentError("The first line of the label file is no CSV.", NEXT)
    if header.startswith(TOO_LONG) or len(names) > _MOST_COLUMNS:
        raise PermanentError(
            f"The first line of the label file is too long for {_MOST_COLUMNS} columns.", NEXT
        )
    columns = read_columns(names)
    table = _Table(lines, columns, vocabulary, refused, separator=separator, before=before)
    forms = {LONG: table.long_rows, CHEST_XRAY_14: table.findings}
    return LabelTable(columns, forms.get(columns.form, table.wide_rows)())


def _separator(header: str) -> str:
    """The one that leaves a column that tells what is labelled, for a label's name may hold others."""
    return max(_SEPARATORS, key=lambda mark: (tells_what(_cells(header, mark) or []), header.count(mark)))


def _cells(header: str, separator: str) -> list[str] | None:
    """The names of the columns; None if the line is no CSV."""
    try:
        return next(csv.reader([header], delimiter=separator, strict=True), [])
    except csv.Error:
        return None


def _header(lines: Iterator[str]) -> tuple[int, str]:
    """The first line with something in it, and its number."""
    for number, line in enumerate(lines, start=1):
        if line.strip(" \t\r\n"):
            return number, line
    return 1, ""


class _Table:
    """The rows below a header. Cells repeat: what was made of one is remembered."""

    def __init__(
        self,
        lines: Iterator[str],
        columns: Columns,
        vocabulary: Vocabulary,
        refused: Refusals,
        *,
        separator: str,
        before: int,
    ) -> None:
        self._lines, self._separator, self._before = lines, separator, before
        self._columns, self._vocabulary, self._refused = columns, vocabulary, refused
        self._labels = Remembered(vocabulary.label)
        self._values = Remembered(label_value)
        self._annotators = Remembered(partial(name_cell, column="annotator"))
        self._times = Remembered(label_time)
        # A column that is absent is a blank cell behind the others.
        self._annotator_at, self._time_at = (
            columns.places.get(name, columns.width) for name in ("annotator", "time")
        )
        self._image = self._image_reader()

    def long_rows(self) -> Iterator[LabelRow]:
        """One label a line."""
        labels, values, image = self._labels, self._values, self._image
        annotators, times = self._annotators, self._times
        label_at, value_at = self._columns.places["label"], self._columns.places["value"]
        annotator_at, time_at = self._annotator_at, self._time_at
        for line, fields in self._records():
            try:
                row = LabelRow(
                    line,
                    image(fields),
                    labels[fields[label_at]],
                    values[fields[value_at]],
                    annotators[fields[annotator_at]],
                    times[fields[time_at]],
                )
            except RowError as error:
                self._refuse(line, fields, error)
            else:
                if row.value is None:
                    self._refuse(line, fields, RowError("value is empty."))
                else:
                    yield row

    def wide_rows(self) -> Iterator[LabelRow]:
        """One image a line, one label a column; a blank cell says nothing."""
        known, unknown = self._label_columns()
        values = self._values
        for line, fields in self._records():
            try:
                image, annotator, time = self._told(fields)
            except RowError as error:
                self._refuse(line, fields, error)
                continue
            for place, label in known:
                try:
                    value = values[fields[place]]
                except RowError as error:
                    self._refused.add(line, f"Column {place + 1}: {error}")
                else:
                    if value is not None:
                        yield LabelRow(line, image, label, value, annotator, time)
            for place, cause in unknown:
                if fields[place].strip():
                    self._refused.add(line, cause)

    def findings(self) -> Iterator[LabelRow]:
        """One image a line, with all that was found in it; what the vocabulary offers besides is absent."""
        place, vocabulary = self._columns.places["findings"], self._vocabulary
        for line, fields in self._records():
            try:
                image, annotator, time = self._told(fields)
            except RowError as error:
                self._refuse(line, fields, error)
                continue
            found = dict.fromkeys(vocabulary.controls.get(_FINDINGS, ()), 0.0)
            for told in fields[place].split("|"):
                try:
                    found[self._labels[told]] = 1.0
                except RowError as error:
                    self._refused.add(line, str(error))
            for label, value in found.items():
                yield LabelRow(line, image, label, value, annotator, time, _FINDINGS)
            if found and image.level == IMAGE:
                yield LabelRow(line, image, None, None, annotator, time, _FINDINGS)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Rows as wide as the header, with their line."""
        width, separator = self._columns.width, self._separator
        for line, text in enumerate(self._lines, start=self._before + 1):
            if '"' in text:
                yield from self._quoted_records(chain([text], self._lines), line - 1)
                return
            # Before the first quotation mark of a file a separator is always one: half the time of a reader.
            fields = text.rstrip("\r\n").split(separator)
            if len(fields) == width or self._is_fitted(line, fields, width):
                fields.append("")  # what absent columns say
                yield line, fields

    def _quoted_records(self, lines: Iterator[str], before: int) -> Iterator[tuple[int, list[str]]]:
        """The same where quotation marks are; of a row over several lines the last counts."""
        width = self._columns.width
        for line, fields in quoted_rows(lines, self._separator):
            if fields is None:
                self._refused.add(line + before, _CUT)
            elif len(fields) == width or self._is_fitted(line + before, fields, width):
                fields.append("")
                yield line + before, fields

    def _is_fitted(self, line: int, fields: list[str], width: int) -> bool:
        """Whether a row has only blank cells too many or none at all; else it is refused."""
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

    def _told(self, fields: list[str]) -> tuple[ImageName, str, datetime | None]:
        """What a row is about, who said it and when."""
        annotator = self._annotators[fields[self._annotator_at]]
        return self._image(fields), annotator, self._times[fields[self._time_at]]

    def _image_reader(self) -> Callable[[list[str]], ImageName]:
        """What a row is about: by the image's column, or by those of greater things and the frame."""
        levels, places = zip(*self._columns.names, strict=True)
        more = [self._columns.places.get(name, -1) for name in ("level", "frame")]
        if levels == (IMAGE,) and more == [-1, -1]:
            (place,) = places
            images: Remembered[str, ImageName] = Remembered(lambda told: image_name(told.strip()))
            return lambda fields: images[fields[place]]
        cells: Remembered[tuple[str, ...], ImageName] = Remembered(partial(_named, levels))
        return lambda fields: cells[
            (*("" if at < 0 else fields[at] for at in more), *(fields[at] for at in places))
        ]

    def _label_columns(self) -> tuple[list[tuple[int, str]], list[tuple[int, str]]]:
        """The columns of known labels, and why those of others are refused."""
        known, unknown = [], []
        for place, told in self._columns.labels.items():
            try:
                known.append((place, self._vocabulary.label(told)))
            except RowError as error:
                unknown.append((place, f"Column {place + 1}: {error}"))
        return known, unknown


def _named(levels: tuple[str, ...], cells: tuple[str, ...]) -> ImageName:
    """The first that is told of image, instance, series and study."""
    level, frame, *told = (cell.strip() for cell in cells)
    for name, cell in zip(levels, told, strict=True):
        if cell:
            wanted = level.lower() or name if name == IMAGE else name
            return image_name(cell, wanted, frame if wanted == IMAGE else "")
    raise RowError("The image is empty.")
