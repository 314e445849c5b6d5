"""The form with which a person overrules a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

from flask import abort

from model.verdict import Verdict
from oversight.decisions.overruling import Seen

_MOST_LETTERS = 500  # of a reason
_MOST_DIGITS = 18  # of the number of an overruling


@dataclass(frozen=True)
class OverrulingForm:
    """What a person decided, and what the person saw."""

    verdict: Verdict
    why: str
    seen: Seen

    @classmethod
    def of(cls, form: Mapping[str, str], name: str) -> "OverrulingForm":
        """Read the form about the image of a name; what is wrong is told with status 400."""
        verdict, why = form.get("verdict", ""), form.get("why", "").strip()
        if verdict not in {"good", "low_quality"}:
            abort(400, "The verdict of a person is good or low_quality.")
        if not any(sign.isalnum() for sign in why) or len(why) > _MOST_LETTERS:
            abort(400, f"Say why, in 1 to {_MOST_LETTERS} letters; the reason is stored with the verdict.")
        return cls(cast("Verdict", verdict), why, _seen(form.get(f"seen {name}", "")))


def _seen(text: str) -> Seen:
    verdict, _, number = text.partition(" ")
    is_number = number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS
    if verdict not in get_args(Verdict) or not is_number:
        abort(400, "Load the page again, and repeat what you did.")
    return Seen(cast("Verdict", verdict), int(number))
