"""The normal form in which identifying words, numbers and dates are compared with text.

Letters are in upper case and without marks; letters that are also written as two (ü as ue) have both
spellings. Separators between groups of digits and zeros before a number do not count.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from imaging.dataset.number_text import each_value

# Runs of letters, runs of digits, and mixtures of both, such as AB12CD34. Two letters are a word in
# the scripts of East Asia, where they may be a complete name.
_LETTERS = re.compile(r"[^\W\d_]{3,}|[\u2e80-\U0003ffff]{2}")
_DIGITS = re.compile(r"\d{5,}")
_MIXED = re.compile(r"[^\W_]{5,}")
_ANY = re.compile(r"[^\W\d_]{3}|[^\W_]{5}|[\u2e80-\U0003ffff]{2}")
_DIGIT = re.compile(r"\d")
_RUN = re.compile(r"\d+|[^\W\d_]+")
_ZEROS_AFTER_LETTER = re.compile(r"(?<=[^\W\d_])0+(?=\d)")
_SINGLE = str.maketrans({"Ł": "L", "Đ": "D", "Ð": "D", "Ø": "O", "Æ": "AE", "Œ": "OE", "Þ": "TH"})
_DOUBLE = str.maketrans({"Ä": "AE", "Ö": "OE", "Ü": "UE", "Å": "AA", "Ø": "OE"})
# Capital letters of Cyrillic and Greek that look like Latin ones, which a keyboard may have mixed in.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",  # noqa: RUF001
    "ABESIJKMHOPCTYXABEZHIKMNOPTYX",
)
_TWO_LETTERS = re.compile(r"(?<=[AOU])E")
_FEWEST_DIGITS = 5
_FEWEST_DIGITS_OF_PART = 7  # of an id or telephone number, such as the number without its country code
_MOST_RUNS = 12  # in an id; a longer value is an address


def spellings(text: str) -> tuple[str, ...]:
    """The spellings of a text: one if it is ASCII; else without marks, and with two letters for one."""
    if text.isascii():
        return (text.upper(),)
    upper = unicodedata.normalize("NFC", re.sub(r"\d", lambda digit: str(int(digit[0])), text).upper())
    plain = _without_marks(upper)
    double = _without_marks(upper.translate(_DOUBLE))
    return (plain,) if plain == double else (plain, double)


def name_spellings(text: str) -> tuple[str, ...]:
    """The spellings of a name: also with one letter for two, as Mueller may be Müller or Muller.

    Cyrillic and Greek letters that look like Latin ones are also spelled as these.
    """
    spelled = spellings(text)
    latin = () if text.isascii() else tuple(one.translate(_LOOKALIKES) for one in spelled)
    all_spelled = (*spelled, *(one for one in latin if one not in spelled))
    return (*all_spelled, *(_TWO_LETTERS.sub("", one) for one in all_spelled if _TWO_LETTERS.search(one)))


def searchable_words(text: str) -> set[str]:
    """Words of at least 3 letters, numbers of 5 digits and mixtures of 5 characters, in normal form."""
    words: set[str] = set()
    for spelled in spellings(text):
        words.update(words_of(spelled))
    return words


def words_of(spelled: str) -> set[str]:
    """The searchable words of one spelling; numbers also without the zeros before them."""
    if _ANY.search(spelled) is None:
        return set()
    digits = _DIGITS.findall(spelled)
    words = {*_LETTERS.findall(spelled), *digits, *_MIXED.findall(spelled)}
    words.update(without_zeros(number) for number in digits if number[0] == "0")
    return words


def without_zeros(digits: str) -> str:
    """A number without zeros before it, but of five digits at least."""
    return digits.lstrip("0").zfill(_FEWEST_DIGITS)


def compounds_of(text: str) -> set[str]:
    """An id with all its groups of characters joined to one: also its digits alone, and in reversed order.

    Of a number of seven digits or more, so is each part of it that has seven.
    """
    if _DIGIT.search(text) is None:
        return set()
    found: set[str] = set()
    for spelled in spellings(text):
        runs = _RUN.findall(spelled)
        if len(runs) <= _MOST_RUNS:
            found.update(_digit_compounds(runs))
            joined = "".join(runs)
            if len(joined) >= _FEWEST_DIGITS and not joined.isalpha() and not joined.isdigit():
                found |= {joined, _ZEROS_AFTER_LETTER.sub("", joined)}
    return {compound for compound in found if len(compound) >= _FEWEST_DIGITS}


def _digit_compounds(runs: list[str]) -> Iterator[str]:
    groups: list[str] = []
    for run in [*runs, ""]:
        if run.isdigit():
            groups.append(run)
            continue
        if groups:
            yield from (_joined(groups), _joined(groups[::-1]))
        count = len(groups)
        parts = (
            _joined(groups[first:last]) for first in range(count) for last in range(first + 1, count + 1)
        )
        yield from (part for part in parts if len(part) >= _FEWEST_DIGITS_OF_PART)
        groups = []


def _joined(groups: list[str]) -> str:
    return "".join(groups).lstrip("0")


class Squeezed:
    """A text without separators, which knows where its groups of letters and of digits begin and end."""

    def __init__(self, spelled: str) -> None:
        self._runs: list[str] = _RUN.findall(spelled)
        self._text = "".join(self._runs)
        trimmed = _ZEROS_AFTER_LETTER.sub("", self._text) if "0" in self._text else self._text
        self._trimmed = None if trimmed == self._text else trimmed

    def first_of(self, compounds: Iterable[str]) -> str | None:
        """The first compound that complete groups of the text are, without zeros before them; or None."""
        text, trimmed = self._text, self._trimmed
        for compound in compounds:
            if compound in text and self._is_complete(compound):
                return compound
            if trimmed is not None and not compound.isdigit() and compound in trimmed:
                return compound
        return None

    def _is_complete(self, compound: str) -> bool:
        starts: set[int] = set()
        ends: set[int] = set()
        position = 0
        for run in self._runs:
            zeros = len(run) - len(run.lstrip("0"))
            starts.update(range(position, position + zeros + 1))
            position += len(run)
            ends.add(position)
        at = self._text.find(compound)
        while at >= 0:
            if at in starts and at + len(compound) in ends:
                return True
            at = self._text.find(compound, at + 1)
        return False


def digits_of(size: float, text: str) -> list[str]:
    """The digits that a number without sign may stand for: those of its whole part, and as it is written."""
    found: list[str] = _DIGITS.findall(text)
    if size >= 10_000:
        whole = int(size)
        found.append(str(whole))
        if size != whole:
            found.append(str(round(size)))
    if len(text) >= 9 and "." in text:
        mantissa = text.upper().partition("E")[0]
        digits = mantissa.strip().replace(".", "").strip("+-0")
        if len(digits) >= 8 and len(mantissa) >= 9:  # fewer would often be equal by chance
            found.append(digits)
    return found


@lru_cache(maxsize=256)
def date_spellings(day: date) -> tuple[str, ...]:
    """The digits with which a day may be written, in any order of day, month and year."""
    year, short, month, date_ = f"{day.year:04}", f"{day.year % 100:02}", f"{day.month:02}", f"{day.day:02}"
    return (
        year + month + date_,
        date_ + month + year,
        month + date_ + year,
        year + date_ + month,
        short + month + date_,
        date_ + month + short,
        month + date_ + short,
        year + month,
    )


def values_of(value: Any) -> list[str]:
    """The single values of an element as text."""
    if value is None:
        return []
    return list(map(str, each_value(value)))


def _without_marks(upper: str) -> str:
    decomposed = unicodedata.normalize("NFKD", upper.translate(_SINGLE))
    return unicodedata.normalize(
        "NFC", "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    )
