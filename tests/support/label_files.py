"""Label files that tests write as text, and the rows read from them."""

from collections.abc import Iterator

from functions.annotations.formats.label_file import LabelFile, read_label_file
from functions.annotations.formats.label_row import LabelRow
from functions.annotations.formats.refused_row import RefusedRow
from functions.annotations.formats.vocabulary import Vocabulary
from tests.support.uids import uid

UID = uid(1001)
IMAGE = f"{UID}/1.png"


def pieces(body: bytes, size: int = 1000) -> Iterator[bytes]:
    """The chunks of a body, as a store gives them."""
    yield from (body[at : at + size] for at in range(0, len(body), size))


def read(
    body: bytes | str, vocabulary: Vocabulary | None = None, *, size: int = 1000
) -> tuple[LabelFile, list[LabelRow], list[RefusedRow]]:
    """Read a complete label file; returns it, its rows and its refused rows."""
    data = body.encode() if isinstance(body, str) else body
    file = read_label_file(pieces(data, size), vocabulary or Vocabulary())
    rows = list(file.rows)
    assert file.refused.number >= len(file.refused.rows)
    return file, rows, file.refused.rows


def label_values(
    body: bytes | str, vocabulary: Vocabulary | None = None
) -> list[tuple[int, str | None, float | None]]:
    """Line, label and value of every row that has a label; the file must have no refused row."""
    _, rows, refused = read(body, vocabulary)
    assert [] == refused
    return [(row.line, row.label, row.value) for row in rows if row.label is not None]
