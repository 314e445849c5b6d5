"""The patient's own words and dates in text that was read from a picture, with a reader's usual errors."""

import re
from collections.abc import Iterator
from datetime import date

from deidentification.day_numbers import unix_day
from deidentification.identity import Identity
from deidentification.normal_form import spellings

# Characters that a reader takes for one another have one form; spaces and punctuation are left out.
_CONFUSED = str.maketrans("OQDILJZSGBTU", "000111256817")  # T as 7 in some fonts, U never as V
_KEPT = re.compile(r"[^\W_]+")
_FEWEST_LETTERS = 4  # of a word that is searched for in a line without spaces
_FEWEST_FOR_ERROR = 6  # from this length one wrong character is allowed
_NEAR_DAYS = 31
_DATE = re.compile(r"(?<!\d)(\d{1,4})\D{1,2}(\d{1,2})\D{1,2}(\d{2,4})(?!\d)|(?<!\d)(\d{8})(?!\d)")


def identity_in_text(text: str, identity: Identity) -> str | None:
    """The keyword of an identifying attribute that the text names, or None.

    Words of four characters are found anywhere, also with characters that look alike; longer ones
    that are no numbers also with one wrong character. A date counts if it is within a month of one
    of the file's dates.
    """
    return identity.found_in(text) or _similar_word(text, identity) or _near_date(text, identity)


def _similar_word(text: str, identity: Identity) -> str | None:
    line = "".join(_confused(part) for part in _KEPT.findall("".join(spellings(text)[:1])))
    for word, keyword in (*identity.sources.items(), *identity.compounds.items()):
        wanted = _confused(word)
        if len(wanted) < _FEWEST_LETTERS:
            continue
        # A number with one wrong digit is another number.
        may_have_error = len(wanted) >= _FEWEST_FOR_ERROR and not word.isdigit()
        if wanted in line or (may_have_error and _has_one_error(wanted, line)):
            return keyword
    return None


def _confused(text: str) -> str:
    return text.upper().translate(_CONFUSED)


def _has_one_error(word: str, line: str) -> bool:
    """Whether the line has the word with one character replaced, missing or too many."""
    half = len(word) // 2
    first, last = word[:half], word[half:]  # an error lies in one half only, so the other is complete
    return any(_follows(last, line[at + half :]) for at in _places(first, line)) or any(
        _follows(first[::-1], line[:at][::-1]) for at in _places(last, line)
    )


def _places(part: str, line: str) -> Iterator[int]:
    at = line.find(part)
    while at >= 0:
        yield at
        at = line.find(part, at + 1)


def _follows(part: str, rest: str) -> bool:
    """Whether `rest` begins with a part of a word, with at most one error."""
    wrong = next((i for i, (a, b) in enumerate(zip(part, rest, strict=False)) if a != b), None)
    if wrong is None:
        return len(rest) >= len(part) - 1
    after = part[wrong + 1 :]
    return (
        rest[wrong + 1 :].startswith(after)
        or rest[wrong:].startswith(after)
        or rest[wrong + 1 :].startswith(part[wrong:])
    )


def _near_date(text: str, identity: Identity) -> str | None:
    for day in _dates(text):
        number = unix_day(day)
        near = [known for known in identity.days if abs(known - number) <= _NEAR_DAYS]
        if near:
            return identity.days[min(near, key=lambda known: abs(known - number))]
    return None


def _dates(text: str) -> Iterator[date]:
    """The dates that a text may mean, with day, month and year in any usual order."""
    for first, second, third, joined in _DATE.findall(text):
        parts = [(joined[:4], joined[4:6], joined[6:]), (joined[4:], joined[2:4], joined[:2])]
        parts = parts if joined else [(first, second, third), (third, second, first), (third, first, second)]
        for year, month, day in parts:
            for century in (0,) if len(year) == 4 else (1900, 2000):
                try:
                    yield date(century + int(year), int(month), int(day))
                except ValueError:
                    continue
