"""Recognises a label file by its content, and reads it as a stream."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain

import orjson

from common.errors import PermanentError
from common.labels.json_elements import array_elements, single_element
from common.labels.label_text import MAX_LINE, NEXT_STEP, TOO_LONG, decoded, lines
from functions.annotations.formats.json_rows import LABEL_STUDIO, JsonRows, form_of
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.label_studio import EXPORT_AS_JSON, is_minimal_export
from functions.annotations.formats.refused_row import Refusals
from functions.annotations.formats.tables.table_file import read_table
from functions.annotations.formats.vocabulary import Vocabulary

_MAX_WRONG_FIRST = 100  # wrong JSON values before the first row


@dataclass(frozen=True)
class LabelFile:
    """The content of a label file."""

    form: str  # the recognised form
    rows: Iterator[LabelRow]  # read from the file one by one
    refused: Refusals  # filled while the rows are read
    digest: Callable[[], str]  # SHA-256 of the file, after all rows were read


def read_label_file(chunks: Iterable[bytes], vocabulary: Vocabulary) -> LabelFile:
    """Recognise a label file; PermanentError if it is not one, now or while its rows are read."""
    digest = sha256()
    texts = decoded(_hashed(chunks, digest.update))
    head = ""
    for text in texts:
        head += text
        if len(head) > MAX_LINE or "\n" in head.lstrip():
            break
    refused = Refusals()
    all_texts = chain([head], texts)
    if head.lstrip()[:1] in {"[", "{"}:
        form, rows = _json_rows(_elements(head.lstrip(), all_texts, refused), vocabulary, refused)
    else:
        table = read_table(lines(all_texts), vocabulary, refused)
        form, rows = table.columns.form, table.rows
    return LabelFile(form, rows, refused, digest.hexdigest)


def _hashed(chunks: Iterable[bytes], update: Callable[[bytes], None]) -> Iterator[bytes]:
    for chunk in chunks:
        update(chunk)
        yield chunk


def _elements(head: str, texts: Iterator[str], refused: Refusals) -> Iterator[tuple[int, object]]:
    """The elements of an array, the value of each line, or a single object over one or more lines."""
    if head.startswith("["):
        return array_elements(texts)
    first, _, second = head.partition("\n")
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        if not second.lstrip().startswith("{"):
            return single_element(texts)
    return _line_elements(lines(texts), refused)


def _line_elements(texts: Iterator[str], refused: Refusals) -> Iterator[tuple[int, object]]:
    """The value of each line with the number of the line; a line that is not JSON is refused."""
    for number, line in enumerate(texts, start=1):
        if line.startswith(TOO_LONG):
            refused.add(number, "The line is too long.")
        elif line.strip():
            try:
                yield number, orjson.loads(line)
            except orjson.JSONDecodeError:
                refused.add(number, "The line is not JSON.")


def _json_rows(
    elements: Iterator[tuple[int, object]], vocabulary: Vocabulary, refused: Refusals
) -> tuple[str, Iterator[LabelRow]]:
    """The form and rows of JSON; the first element that is a row of some form decides the form."""
    reader = JsonRows(vocabulary, refused)

    def rows(values: Iterable[tuple[int, object]]) -> Iterator[LabelRow]:
        return (row for line, element in values for row in reader.rows(line, element))

    for first in elements:
        if is_minimal_export(first[1]):
            raise PermanentError(
                "It is Label Studio's export JSON-MIN, which does not say what are answers, "
                "which of them are about a region, and which project they are of.",
                EXPORT_AS_JSON,
            )
        form = form_of(first[1])
        if form is not None:
            return form, rows(chain([first], elements))
        deque(rows([first]), maxlen=0)  # has no rows; reading it adds it to the refused rows
        if refused.number >= _MAX_WRONG_FIRST:
            break
    if refused.number:
        raise PermanentError("The JSON is neither Label Studio's nor rows of image, label, value.", NEXT_STEP)
    return LABEL_STUDIO, iter(())
