"""Write the words and phrases that may stay in descriptions, to deidentification/header/data.

The words come from pydicom (MIT), namely code meanings of its concept dictionaries, names of the data
dictionary and names of SOP classes, and from descriptor_words/radiology.txt and with_digits.txt. Names of
people, places, months and weekdays are removed, except those of kept.txt, which radiology needs. Words are
case-folded (the German sharp s becomes ss) and composed (NFC).

A word that is also a common surname stays only in a phrase of two words, which pydicom's texts or phrases.txt
have; alone.txt has the exceptions: body parts and abbreviations that stand alone in descriptions. Common are
the surnames of one person in 50,000 or more. census_surnames.txt has the 7,500 of the United States census of
1990 (public domain), taken from dist.all.last of the package names 0.3.0 (MIT): all with a share of 0.002 %.

The files depend only on this script, the folder descriptor_words and the locked version of pydicom::

    .venv/bin/python scripts/make_descriptor_words.py
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path

from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary
from pydicom._uid_dict import UID_dictionary
from pydicom.sr._cid_dict import name_for_cid
from pydicom.sr._concepts_dict import concepts

DATA = Path(__file__).resolve().parents[1] / "deidentification/header/data"
SOURCES = Path(__file__).with_name("descriptor_words")

NAMING_CONTEXTS = re.compile(
    "Breed|Taxonomic|SourceRegistry|Eponymous|Equation|Authority|Formula|Framingham|Stain$|ElectrodePlacement"
)
"""Context groups (PS3.16 CIDs) whose meanings mostly contain names of breeds, places and authors."""


def _source(name: str) -> str:
    return (SOURCES / f"{name}.txt").read_text(encoding="utf-8")


RADIOLOGY = _source("radiology")
"""Words as they are written in descriptions, in five languages."""
WITH_DIGITS = _source("with_digits")
"""Words of radiology that contain digits."""
SPINE = {"c": 7, "t": 12, "th": 12, "d": 12, "l": 5, "s": 5, "hwk": 7, "bwk": 12, "lwk": 5}
"""Number of vertebrae by the letters that name their part of the spine."""
GIVEN_NAMES, SURNAMES = _source("given_names"), _source("surnames")
EPONYMS, PLACES, CALENDAR = _source("eponyms"), _source("places"), _source("calendar")
KEPT = _source("kept")
"""Names that radiology needs as words: sizes, colours of matter and blood, body parts, projections."""
CENSUS_SURNAMES, ALONE, PHRASES = _source("census_surnames"), _source("alone"), _source("phrases")
WEAK = frozenset(
    """of the and in to with by for from or at as on an is per not no de la le non too very more other using
    used than does has needs""".split()
)
"""Words that make no phrase with the word beside them."""
SIDES = frozenset("clrtx")
"""Letters that are words of radiology."""


def main() -> None:
    """Write the words, one per line, and the phrases."""
    _write("descriptor_words", words())
    _write("descriptor_phrases", phrases())


def _write(name: str, lines: frozenset[str]) -> None:
    (DATA / f"{name}.txt").write_text("".join(f"{line}\n" for line in sorted(lines)), encoding="utf-8")


def words() -> frozenset[str]:
    """Return all words that may stay alone."""
    return vocabulary() - surnames()


def surnames() -> frozenset[str]:
    """Return the words of radiology that are also common surnames, and stay only in phrases."""
    return frozenset((vocabulary() & set(CENSUS_SURNAMES.split())) - set(ALONE.split()))


def phrases() -> frozenset[str]:
    """Return the phrases of two words in which surnames may stay."""
    may_be_beside, in_phrases = vocabulary() - WEAK | SIDES, surnames()
    pairs = {
        pair
        for text in pydicom_texts()
        for pair in pairwise(words_of(text))
        if may_be_beside.issuperset(pair)
    }
    listed = {tuple(phrase.split()) for phrase in PHRASES.replace("\n", " ").split(",")}
    return frozenset(" ".join(pair) for pair in pairs | listed if in_phrases.intersection(pair))


@cache
def vocabulary() -> frozenset[str]:
    """Return the words of radiology and of the standard without names."""
    from_pydicom = {word for text in pydicom_texts() for word in words_of(text) if word.isalpha()}
    from_lists = spelled(RADIOLOGY) | spelled(WITH_DIGITS) | vertebrae()
    return frozenset(word for word in (from_pydicom | from_lists) - names() if len(word) > 1)


def names() -> frozenset[str]:
    """Return names of people, places, months and weekdays without those that radiology needs."""
    texts = (GIVEN_NAMES, SURNAMES, EPONYMS, PLACES, CALENDAR)
    return frozenset(name for text in texts for name in spelled(text)) - spelled(KEPT)


def pydicom_texts() -> Iterator[str]:
    """Yield pydicom's code meanings and its names of data elements and SOP classes."""
    schemes: dict[str, dict[str, dict[str, tuple[str, list[int]]]]] = concepts  # type: ignore[assignment]
    for scheme, by_keyword in schemes.items():
        for by_code in by_keyword.values():
            for meaning, contexts in by_code.values():
                if is_useful(scheme, contexts):
                    yield meaning
    for entries in (DicomDictionary, RepeatersDictionary):
        yield from (entry[2] for entry in entries.values())
    yield from (uid[0] for uid in UID_dictionary.values() if uid[1] == "SOP Class")


def is_useful(scheme: str, contexts: list[int]) -> bool:
    """Whether a code is in a context group without names; SNOMED codes without a group are breeds."""
    if not contexts:
        return scheme != "SCT"
    return any(not NAMING_CONTEXTS.search(name_for_cid[context]) for context in contexts)


def words_of(text: str) -> list[str]:
    """Return the runs of letters and digits in a text, spelled as in the file."""
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text.casefold()))


def spelled(text: str) -> set[str]:
    """Return the words of a text; words with umlauts or accents also without them."""
    spellings: set[str] = set()
    for word in words_of(text):
        expanded = word.translate({ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue"})
        spellings |= {word, without_marks(word), without_marks(expanded)}
    return spellings


def without_marks(word: str) -> str:
    """Return a word without diacritical marks."""
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def vertebrae() -> set[str]:
    """Return C1 to C7, T1 (Th1, D1) to T12, L1 to L5, S1 to S5 and the German names."""
    return {f"{part}{number}" for part, last in SPINE.items() for number in range(1, last + 1)}


if __name__ == "__main__":
    main()
