"""The words of a description that may stay, each judged together with its neighbours (PS3.15 E.3.5).

Besides words that the vocabulary does not know, these go: numbers that together may be an id, a telephone
number or a date; ages over 89; names of the patient with two letters; and surnames outside their phrases.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from deidentification.header.descriptor_words import folded, is_descriptor_word, is_phrase
from deidentification.identity import Identity
from deidentification.normal_form import spellings

_DATE_LIKE = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|(?<![\d.,])\d{1,4}(\W{1,3})\d{1,2}\1\d{1,4}(?![\d.,]*\d)"
)
_DATE = " 00000000 "  # stands for a date: it goes, and so do the numbers beside it
_WORD = re.compile(r"\d[\d.,x]*\w*|\w+")
_NUMBER = re.compile(r"\d+([.,]\d+)*[.,]?|\d+( \d+)+")
_LIST = re.compile(r"(?<![\w.,:/+-])\d{1,3}( \d{1,3}){3,}(?![\w.,:/+-])", re.ASCII)
_LONG = re.compile(r"\d{4}")
_UNITS = frozenset(
    """mm cm m ms s sec seconds min minutes kv kvp kev mev ma mas t tesla mt hz khz mhz ml cc gy mgy mbq mci
    ch slices schichten phases hu deg degrees percent""".split()
)
_MOST_CACHED = 256  # letters, so that the cache stays small
_MOST_DIGITS = 4  # of numbers beside one another
# Groups of more digits: b-values of diffusion, and a matrix of equal sides.
_B_WORD = re.compile(r"b(\d{1,4}|vals?|values?|wert|werte)?")
_B_VALUES = frozenset(
    map(str, [0, 5, 10, 15, 20, 25, 30, 40, 75, *range(50, 1001, 50), *range(1100, 3001, 100)])
)
_MATRIX = frozenset("64 96 128 160 192 224 256 288 320 352 384 448 512 576 640 768".split())
_AGES = frozenset(range(90, 130))
_AFTER_AGE = frozenset(
    """y yo yr yrs yrold year years yearold old j jahr jahre jahren jährig jährige jähriger jährigen jaehrig
    jaehrige jaehriger jaehrigen ans anni anno año años ano anos jaar jarige lat år aar roku let""".split()
)
_BEFORE_AGE = frozenset(
    "age aged alter alters âge agé âgé âgée edad età eta idade leeftijd ålder alder wiek yo".split()
)
_SEX = frozenset("m f w male female man woman mann frau homme femme hombre mujer uomo donna".split())
_AGE_PARTS = re.compile(r"\d+|[^\W\d_]+")
_NOBODY = Identity()
_MONTH = re.compile(
    r"(jan|feb|f[eé]v|m[aä]r|mrz|apr|avr|abr|ma[iyg]|mei|jun|jui|giu|jul|lug|aug|ao[uû]|ago|sep|set|o[ck]t|ott|nov"
    r"|de[czs]|dic|d[eé]c|ene|gen|jän)\w*"
)


class _Known(NamedTuple):
    """What is known about the patient, as far as the words of a description depend on it."""

    short_names: frozenset[str]
    age: int | None
    dates: frozenset[str] = frozenset()  # of the file, if the text has a list of numbers


def kept_words(text: str, identity: Identity) -> list[str]:
    """The words of a text that may stay, in order, also beside one another once the others are gone.

    A list of numbers is one word.
    """
    dates = frozenset(identity.dates) if _LIST.search(text) else frozenset[str]()
    known = _Known(identity.short_names, identity.age, dates)
    return list(_cached_words(text, known) if len(text) <= _MOST_CACHED else _kept_words(text, known))


def is_harmless(text: str) -> bool:
    """Whether every word and number of a text may stay, whoever the patient is."""
    return all(may_stay(_WORD.findall(_DATE_LIKE.sub(_DATE, text)), _NOBODY))


def has_old_age(text: str) -> bool:
    """Whether a text has an age over 89, by a word of age or sex beside it or a letter after it."""
    plain = [folded(word) for word in _AGE_PARTS.findall(text)]
    return any(_is_age(plain, index, None) for index, word in enumerate(plain) if _NUMBER.fullmatch(word))


def may_stay(words: list[str], identity: Identity) -> list[bool]:
    """For each of the words of a text whether it may stay beside the others."""
    return _may_stay(words, _Known(identity.short_names, identity.age))


def _kept_words(text: str, known: _Known) -> tuple[str, ...]:
    words = _words(text, known.dates)
    while True:
        kept = [word for word, stays in zip(words, _may_stay(words, known), strict=True) if stays]
        if len(kept) == len(words):
            return tuple(kept)
        words = kept


_cached_words = lru_cache(maxsize=1000)(_kept_words)  # every file of a series has the same descriptions


def _words(text: str, dates: frozenset[str]) -> list[str]:
    """All words of a text; a date is one word that goes, and a list of multiples is one that may stay."""
    words: list[str] = []
    end = 0
    for found in _LIST.finditer(text):
        if _is_multiples(found[0].split(), dates):
            words += [*_WORD.findall(_DATE_LIKE.sub(_DATE, text[end : found.start()])), found[0]]
            end = found.end()
    return [*words, *_WORD.findall(_DATE_LIKE.sub(_DATE, text[end:]))]


def _is_multiples(group: list[str], dates: frozenset[str]) -> bool:
    """Whether numbers are four or more multiples of one in a row (5 10 15 20), and none of them a date.

    Hardly any id or telephone number is such a list: 269 of all numbers of eight digits, in pairs.
    """
    first, step = int(group[0]), int(group[1]) - int(group[0])
    if step <= 0 or first % step or any(len(one) > 1 and one[0] == "0" for one in group):
        return False
    if list(map(int, group)) != list(range(first, first + step * len(group), step)):
        return False
    padded = [one.zfill(2) for one in group]
    return not any("".join(padded[at : at + 3]) in dates for at in range(len(padded) - 2))


def _may_stay(words: list[str], known: _Known) -> list[bool]:
    plain = [folded(word) for word in words]
    stays = [
        (is_descriptor_word(word) or is_phrase(plain, index) or " " in word)
        and not (len(word) == 2 and _is_short_name(word, known))
        for index, word in enumerate(plain)
    ]
    numbers = [index for index, word in enumerate(plain) if _NUMBER.fullmatch(word)]
    if not numbers:
        return stays
    refused = _numbers_together(plain, stays, numbers)
    refused |= {
        index for index in numbers if _is_age(plain, index, known.age) or _is_day(plain, stays, index)
    }
    return [word_stays and index not in refused for index, word_stays in enumerate(stays)]


def _is_short_name(word: str, known: _Known) -> bool:
    return bool(known.short_names) and spellings(word)[0] in known.short_names


def _numbers_together(plain: list[str], known: list[bool], numbers: list[int]) -> set[int]:
    """The numbers that have too many digits with those beside them; words that go are not between them."""
    refused: set[int] = set()
    group: list[int] = []
    for index, word in enumerate([*plain, ""]):
        if index in numbers and not _is_measured(plain, index):
            group.append(index)
        elif index == len(plain) or known[index]:
            if group and not _is_known_group([plain[one] for one in group], plain[max(group[0] - 1, 0)]):
                refused.update(group)
            group = []
        elif _LONG.search(word) and not _B_WORD.fullmatch(word):
            group.append(index)
    return refused


def _is_measured(plain: list[str], index: int) -> bool:
    """Whether a unit follows a short number."""
    is_short = _LONG.search(plain[index]) is None
    return is_short and index + 1 < len(plain) and plain[index + 1] in _UNITS


def _is_known_group(group: list[str], before: str) -> bool:
    if len(group) == 1 and " " in group[0]:
        return True  # a list of multiples
    digits = sum(map(str.isdigit, "".join(group)))
    if digits <= _MOST_DIGITS:
        return not any(map(_LONG.search, group))
    if _B_WORD.fullmatch(before) and _B_VALUES.issuperset(group):
        return True
    if len(group) == 2 and len(set(group)) == 1 and group[0] in _MATRIX:
        return True
    return len(group) <= 2 and all("." in one or "," in one for one in group)


def _is_age(plain: list[str], index: int, known_age: int | None) -> bool:
    """Whether a number is the patient's age over 89, or has a word of age or sex beside it."""
    numbers = [re.split("[.,]", one)[0] for one in plain[index].split()]
    ages = {int(one) for one in numbers if len(one) <= 3} & _AGES
    if not ages:
        return False
    after, before = plain[index + 1 : index + 2], plain[max(index - 1, 0) : index]
    return (
        known_age in ages
        or not _AFTER_AGE.isdisjoint(after)
        or not _BEFORE_AGE.isdisjoint(plain[max(index - 2, 0) : index])
        or not _SEX.isdisjoint([*before, *after])
    )


def _is_day(plain: list[str], known: list[bool], index: int) -> bool:
    """Whether the name of a month is before or after a number and those beside it."""
    for step in (-1, 1):
        beside = index + step
        while 0 <= beside < len(plain) and _NUMBER.fullmatch(plain[beside]):
            beside += step
        if 0 <= beside < len(plain) and not known[beside] and _MONTH.fullmatch(plain[beside]):
            return True
    return False
