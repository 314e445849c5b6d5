"""A label file's bytes as text, piece by piece, whatever encoding a spreadsheet gave it."""

import codecs
import io
from collections.abc import Iterable, Iterator
from itertools import chain

from common.errors import PermanentError

MAX_LINE = 1024 * 1024
TOO_LONG = "\x00"  # stands for a line over the limit: no line of text holds it
NEXT = "Give it one of the forms of docs/labels.md and put it into the bucket again."
_CONTROLS = bytes({*range(32)} - {9, 10, 12, 13}) + b"\x7f"
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    """The text of a file: UTF-8 or UTF-16 by its mark, else UTF-8, else Windows-1252 (Latin-1).

    Raises PermanentError for what is no text.
    """
    pieces = iter(chunks)
    head = b""
    while len(head) < 4 and (piece := next(pieces, None)) is not None:
        head += piece
    mark, encoding = next(((m, e) for m, e in _MARKS if head.startswith(m)), (b"", _unmarked(head)))
    rest = _with_first(head[len(mark) :], pieces)
    return _utf_8(rest) if encoding == "utf-8" and not mark else _marked(rest, encoding)


def _unmarked(head: bytes) -> str:
    """UTF-16 without a mark shows by the zeros between its first letters."""
    zeros = "".join("0" if byte == 0 else "x" for byte in head[:4])
    return {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(zeros, "utf-8")


def _with_first(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _marked(pieces: Iterator[bytes], encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in pieces:
            yield _text(decoder.decode(piece))
        yield _text(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        raise PermanentError(f"The label file is no {encoding.upper()} text.", NEXT) from None


def _utf_8(pieces: Iterator[bytes]) -> Iterator[str]:
    """UTF-8 up to the first letter that is none; a file that had none before is Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_ascii = True
    for piece in pieces:
        try:
            text = decoder.decode(piece)
        except UnicodeDecodeError as error:
            if not is_ascii or not error.object[: error.start].isascii():
                raise PermanentError("The label file is neither UTF-8 nor Latin-1 text.", NEXT) from None
            yield from _windows(_with_first(error.object, pieces))
            return
        is_ascii = is_ascii and text.isascii()
        yield _text(text)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        yield from _windows(iter([error.object]))


def _windows(pieces: Iterator[bytes]) -> Iterator[str]:
    for piece in pieces:
        yield _text(piece.decode("cp1252", errors="replace"))


def _text(text: str) -> str:
    """The text itself; PermanentError if it holds what no text does."""
    raw = text.encode("utf-8", errors="replace")
    if len(raw.translate(None, _CONTROLS)) != len(raw):
        raise PermanentError("The label file holds control characters; it is no text.", NEXT)
    return text


def lines(texts: Iterable[str]) -> Iterator[str]:
    """Lines with their ends; one over the limit comes as TOO_LONG, and costs no memory."""
    return chain.from_iterable(_blocks(texts))


def _blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Lines, as many at a time as a piece of text ends."""
    rest, is_skipping = "", False
    for text in texts:
        rest += text
        cut = rest.rfind("\n") + 1 or _old_end(rest)
        block = io.StringIO(rest[:cut], newline="").readlines()
        rest = rest[cut:]
        if is_skipping and block:
            block[0], is_skipping = f"{TOO_LONG}\n", False
        if cut > MAX_LINE:
            block = [line if len(line) <= MAX_LINE else f"{TOO_LONG}\n" for line in block]
        yield block
        if len(rest) > MAX_LINE:
            rest, is_skipping = "", True
    yield [TOO_LONG] if is_skipping else [rest] if rest else []


def _old_end(text: str) -> int:
    """Behind the last carriage return that ends a line by itself; it may be half of an end, if last."""
    return text.rfind("\r", 0, -1) + 1
