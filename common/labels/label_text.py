"""Decodes a label file piece by piece, in any encoding that spreadsheet programs write."""

import codecs
import io
from collections.abc import Iterable, Iterator
from itertools import chain

from common.errors import PermanentError

MAX_LINE = 1024 * 1024
TOO_LONG = "\x00"  # replaces a line over the limit; text can't contain it
NEXT_STEP = "Give it one of the forms of docs/labels.md and put it into the bucket again."
_CONTROLS = bytes({*range(32)} - {9, 10, 12, 13}) + b"\x7f"
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def decoded(chunks: Iterable[bytes]) -> Iterator[str]:
    """The text of a file: UTF-8 or UTF-16 by its byte order mark, else UTF-8, else Windows-1252 (Latin-1).

    Raises PermanentError if the file is not text.
    """
    pieces = iter(chunks)
    head = b""
    while len(head) < 4 and (piece := next(pieces, None)) is not None:
        head += piece
    mark, encoding = next(
        ((m, e) for m, e in _MARKS if head.startswith(m)), (b"", _encoding_without_mark(head))
    )
    rest = _prepend(head[len(mark) :], pieces)
    return _decode_utf_8(rest) if encoding == "utf-8" and not mark else _decode_marked(rest, encoding)


def _encoding_without_mark(head: bytes) -> str:
    """The encoding of a file without a byte order mark: UTF-16 has zeros between its first letters."""
    zeros = "".join("0" if byte == 0 else "x" for byte in head[:4])
    return {"x0x0": "utf-16-le", "0x0x": "utf-16-be"}.get(zeros, "utf-8")


def _prepend(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from others


def _decode_marked(pieces: Iterator[bytes], encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for piece in pieces:
            yield _checked(decoder.decode(piece))
        yield _checked(decoder.decode(b"", final=True))
    except UnicodeDecodeError:
        raise PermanentError(f"The label file is not valid {encoding.upper()}.", NEXT_STEP) from None


def _decode_utf_8(pieces: Iterator[bytes]) -> Iterator[str]:
    """Decode UTF-8. A file that is ASCII up to the first invalid byte is decoded as Windows-1252."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    is_ascii = True
    for piece in pieces:
        try:
            text = decoder.decode(piece)
        except UnicodeDecodeError as error:
            if not is_ascii or not error.object[: error.start].isascii():
                raise PermanentError("The label file is neither UTF-8 nor Latin-1 text.", NEXT_STEP) from None
            yield from _decode_windows_1252(_prepend(error.object, pieces))
            return
        is_ascii = is_ascii and text.isascii()
        yield _checked(text)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        yield from _decode_windows_1252(iter([error.object]))


def _decode_windows_1252(pieces: Iterator[bytes]) -> Iterator[str]:
    for piece in pieces:
        yield _checked(piece.decode("cp1252", errors="replace"))


def _checked(text: str) -> str:
    """Return the text unchanged; raises PermanentError if it contains control characters."""
    raw = text.encode("utf-8", errors="replace")
    if len(raw.translate(None, _CONTROLS)) != len(raw):
        raise PermanentError("The label file contains control characters; it is not text.", NEXT_STEP)
    return text


def lines(texts: Iterable[str]) -> Iterator[str]:
    """Lines with their line ends; a line over the limit is replaced by TOO_LONG and needs no memory."""
    return chain.from_iterable(_blocks(texts))


def _blocks(texts: Iterable[str]) -> Iterator[list[str]]:
    """Lists of lines: those that end within each piece of text."""
    rest, is_skipping = "", False
    for text in texts:
        rest += text
        cut = rest.rfind("\n") + 1 or _after_carriage_return(rest)
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


def _after_carriage_return(text: str) -> int:
    """The position after the last carriage return that is a line end of its own.

    A carriage return at the end of the text is left out: a line feed may follow in the next piece.
    """
    return text.rfind("\r", 0, -1) + 1
