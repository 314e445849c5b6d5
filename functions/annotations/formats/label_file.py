"""A label file, recognised by its content and read as a stream."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import orjson

from common.errors import PermanentError
from common.labels.json_elements import array_elements, whole_element
from common.labels.label_text import MAX_LINE, NEXT, TOO_LONG, decoded, lines
from functions.annotations.formats.json_rows import LABEL_STUDIO, JsonRows, form_of
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.refused_row import Refusals
from functions.annotations.formats.table_file import read_table
from functions.annotations.formats.vocabulary import Vocabulary

_MOST_BEFORE = 100  # wrong rows of JSON before the first that is one


@dataclass(frozen=True)
class LabelFile:
    """What a file says."""

    form: str  # as it was recognised
    rows: Iterator[LabelRow]  # read as they are asked for
    refused: Refusals  # grows meanwhile


def read_label_file(chunks: Iterable[bytes], vocabulary: Vocabulary) -> LabelFile:
    """Recognise a label file; PermanentError if it is none, perhaps only when its rows are read."""
    texts = decoded(chunks)
    head = ""
    for text in texts:
        head += text
        begun = head.lstrip()
        if len(head) > MAX_LINE or "\n" in begun:
            break
    refused = Refusals()
    whole = chain([head], texts)
    if head.lstrip()[:1] in {"[", "{"}:
        return _json_file(_elements(head.lstrip(), whole, refused), vocabulary, refused)
    table = read_table(lines(whole), vocabulary, refused)
    return LabelFile(table.columns.form, table.rows, refused)


def _elements(head: str, whole: Iterator[str], refused: Refusals) -> Iterator[tuple[int, object]]:
    """An array's elements, a line's each, or the one object there is, perhaps over many lines."""
    if head.startswith("["):
        return array_elements(whole)
    first, _, second = head.partition("\n")
    try:
        orjson.loads(first)
    except orjson.JSONDecodeError:
        if not second.lstrip().startswith("{"):
            return whole_element(whole)
    return _line_elements(lines(whole), refused)


def _line_elements(texts: Iterator[str], refused: Refusals) -> Iterator[tuple[int, object]]:
    """Each line's value with its number; a line that is no JSON is refused."""
    for number, line in enumerate(texts, start=1):
        if line.startswith(TOO_LONG):
            refused.add(number, "The line is too long.")
        elif line.strip():
            try:
                yield number, orjson.loads(line)
            except orjson.JSONDecodeError:
                refused.add(number, "The line is no JSON.")


def _json_file(
    elements: Iterator[tuple[int, object]], vocabulary: Vocabulary, refused: Refusals
) -> LabelFile:
    """The first element that is a row of something tells what the others should be."""
    reader = JsonRows(vocabulary, refused)

    def rows(some: Iterable[tuple[int, object]]) -> Iterator[LabelRow]:
        return (row for line, element in some for row in reader.rows(line, element))

    for first in elements:
        form = form_of(first[1])
        if form is not None:
            return LabelFile(form, rows(chain([first], elements)), refused)
        deque(rows([first]), maxlen=0)  # has none, and is refused
        if refused.number >= _MOST_BEFORE:
            break
    if refused.number:
        raise PermanentError("The JSON is neither Label Studio's nor rows of image, label, value.", NEXT)
    return LabelFile(LABEL_STUDIO, iter(()), refused)
