"""The elements of a JSON file, one at a time: of an array, or the one there is."""

import json
import re
from collections.abc import Iterator

from common.errors import PermanentError
from common.labels.label_text import NEXT

MAX_ELEMENT = 8 * 1024 * 1024  # characters
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[ \t\n\r]*")


def whole_element(texts: Iterator[str]) -> Iterator[tuple[int, object]]:
    """The file as one value."""
    text = ""
    for piece in texts:
        text += piece
        if len(text) > MAX_ELEMENT:
            raise PermanentError(f"The JSON is over {MAX_ELEMENT} characters, and no array of tasks.", NEXT)
    try:
        yield 1, _DECODER.decode(text)
    except (ValueError, RecursionError):
        raise PermanentError("The label file is no JSON.", NEXT) from None


def array_elements(texts: Iterator[str]) -> Iterator[tuple[int, object]]:
    """The elements of an array with their numbers from 1; no more than one is in memory."""
    text = _Window(texts)
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
        raise PermanentError("Something follows the JSON array.", NEXT)


class _Window:
    """The part of a text that is being read."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._text, self._at = "", 0

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            match = _SPACE.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more(1):
                return ""

    def expect(self, character: str) -> None:
        if self.peek() != character:
            raise PermanentError("The JSON array is cut off or broken.", NEXT)
        self._at += 1

    def value(self, number: int) -> object:
        """The value that begins here; as long as it has no end, twice as much is looked at."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
            except RecursionError:
                raise PermanentError(f"Task {number} of the label file is nested too deeply.", NEXT) from None
            except ValueError:
                held = len(self._text) - self._at
                if held > MAX_ELEMENT or not self._more(held):
                    raise PermanentError(f"Task {number} of the label file is no JSON.", NEXT) from None
            else:
                # A number may go on in the next piece; tasks are objects, and end for sure.
                self._at = end
                return value

    def _more(self, characters: int) -> bool:
        """Read at least so many more; False at the end."""
        pieces, length = [self._text[self._at :]], 0
        while length < max(characters, 1) and (piece := next(self._texts, None)) is not None:
            pieces.append(piece)
            length += len(piece)
        self._text, self._at = "".join(pieces), 0
        return length > 0
