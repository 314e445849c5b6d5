"""The form with which a person overrules a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

from flask import abort

from functions.review.access.form_fields import is_number, read_reason
from model.verdict import Verdict
from oversight.decisions.overruling import Seen


@dataclass(frozen=True)
class OverrulingForm:
    """What a person decided, and what the person saw."""

    verdict: Verdict
    why: str
    seen: Seen

    @classmethod
    def of(cls, form: Mapping[str, str], name: str) -> "OverrulingForm":
        """Read the form about the image of a name; what is wrong is told with status 400."""
        verdict = form.get("verdict", "")
        if verdict not in {"good", "low_quality"}:
            abort(400, "The verdict of a person is good or low_quality.")
        why = read_reason(form, "verdict")
        return cls(cast("Verdict", verdict), why, _seen(form.get(f"seen {name}", "")))


def _seen(text: str) -> Seen:
    verdict, _, number = text.partition(" ")
    if verdict not in get_args(Verdict) or not is_number(number):
        abort(400, "Load the page again, and repeat what you did.")
    return Seen(cast("Verdict", verdict), int(number))
