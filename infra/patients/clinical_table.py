"""Clinical data of patients as CSV: their ids replaced by pseudonyms, and their dates shifted.

Errors name the line and the column, and never a value.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from common.errors import PermanentError

PSEUDONYM = "patient_id"  # the column of a training set by which the table is joined
_SEPARATORS = ",;\t|"
_FIRST_YEAR = 1800  # shifted by forty years it still has four digits
_MAX_BYTES = 1_000_000_000
_DATE = re.compile(r"\d{4}(-?)\d{2}\1\d{2}")
# A date in any of the forms in which spreadsheets write dates, possibly with a time.
_LIKE_DATE = re.compile(
    r"(\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-](\d{2}|\d{4}))([T ].*)?|(19|20)\d{6}(\d{6}.*)?"
)
_MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}


@dataclass(frozen=True)
class Columns:
    """Which columns are replaced, by name."""

    patient: str  # holds the patient ids
    dates: tuple[str, ...] = ()  # are shifted
    keeps_id: bool = False  # whether the patient ids stay beside the pseudonyms


@dataclass(frozen=True)
class _Table:
    header: list[str]
    rows: list[tuple[int, list[str]]]  # the line in which a row begins, and its cells
    separator: str
    encoding: str  # of the result: utf-8, with a mark if the table had one
    line_end: str


def pseudonymous_table(
    body: bytes,
    columns: Columns,
    pseudonym: Callable[[str], str],
    shifted: Callable[[date, str], date],
) -> tuple[bytes, list[str]]:
    """Return the table with pseudonyms and shifted dates, and the other columns that look like dates.

    `pseudonym` returns that of a patient id, and `shifted` a date of a patient, given by pseudonym.
    Raises PermanentError if the table can't be read, lacks a column, or has a wrong date.
    """
    table = _read(body)
    patient = _position(table.header, columns.patient)
    dates = {_position(table.header, name): name for name in columns.dates}
    if patient in dates:
        raise PermanentError("The column of patient ids can't be a column of dates.")
    if PSEUDONYM in table.header and table.header[patient] != PSEUDONYM:
        raise PermanentError(f"The table already has a column {PSEUDONYM}; rename it.")
    if columns.keeps_id and table.header[patient] == PSEUDONYM:
        raise PermanentError(f"Ids in a column {PSEUDONYM} can't stay beside the pseudonyms; rename it.")
    rows = []
    for line, cells in table.rows:
        own = pseudonym(cells[patient]) if cells[patient].strip() else ""
        for position, name in dates.items():
            cells[position] = _shifted_cell(cells[position], own, shifted, line, name)
        rows.append(_replaced(cells, patient, own, keeps_id=columns.keeps_id))
    header = _replaced(table.header, patient, PSEUDONYM, keeps_id=columns.keeps_id)
    return _written(table, header, rows), _other_dates(table, {patient, *dates})


def _read(body: bytes) -> _Table:
    if len(body) > _MAX_BYTES:
        raise PermanentError(f"The table has more than {_MAX_BYTES:,} bytes.")
    mark = next((mark for mark in _MARKS if body.startswith(mark)), None)
    text = _decoded(body, None if mark is None else _MARKS[mark])
    stated = re.match(r"sep=(.)\r?\n", text)
    first = text.partition("\n")[0]
    separator = stated[1] if stated else max(_SEPARATORS, key=first.count)
    rows = list(_numbered_rows(text[stated.end() :] if stated else text, separator, 2 if stated else 1))
    if not rows:
        raise PermanentError("The table is empty; its first line must have the names of the columns.")
    header = [name.strip() for name in rows[0][1]]
    for line, cells in rows[1:]:
        if len(cells) != len(header):
            raise PermanentError(
                f"Line {line} has {len(cells)} cell(s), and the first line {len(header)} columns."
            )
    line_end = "\r\n" if "\r\n" in text else "\n"
    return _Table(header, rows[1:], separator, "utf-8" if mark is None else "utf-8-sig", line_end)


def _decoded(body: bytes, encoding: str | None) -> str:
    """Return the text of a table as a spreadsheet writes it."""
    try:
        return body.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        if encoding is not None:
            raise PermanentError("The table is not the text that its first bytes announce.") from None
    try:
        return body.decode("cp1252")
    except UnicodeDecodeError:
        raise PermanentError("The table is neither UTF-8 nor Windows-1252; save it as CSV UTF-8.") from None


def _numbered_rows(text: str, separator: str, first_line: int) -> Iterator[tuple[int, list[str]]]:
    """Yield the line in which a row begins, and its cells; blank lines are passed over."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = first_line
    try:
        for cells in reader:
            if any(cells):
                yield line, cells
            line = first_line + reader.line_num
    except csv.Error:
        raise PermanentError(f"Line {line} is no line of a table: look at its quotation marks.") from None


def _position(header: Sequence[str], name: str) -> int:
    if header.count(name) == 1:
        return header.index(name)
    many = "no column" if name not in header else "several columns"
    raise PermanentError(f"The table has {many} with the name {name!r}. It has {len(header)} column(s).")


def _shifted_cell(
    cell: str, patient: str, shifted: Callable[[date, str], date], line: int, column: str
) -> str:
    """Return a date shifted, in the form in which it came; an empty cell stays empty."""
    text = cell.strip()
    if not text:
        return ""
    if not patient:
        raise PermanentError(f"Line {line}, column {column!r}: a date without a patient id can't be shifted.")
    day = _parsed(text)
    if day is None:
        raise PermanentError(
            f"Line {line}, column {column!r}: expected a date as 2020-12-31 or 20201231, from the year "
            f"{_FIRST_YEAR} on."
        )
    moved = shifted(day, patient)
    return moved.isoformat() if "-" in text else f"{moved:%Y%m%d}"


def _parsed(text: str) -> date | None:
    """Return a date of ISO 8601 or of DICOM (PS3.5 6.2, DA); None for everything else."""
    if not text.isascii() or _DATE.fullmatch(text) is None:
        return None
    try:
        day = datetime.strptime(text.replace("-", ""), "%Y%m%d").date()
    except ValueError:
        return None
    return day if day.year >= _FIRST_YEAR else None


def _replaced(cells: list[str], patient: int, pseudonym: str, *, keeps_id: bool) -> list[str]:
    return [*cells[: patient + keeps_id], pseudonym, *cells[patient + 1 :]]


def _other_dates(table: _Table, known: set[int]) -> list[str]:
    """Return the names of other columns in which every filled cell looks like a date."""
    found = []
    for position, name in enumerate(table.header):
        texts = [cells[position].strip() for _, cells in table.rows if cells[position].strip()]
        if position not in known and texts and all(_LIKE_DATE.fullmatch(text) for text in texts):
            found.append(name)
    return found


def _written(table: _Table, header: list[str], rows: list[list[str]]) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=table.separator, lineterminator=table.line_end)
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode(table.encoding)
