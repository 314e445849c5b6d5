"""The form of a decision: release or refuse, the reason, and the rectangles to make black."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import isfinite
from typing import cast

from flask import abort
from werkzeug.datastructures import MultiDict

from common.ledger.ledger import PixelRectangle
from functions.review.access.form_fields import read_reason
from oversight.decisions.pending import Decision

_MOST_RECTANGLES = 100
_LARGEST = 10**6  # of a place in a picture, in pixels
_LOADED_BEFORE = "Load the page again, and repeat what you did."


@dataclass(frozen=True)
class DecisionForm:
    """What a person decided."""

    decision: Decision
    why: str
    blank: tuple[PixelRectangle, ...]
    held_since: datetime  # as the person saw the item

    @classmethod
    def of(cls, form: "MultiDict[str, str]") -> "DecisionForm":
        """Read the form; what is wrong is told with status 400."""
        decision = form.get("decision", "")
        if decision not in {"release", "refuse"}:
            abort(400, "The decision is release or refuse.")
        why = read_reason(form, "decision")
        blank = tuple(_rectangle(value) for value in form.getlist("blank")[: _MOST_RECTANGLES + 1])
        if len(blank) > _MOST_RECTANGLES:
            abort(400, f"At most {_MOST_RECTANGLES} rectangles are made black.")
        moment = _moment(form["held_since"]) if "held_since" in form else datetime.fromtimestamp(0, UTC)
        return cls(cast("Decision", decision), why, blank, moment)

    def with_moment(self, held_since: str) -> "DecisionForm":
        """The same about another item."""
        return replace(self, held_since=_moment(held_since))


def read_window(values: Mapping[str, str]) -> tuple[float, float] | None:
    """Centre and width of the window in the query of an address; None: the file's own."""
    try:
        centre, width = float(values["centre"]), float(values["width"])
    except (KeyError, ValueError):
        return None
    return (centre, max(1.0, width)) if isfinite(centre) and isfinite(width) else None


def _rectangle(text: str) -> PixelRectangle:
    parts = text.split(",")
    if len(parts) != 4 or not all(part.isascii() and part.isdecimal() and len(part) < 8 for part in parts):
        abort(400, "A rectangle is LEFT,TOP,WIDTH,HEIGHT in pixels.")
    left, top, width, height = map(int, parts)
    if not (width and height) or max(left, top, width, height) > _LARGEST:
        abort(400, "A rectangle has at least one pixel, and lies in the picture.")
    return (left, top, width, height)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        abort(400, _LOADED_BEFORE)
    return found if found.tzinfo is not None else abort(400, _LOADED_BEFORE)
