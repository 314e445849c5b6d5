"""The words, numbers and dates that identify the patient of one file, and the search for them in values."""

import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

from deidentification.day_numbers import counted_days, unix_days, unpadded_spellings
from deidentification.identity_part import (
    DATE_VRS,
    IDENTIFYING_TAGS,
    IdentityPart,
    age_in_years,
    identity_part,
)
from deidentification.letters_in_numbers import letters_in
from deidentification.normal_form import (
    Squeezed,
    digits_of,
    searchable_words,
    spellings,
    values_of,
    words_of,
)
from imaging.dataset.element_value import element, known_vr

__all__ = ["Identity", "identity_of", "searchable_words"]

_BIRTH_DATE, _AGE, _STUDY_DATE = Tag("PatientBirthDate"), Tag("PatientAge"), Tag("StudyDate")
_NAMES_AND_DATES = DATE_VRS | {"PN", "TM"}
_DIGIT = re.compile(r"\d")
_NUMBER = re.compile(r"\d+")
_DATE_DIGITS = re.compile(r"\d{6,}")
_OLDEST_KEPT_AGE = 89
_EXACT_IN_FLOAT = 1 << 24
_LONG = 7  # digits of an id whose parts are searched too
_FEWEST_OF_ID = 5  # of its digits without the zeros around them
_FEWEST_LETTERS = 4  # of a word that is searched in the bytes of numbers; one more in tables
_FEW_BYTES = 64
_MOST_ROUNDED = 1e20  # ids in numbers have at most as many digits
_FIRST = 4  # digits by which numbers are grouped
_FEWEST_COUNTED, _MOST_COUNTED = 1800, 1e8  # a year, and a count of minutes


@dataclass(frozen=True)
class Identity:
    """What identifies the patient of one file, in normal form, each with the keyword of its attribute.

    Words and numbers are compared one by one, so their order does not matter. Values are decoded
    first, so their character set does not matter.
    """

    sources: Mapping[str, str] = field(default_factory=dict)  # by word or number
    compounds: Mapping[str, str] = field(default_factory=dict)  # by id or date joined from groups
    dates: Mapping[str, str] = field(default_factory=dict)  # by spelling, of all dates of the file
    days: Mapping[int, str] = field(default_factory=dict)  # by days since 1970
    times: Mapping[int, str] = field(default_factory=dict)  # by hour, minute and second, as a number
    short_names: frozenset[str] = frozenset()  # names of the patient with two letters
    age: int | None = None  # in years, if it is over 89

    @property
    def words(self) -> frozenset[str]:
        """All words and numbers."""
        return frozenset(self.sources)

    def found_in(self, text: str) -> str | None:
        """The keyword of an identifying attribute with a word or number that the text has too, or None."""
        for spelled in spellings(text):
            found = self._word_in(spelled)
            if found is not None:
                return found
            if self.compounds and _DIGIT.search(spelled):
                compound = Squeezed(spelled).first_of(self.compounds)
                if compound is not None:
                    return self.compounds[compound]
        return None

    def word_in(self, text: str) -> str | None:
        """The same for single words and numbers, without ids that are in several groups."""
        return next(filter(None, map(self._word_in, spellings(text))), None)

    def _word_in(self, spelled: str) -> str | None:
        return next((self.sources[word] for word in words_of(spelled) if word in self.sources), None)

    def short_word_in(self, text: str) -> str | None:
        """The keyword of the name or age if a description has a name of two letters or an age over 89."""
        if not self.short_names and self.age is None:
            return None
        words = {word for spelled in spellings(text) for word in spelled.split()}
        if not self.short_names.isdisjoint(words):
            return "PatientName"
        return "PatientAge" if str(self.age) in words else None

    def spread_in(self, text: str) -> str | None:
        """The keyword of an id whose digits are in a text in order, with any words between them."""
        digits = "".join(map("".join, map(_DIGIT.findall, spellings(text)[:1])))
        if len(digits) < _LONG:
            return None
        return next((name for id_, name in self._long_ids.items() if id_ in digits), None)

    def age_in(self, text: str) -> str | None:
        """The keyword of the age if a text has it as a number, and it is over 89."""
        return "PatientAge" if self.age is not None and str(self.age) in _NUMBER.findall(text) else None

    def bytes_in(self, data: bytes) -> str | None:
        """The keyword of a word or id that the bytes of binary numbers spell, in either order of bytes."""
        fewest = _FEWEST_LETTERS if len(data) <= _FEW_BYTES else _FEWEST_LETTERS + 1
        for run in letters_in(data, fewest):
            for word, keyword in self._spelled_words.items():
                if len(word) >= fewest and word in run:
                    return keyword
        return None

    @cached_property
    def _spelled_words(self) -> dict[str, str]:
        return {word: name for word, name in {**self.compounds, **self.sources}.items() if word.isascii()}

    def date_in(self, text: str) -> str | None:
        """The keyword of a date of the file that is written in the text with all its digits, or None."""
        return next(filter(None, map(self._date, _DATE_DIGITS.findall(text))), None)

    def found_in_number(self, number: float, text: str) -> str | None:
        """The keyword of an identifying attribute or date of which the number is a spelling, or None."""
        size = abs(number)
        if size < 10_000 and len(text) < 6:
            return None
        for digits in digits_of(size, text):
            found = self._numbers.get(digits) or (self._date(digits) if len(digits) > 8 else None)
            found = found or self._part_of_id(digits)
            if found is not None:
                return found
        found = self._day(size) or self.times.get(int(size))
        if found is not None:
            return found
        rounded = self._rounded(size) if isinstance(number, float) else None
        return rounded or (self._time(number) if size >= _EXACT_IN_FLOAT else None)

    @cached_property
    def _numbers(self) -> dict[str, str]:
        """All that a number may spell, without longer dates."""
        unpadded = {digits: name for day, name in self.days.items() for digits in unpadded_spellings(day)}
        return {**unpadded, **self.dates, **self.compounds, **self.sources}

    @cached_property
    def _long_ids(self) -> dict[str, str]:
        ids = {**self.compounds, **self.sources}
        return {digits: name for digits, name in ids.items() if digits.isdecimal() and len(digits) >= _LONG}

    def _part_of_id(self, digits: str) -> str | None:
        """An id with more digits around it, such as a check digit, with fewer, or written backwards."""
        if len(digits) < _LONG or len(digits.strip("0")) < _FEWEST_OF_ID:
            return None
        for id_, name in self._long_ids.items():
            if id_ in digits or digits in id_ or id_ == digits[::-1]:
                return name
        return None

    def _day(self, size: float) -> str | None:
        """A date of the file as a count of days, hours or minutes, or as a year with its day or week."""
        if not self.days or not _FEWEST_COUNTED <= size < _MOST_COUNTED:
            return None
        return next(filter(None, map(self.days.get, counted_days(size))), None)

    def _date(self, digits: str) -> str | None:
        """A date of 6 or 8 digits, alone or with a time or counter after it."""
        size = len(digits)
        if size in {6, 8}:
            return self.dates.get(digits)
        if size > 8 and digits[:8] in self.dates:
            return self.dates[digits[:8]]
        return self.dates.get(digits[:6]) if size in {10, 12} else None

    def _time(self, number: float) -> str | None:
        """A time of day of a date; birth dates only as a midnight of some time zone."""
        for day in unix_days(number):
            keyword = self.days.get(day)
            if keyword is not None and (keyword != "PatientBirthDate" or number % 900 == 0):
                return keyword
        return None

    def _rounded(self, number: float) -> str | None:
        """A number of more than 7 digits, also with a decimal point, may have been rounded to 32 bits."""
        if not 1 <= number < _MOST_ROUNDED:
            return None
        written = str(number).replace(".", "")
        near = self._by_first_digits.get(written[:_FIRST])
        if near is None or len(written.strip("0")) < _FEWEST_OF_ID or _float32(number) != number:
            return None
        before_point = len(str(int(number)))
        for digits, keyword in near:
            scale: int = 10 ** max(len(digits) - before_point, 0)
            is_long = number >= _EXACT_IN_FLOAT or (scale > 1 and len(digits) >= _LONG + 1)
            if is_long and _float32(int(digits) / scale) == number:
                return keyword
        return None

    @cached_property
    def _by_first_digits(self) -> dict[str, list[tuple[str, str]]]:
        """The numbers of the identity by their first digits, which rounding may leave one lower or higher."""
        found: dict[str, list[tuple[str, str]]] = {}
        for digits, keyword in self._numbers.items():
            if digits.isdecimal() and _LONG <= len(digits) < 20:
                first = int(digits[:_FIRST])
                for near in {first - 1, first, first + 1}:
                    found.setdefault(str(near), []).append((digits, keyword))
        return found


def identity_of(ds: Dataset) -> Identity:
    """The identity in a data set: its identifying attributes and all person names, nested and private too."""
    parts = list(map(_part_of, _identifying_elements(ds)))
    sources: dict[str, str] = {}
    compounds: dict[str, str] = {}
    dates: dict[str, str] = {}
    days: dict[int, str] = {}
    times: dict[int, str] = {}
    for part in reversed(parts):  # of equal words that of the first attribute stays
        sources.update(part.sources)
        compounds.update(part.compounds)
        dates.update(part.dates)
        days.update(part.days)
        times.update(part.times)
    short_names = frozenset[str]().union(*(part.short_names for part in parts))
    return Identity(sources, compounds, dates, days, times, short_names, _age_over_89(ds))


def _part_of(identifying: DataElement) -> IdentityPart:
    return identity_part(int(identifying.tag), identifying.VR, tuple(values_of(identifying.value)))


def _age_over_89(ds: Dataset) -> int | None:
    age = age_in_years(_text(ds, _AGE), born=_text(ds, _BIRTH_DATE), studied=_text(ds, _STUDY_DATE))
    return age if age is not None and age > _OLDEST_KEPT_AGE else None


def _text(ds: Dataset, tag: BaseTag) -> str:
    return str(element(ds, tag).value or "").strip() if tag in ds.keys() else ""  # noqa: SIM118 converts no tag


def _float32(number: float) -> float:
    unpacked: tuple[float] = struct.unpack("<f", struct.pack("<f", number))
    return unpacked[0]


def _identifying_elements(ds: Dataset) -> Iterator[DataElement]:
    """Identifying elements and dates at any depth; other elements are not decoded."""
    for tag, raw in list(ds.items()):
        role = _role(int(tag), raw.VR)
        if role == "unknown":
            # pydicom looks the VR up in the dictionaries of the standard and of vendors
            role = _role(int(tag), ds[tag].VR)
        if role == "sequence":
            if isinstance(ds[tag].value, Sequence):
                for item in ds[tag].value:
                    yield from _identifying_elements(item)
        elif role == "identifying":
            yield element(ds, tag)


@lru_cache(maxsize=10_000)
def _role(tag: int, vr: str | None) -> Literal["sequence", "identifying", "unknown", "other"]:
    """What an element is for the identity, by its tag and the VR of the file."""
    known = known_vr(tag)
    used = vr or known
    if used == "SQ":
        return "sequence"
    if used in _NAMES_AND_DATES or known in _NAMES_AND_DATES or tag in IDENTIFYING_TAGS:
        return "identifying"
    return "unknown" if used == "UN" else "other"
