"""Fields of forms that several pages have."""

from collections.abc import Mapping

from flask import abort

from functions.review.access.numbers import MOST_DIGITS

_MOST_LETTERS = 500  # of a reason


def read_reason(form: Mapping[str, str], stored_with: str) -> str:
    """The reason that a person gives; one that says nothing, or too much, is told with status 400."""
    why = form.get("why", "").strip()
    if not any(sign.isalnum() for sign in why) or len(why) > _MOST_LETTERS:
        abort(400, f"Say why, in 1 to {_MOST_LETTERS} letters; the reason is stored with the {stored_with}.")
    return why


def is_number(text: str) -> bool:
    """Whether a text is a whole number that a bigint column can hold."""
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
