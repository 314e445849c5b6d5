"""The search for text in the pictures of one file: a detector on every frame, a reader where it fires."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from common.errors import TextBox
from deidentification.identity import Identity
from deidentification.pixels.text.text_detector import Box, find_text
from deidentification.pixels.text.text_reader import ReadText, read_boxes
from deidentification.pixels.text_search.harmless_text import is_harmless
from deidentification.pixels.text_search.identity_in_text import identity_in_text
from deidentification.pixels.text_search.installed_reader import can_read

VERY_SURE = 3.5  # the detector's score from which a place is text even if it can't be read
# What is read in one file, so that reading takes seconds; more is not a few captions, and a person must look.
MOST_BOXES, MOST_PIXELS = 64, 6_000_000
ENOUGH = 8  # places with text after which the rest is not read: the file is held in any case
MOST_RECORDED = 32  # boxes that the ledger stores of one file

View = NDArray[np.uint8]
Reader = Callable[[View, Sequence[Box]], list[ReadText]]


class Finding(StrEnum):
    """What the search found; a later one outweighs an earlier one."""

    NOTHING = "nothing"
    UNREAD = "unread"  # the detector found something that nobody could read
    TEXT = "text"
    IDENTITY = "identity"


class Scope(StrEnum):
    """Which text counts."""

    ANY_TEXT = "any text"
    IDENTITY = "identity"  # only the patient's own words and dates: a person has decided on the rest
    NOTHING = "nothing"


@dataclass(frozen=True)
class SearchResult:
    """What the search found in all frames of a file."""

    finding: Finding = Finding.NOTHING
    boxes: tuple[TextBox, ...] = ()
    keyword: str = ""  # of the identifying attribute that was read
    was_read: bool = True  # whether a reader was there

    @property
    def identity_boxes(self) -> tuple[TextBox, ...]:
        """The boxes with the patient's own words."""
        return tuple(box for box in self.boxes if box.finding == Finding.IDENTITY)


class TextSearch:
    """Searches the frames of one file; the text itself is never stored."""

    def __init__(
        self, identity: Identity, scope: Scope, reader: Reader | None = None, *, enough: int = ENOUGH
    ) -> None:
        """Searches for text of a scope; after `enough` places with text, the others are not read."""
        self._identity, self._scope, self._enough = identity, scope, enough
        self._reader = reader or (read_boxes if can_read() else None)
        self._boxes: list[tuple[Finding, TextBox]] = []
        self._keyword = ""
        self._boxes_read = self._pixels_read = 0
        # By content and view: captions are the same in all frames of a clip.
        self._known: dict[tuple[bytes, bool], Finding] = {}

    @property
    def result(self) -> SearchResult:
        """The result for the frames so far."""
        ranked = sorted(self._boxes, key=lambda found: -_RANKS[found[0]])
        finding = ranked[0][0] if ranked else Finding.NOTHING
        boxes = tuple(box for _, box in ranked[:MOST_RECORDED])
        return SearchResult(finding, boxes, self._keyword, self._reader is not None)

    def look(self, number: int, views: Iterable[View]) -> None:
        """Search the views of one frame, the drawn picture first; frames are numbered from 1."""
        if self._scope is Scope.NOTHING:
            return
        for index, view in enumerate(views):
            for box in find_text(view):
                finding = self._finding_of(view, box, is_drawn=index == 0)
                if finding is not Finding.NOTHING:
                    place = (number, box.left, box.top, box.width, box.height)
                    self._boxes.append((finding, TextBox(*place, finding)))

    def _has_enough(self, box: Box) -> bool:
        """Whether one more box need not or must not be read."""
        is_held = self._scope is Scope.ANY_TEXT and len(self._boxes) >= self._enough
        is_much = self._boxes_read >= MOST_BOXES or self._pixels_read + box.width * box.height > MOST_PIXELS
        return is_held or is_much

    def _finding_of(self, view: View, box: Box, *, is_drawn: bool) -> Finding:
        part = view[box.top : box.top + box.height, box.left : box.left + box.width]
        digest = blake2b(part.tobytes() + str(part.shape).encode(), digest_size=16).digest()
        place = digest, is_drawn
        if place not in self._known:
            self._known[place] = self._read(view, box, is_drawn=is_drawn)
        return self._known[place]

    def _read(self, view: View, box: Box, *, is_drawn: bool) -> Finding:
        if self._reader is None or self._has_enough(box):
            return Finding.UNREAD if self._scope is Scope.ANY_TEXT else Finding.NOTHING
        self._boxes_read += 1
        self._pixels_read += box.width * box.height
        (read,) = self._reader(view, [box])
        keyword = identity_in_text(read.everything, self._identity)
        if keyword is not None:
            self._keyword = self._keyword or keyword
            return Finding.IDENTITY
        if self._scope is not Scope.ANY_TEXT:
            return Finding.NOTHING
        if read.is_text:
            return Finding.NOTHING if is_harmless(read.text) else Finding.TEXT
        # In the other views stretched contrasts look like letters, so only read text counts there.
        is_sure = is_drawn and box.score >= VERY_SURE and not read.is_sign
        return Finding.UNREAD if is_sure else Finding.NOTHING


_RANKS = {finding: rank for rank, finding in enumerate(Finding)}
