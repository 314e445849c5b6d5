"""Words that may stay in descriptions and code meanings (PS3.15 E.3.5, Clean Descriptors).

An allow-list of words of radiology and of the standard, numbers, and values with units. It has no
names of people or places, no months or weekdays, and no initials except c, l, r, t and x. It
judges single words. The caller must check that adjacent numbers are not a date and that a word is
not a name of the patient.
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


def is_descriptor_word(word: str) -> bool:
    """Whether a word, in upper or lower case, may stay; never one with 4 or more digits in a row."""
    folded = unicodedata.normalize("NFC", word.casefold())
    if _LONG_NUMBER.search(folded):
        return False
    return folded in _words() or (folded.isascii() and _FORMS.fullmatch(folded) is not None)


@cache
def _words() -> frozenset[str]:
    path = files("deidentification.header") / "data" / "descriptor_words.txt"
    return frozenset(path.read_text("utf-8").split())
