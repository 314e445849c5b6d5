"""A label file in long form: CSV with the columns image, label, value (RFC 4180)."""

import csv
import io
import math
from dataclasses import dataclass

from common.errors import PermanentError

COLUMNS = ("image", "label", "value")
MAX_FIELD_CHARACTERS = 2048
_NEXT = "Give it the header image,label,value and put it into the bucket again."


@dataclass(frozen=True)
class LabelRow:
    """One label as a file gives it."""

    line: int  # in the file, the header is line 1
    image: str  # s3://bucket/key, key, or the end of a key
    label: str
    value: float  # 1 present, 0 absent, -1 uncertain, or a probability


@dataclass(frozen=True)
class RefusedRow:
    """A row that can't be taken."""

    line: int
    cause: str


def parse_label_file(body: bytes) -> tuple[list[LabelRow], list[RefusedRow]]:
    """The good and the refused rows of a label file.

    UTF-8 with or without byte order mark; comma, semicolon or tab. Raises PermanentError if it
    is no such CSV at all.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise PermanentError("The label file is not UTF-8 text.", _NEXT) from None
    if "\x00" in text:
        raise PermanentError("The label file holds null characters; it is no text.", _NEXT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    rows: list[LabelRow] = []
    refused: list[RefusedRow] = []
    try:
        places = _places(next(reader, []))
        for fields in reader:
            if not any(field.strip() for field in fields):
                continue
            row = _row(reader.line_num, fields, places)
            (rows if isinstance(row, LabelRow) else refused).append(row)  # type: ignore[arg-type]
    except csv.Error:
        raise PermanentError(f"Line {reader.line_num} of the label file is no CSV.", _NEXT) from None
    return rows, refused


def _delimiter(text: str) -> str:
    header = text.partition("\n")[0]
    return max(",;\t", key=header.count)


def _places(header: list[str]) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    missing = [column for column in COLUMNS if column not in names]
    if missing:
        raise PermanentError(f"The label file has no column {', '.join(missing)}.", _NEXT)
    return {column: names.index(column) for column in COLUMNS}


def _row(line: int, fields: list[str], places: dict[str, int]) -> LabelRow | RefusedRow:
    if len(fields) <= max(places.values()):
        return RefusedRow(line, f"It has {len(fields)} columns, too few.")
    image, label, text = (fields[places[column]].strip() for column in COLUMNS)
    if not image or not label:
        return RefusedRow(line, "image or label is empty.")
    if max(len(image), len(label)) > MAX_FIELD_CHARACTERS:
        return RefusedRow(line, f"image or label is over {MAX_FIELD_CHARACTERS} characters.")
    try:
        value = float(text)
    except ValueError:
        return RefusedRow(line, "value is no number.")
    if not math.isfinite(value) or not -1 <= value <= 1:
        return RefusedRow(line, "value is not between -1 and 1.")
    return LabelRow(line, image, label, value)
