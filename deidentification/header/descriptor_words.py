"""Words that may stay in descriptions and code meanings (PS3.15 E.3.5, Clean Descriptors).

An allow-list of words of radiology and of the standard, numbers, and values with units. It has no
names of people or places, no months or weekdays, and no initials except c, l, r, t and x. Words
that are also common surnames, such as white and long, are only in the list of phrases. Numbers
beside one another and names of the patient are judged by `descriptions`.
"""

import re
import unicodedata
from functools import cache
from importlib.resources import files

_LONG_NUMBER = re.compile(r"\d{4}")
_FORMS = re.compile(
    r"""
    \d{1,3}                                                          # 5
    | \d{1,3}([.,]\d{1,3})?(mm|cm|ms|s|sec|min|kv|kvp|kev|mev|ma|mas|t|mt|hz|mhz|ml|cc|gy|mgy|mbq|mci|ch)
                                                                     # 3mm, 0.625mm, 120kv, 1.5t
    | \d{1,2}[.,]\d                                                  # 1.5
    | 0[.,]\d{2,3}                                                   # 0.75
    | \d{1,3}x\d{1,3}(x\d{1,3})?(mm)?                                # 3x3, 256x256, 1x1x1mm
    | [tr][12](star|rho)?w?                                          # t1, t2w, t2star, r2
    | [bhiu]\d{2}[fhms]                                              # kernels: b30f, h31s
    | (b[lrv]|h[crv]|qr|sa)\d{2}[dfus]?                              # br40, bl57d, hr38
    | [clrtx]                                                        # sides, sections of the spine, x-ray
    """,
    re.VERBOSE,
)


def folded(word: str) -> str:
    """A word as it is spelled in the lists."""
    return word.lower() if word.isascii() else unicodedata.normalize("NFC", word.casefold())


def is_descriptor_word(word: str) -> bool:
    """Whether a word, in upper or lower case, may stay alone; never one with 4 or more digits in a row."""
    plain = folded(word)
    if plain in _words():
        return _LONG_NUMBER.search(plain) is None
    is_form = plain.isascii() and _FORMS.fullmatch(plain) is not None
    return is_form and _LONG_NUMBER.search(plain) is None


def is_phrase(words: list[str], index: int) -> bool:
    """Whether a folded word and one beside it are a phrase of radiology, such as white matter."""
    neighbours = _phrases().get(words[index])
    if neighbours is None:
        return False
    before, after = neighbours
    return (index > 0 and words[index - 1] in before) or (
        index + 1 < len(words) and words[index + 1] in after
    )


@cache
def _words() -> frozenset[str]:
    return frozenset(_data("descriptor_words").split())


@cache
def _phrases() -> dict[str, tuple[frozenset[str], frozenset[str]]]:
    """The words that stay in phrases only, each with the words that may be before and after it."""
    phrases = [line.split() for line in _data("descriptor_phrases").splitlines()]
    surnames = {word for phrase in phrases for word in phrase} - _words()
    return {
        surname: (
            frozenset(first for first, second in phrases if second == surname),
            frozenset(second for first, second in phrases if first == surname),
        )
        for surname in surnames
    }


def _data(name: str) -> str:
    return (files("deidentification.header") / "data" / f"{name}.txt").read_text("utf-8")
