"""Reads a JSON file: the elements of an array one at a time, or a single value."""

import json
import re
from collections.abc import Iterator

from common.errors import PermanentError
from common.labels.label_text import NEXT_STEP

MAX_ELEMENT = 8 * 1024 * 1024  # characters
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


def single_element(texts: Iterator[str]) -> Iterator[tuple[int, object]]:
    """The complete file as element number 1."""
    text = ""
    for piece in texts:
        text += piece
        if len(text) > MAX_ELEMENT:
            raise PermanentError(
                f"The JSON is over {MAX_ELEMENT} characters and is not an array of tasks.", NEXT_STEP
            )
    try:
        yield 1, _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise PermanentError("The label file is not valid JSON.", NEXT_STEP) from None


def array_elements(texts: Iterator[str]) -> Iterator[tuple[int, object]]:
    """The elements of an array with their numbers from 1; only one of them is in memory at a time."""
    text = _TextWindow(texts)
    text.expect("[")
    number = 0
    if text.peek() == "]":
        text.expect("]")
    else:
        while True:
            number += 1
            yield number, text.value(number)
            if text.peek() != ",":
                text.expect("]")
                break
            text.expect(",")
    if text.peek():
        raise PermanentError("Something follows the JSON array.", NEXT_STEP)


class _TextWindow:
    """The part of the text that is in memory."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._text, self._at = "", 0

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_more(1):
                return ""

    def expect(self, character: str) -> None:
        if self.peek() != character:
            raise PermanentError("The JSON array is cut off or broken.", NEXT_STEP)
        self._at += 1

    def value(self, number: int) -> object:
        """The value that begins here; the part in memory is doubled until it contains its end."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise PermanentError(
                    f"Task {number} of the label file is nested too deeply.", NEXT_STEP
                ) from None
            except ValueError:
                in_memory = len(self._text) - self._at
                if in_memory > MAX_ELEMENT or not self._read_more(in_memory):
                    raise PermanentError(
                        f"Task {number} of the label file is not valid JSON.", NEXT_STEP
                    ) from None
            else:
                # A number might continue in the next piece; but tasks are objects, which have a definite end.
                self._at = end
                return value

    def _read_more(self, characters: int) -> bool:
        """Read at least this many more characters; False at the end of the file."""
        pieces, length = [self._text[self._at :]], 0
        while length < max(characters, 1) and (piece := next(self._texts, None)) is not None:
            pieces.append(piece)
            length += len(piece)
        self._text, self._at = "".join(pieces), 0
        return length > 0
