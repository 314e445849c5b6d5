"""Rules for cleaning one value, chosen by VR and keyword.

A rule takes a value as pydicom decodes it. It returns the value that may leave `raw` and the
outcome for the report (kept, shifted, replaced or cleaned), or None if no value may leave.
"""

import math
import re
from collections.abc import Callable
from datetime import date as Day  # noqa: N812 one rule has the name date
from datetime import datetime
from typing import Any

from pydicom.datadict import dictionary_has_tag
from pydicom.multival import MultiValue

from deidentification.header import terms
from deidentification.header.codes import is_standard_code
from deidentification.header.descriptions import kept_words, may_stay
from deidentification.identity import Identity
from deidentification.letters_in_numbers import are_letters, bytes_of, has_letters
from deidentification.pseudonym import Pseudonyms
from imaging.dataset.number_text import has_decimal_comma

Cleaned = tuple[Any, str] | None  # value and outcome
Rule = Callable[[Any], Cleaned]

_AGE = re.compile(r"(\d{3})([DWMY])", re.ASCII)
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
# Control characters, and halves of UTF-16 pairs.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_TERM_WORD = re.compile(r"[^\W_]+")
_SHORT_NUMBER = re.compile(r"\d{1,3}")
_MOST_DIGITS = 4  # of the numbers in a maker, model or kernel
_FEWEST_JOINED, _MOST_JOINED = 8, 20  # digits of several whole numbers that are compared as one
_NUMBER_TEXT = re.compile(r"[\s\d.eE+-]*", re.ASCII)
_ORIENTATION = re.compile(r"[APRLHF]{1,3}")
_TEXT, _SEVERAL, _DATA = (str, bytes), (MultiValue, list), (bytes, int)
_FIRST_YEAR = 1800  # shifted by forty years it still has four digits
_DICOM_ROOT = "1.2.840.10008"
_DICOM_UID = re.compile(r"1\.2\.840\.10008(\.\d{1,5}){1,12}", re.ASCII)
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?", re.ASCII)
_TYPES_OF_VALUES = frozenset(["RescaleType", "ModalityLUTType"])
_UNSPECIFIED = "US"
# The position of a value has a meaning, so an unknown value is replaced, not removed.
_POSITIONAL = frozenset(["ImageType", "FrameType"])
_MAKE = frozenset(["Manufacturer"])
_MODEL = frozenset(["ManufacturerModelName", "SecondaryCaptureDeviceManufacturerModelName"])
_KERNEL = frozenset(["ConvolutionKernel", "FilterType", "ReconstructionMethod"])
# Useful text attributes outside table E.1-1; they are cleaned like descriptions.
DESCRIPTIVE_KEYWORDS = frozenset(
    """CodeMeaning SegmentLabel SequenceName PulseSequenceName ReceiveCoilName TransmitCoilName AngioFlag
    ImageTypeText FrameTypeText Grid ScatterCorrectionMethod AttenuationCorrectionMethod
    RandomsCorrectionMethod DecayCorrectionText RadiopharmaceuticalText FilterMaterialText
    QuantityDefinitionText MappingExplanation""".split()
)


class ValueRules:
    """The rules for one file, with the pseudonyms, the date shift and the identity of its patient."""

    def __init__(
        self, pseudonyms: Pseudonyms, *, patient: str, identity: Identity, retain_times: bool
    ) -> None:
        self._pseudonyms = pseudonyms
        self._patient = patient
        self._identity = identity
        self._retain_times = retain_times
        self.by_vr: dict[str, Rule] = {
            "DA": self.date,
            "DT": self.date_time,
            "TM": self.time,
            "AS": self.age,
        }

    def number(self, value: Any) -> Cleaned:
        """A finite number, binary or as text, that spells no number or date of the patient or the file."""
        if has_decimal_comma(value):
            cleaned = self.number(value.strip().replace(",", "."))
            return None if cleaned is None else (cleaned[0], "cleaned")
        try:
            is_finite = math.isfinite(float(value))
        except (TypeError, ValueError, OverflowError):
            return None
        text = str(value)
        if not is_finite or _NUMBER_TEXT.fullmatch(text) is None:
            return None
        return None if self._identity.found_in_number(float(value), text) else (value, "kept")

    def table(self, value: Any) -> Cleaned:
        """The data of a look-up table with a binary VR, without a word or id of the patient."""
        is_of_patient = isinstance(value, bytes) and self._identity.bytes_in(value)
        return (value, "kept") if isinstance(value, _DATA) and not is_of_patient else None

    def spell_nothing(self, values: list[Any], vr: str) -> bool:
        """Whether the bytes of binary numbers are no text, and have no word of the patient."""
        data = bytes_of(values, vr)
        is_text = has_letters(data) and (are_letters(data, len(values)) or self._identity.bytes_in(data))
        return not is_text

    def tag(self, value: Any) -> Cleaned:
        """A tag that the data dictionary knows; the bytes of other tags may be letters."""
        return (value, "kept") if isinstance(value, int) and dictionary_has_tag(value) else None

    def uid(self, value: Any) -> Cleaned:
        """A pseudonym for an instance UID; UIDs that DICOM defines stay."""
        text = str(value)
        if not text or is_malformed_dicom_uid(text):
            return None
        replaced = self._pseudonyms.uid(text)
        return replaced, "kept" if replaced == text else "replaced"

    def date(self, value: Any) -> Cleaned:
        """A complete date, shifted; other forms are removed."""
        day = self._shifted(str(value))
        return (day, "shifted") if day else None

    def date_time(self, value: Any) -> Cleaned:
        """A date and time, its date shifted; the time stays if times are retained, the zone never."""
        text = str(value).strip()
        day = self._shifted(text[:8])
        if day is None:
            return None
        time = text[8:].partition("+")[0].partition("-")[0]
        may_stay = self._retain_times and _TIME.fullmatch(time)
        return f"{day}{time if may_stay else ''}", "shifted"

    def time(self, value: Any) -> Cleaned:
        """A time of day, if times are retained, as radioactive decay is computed from them."""
        text = str(value).strip()
        return (text, "kept") if self._retain_times and _TIME.fullmatch(text) else None

    def age(self, value: Any) -> Cleaned:
        """An age; every age over 89 becomes 90."""
        years = age_years(str(value))
        if years is None:
            return None
        return ("090Y", "cleaned") if years > 89 else (str(value).strip(), "kept")

    def term(self, keyword: str) -> Rule:
        """The rule for a coded string: it is in its closed list, or consists of standard words."""
        if keyword == "PatientOrientation":
            return lambda value: _if_matching(str(value).strip(), _ORIENTATION)
        if keyword in _POSITIONAL:
            return lambda value: (
                (str(value).strip(), "kept")
                if self._consists_of_terms(str(value).strip())
                else ("OTHER", "cleaned")
            )
        closed = terms.TERMS.get(keyword)

        def rule(value: Any) -> Cleaned:
            text = str(value).strip()
            if closed is not None and text.upper() not in closed:
                # Without a type, values of a CT would be Hounsfield units (PS3.3 C.11.1.1.2).
                return (_UNSPECIFIED, "cleaned") if keyword in _TYPES_OF_VALUES and text else None
            if closed is not None:
                return text, "kept"
            return (text, "kept") if self._consists_of_terms(text) else None

        return rule

    def _consists_of_terms(self, text: str) -> bool:
        if text.upper() in terms.GENERAL or not text:
            return True
        if len(text) > 16 or not text.isascii() or self._identity.found_in(text):
            return False
        words = _TERM_WORD.findall(text)
        allowed = may_stay(words, self._identity)
        return all(stays or word.upper() in terms.GENERAL for word, stays in zip(words, allowed, strict=True))

    def name(self, keyword: str) -> Rule | None:
        """The rule for a maker, model or kernel: words of their lists and numbers of up to three digits."""
        if keyword in terms.TERMS:
            return self.term(keyword)
        if keyword in _MAKE:
            return self._listed(terms.MAKERS)
        if keyword in _MODEL:
            return self._listed(terms.MAKERS | terms.MODELS)
        return self._kernel if keyword in _KERNEL else None

    def _listed(self, words: frozenset[str]) -> Rule:
        def rule(value: Any) -> Cleaned:
            text = str(value).strip()
            tokens = [token.lower() for token in re.findall(r"[\w-]+", text)]
            is_listed = all(token in words or _SHORT_NUMBER.fullmatch(token) for token in tokens)
            return self._ascii(text) if tokens and is_listed and _have_few_digits(tokens) else None

        return rule

    def _kernel(self, value: Any) -> Cleaned:
        text = str(value).strip()
        words = _TERM_WORD.findall(text)
        is_known = terms.KERNEL.fullmatch(text) or (
            all(word.lower() in terms.KERNELS or _SHORT_NUMBER.fullmatch(word) for word in words)
            and _have_few_digits(words)
        )
        return self._ascii(text) if is_known and text else None

    def _ascii(self, text: str) -> Cleaned:
        """The text, if it is ASCII, as badly decoded text is not, and has no word or age of the patient."""
        is_of_patient = self._identity.found_in(text) or self._identity.age_in(text)
        return (text, "kept") if text.isascii() and not is_of_patient else None

    def description(self, value: Any) -> Cleaned:
        """The words of radiology in a description, in order; None if a word of the identity is in it."""
        text = str(value)
        if self._identity.found_in(text) or self._identity.spread_in(text):
            return None
        kept = " ".join(kept_words(text, self._identity))
        return (kept[:64], "kept" if kept == text.strip() else "cleaned") if kept else None

    def may_stay_together(self, values: list[Any]) -> bool:
        """Whether several values have no number or word of the patient of which each has a part."""
        text = " ".join(map(str, values))
        if all(isinstance(value, int) for value in values):
            joined = text.replace(" ", "")
            is_long = _FEWEST_JOINED <= len(joined) <= _MOST_JOINED and joined.isdigit()
            return not is_long or self._identity.found_in_number(int(joined), joined) is None
        return self._identity.found_in(text) is None and _have_few_digits(_TERM_WORD.findall(text))

    def is_code(self, value: str, scheme: str) -> bool:
        """Whether a code value is one of a standard scheme, and no number or date of the patient or file."""
        is_of_patient = self._identity.found_in(value) or self._identity.date_in(value)
        return not is_of_patient and is_standard_code(value, scheme)

    def _shifted(self, text: str) -> str | None:
        """A shifted DA value; None if it is not a complete date, or one before images were made."""
        day = parse_date(text)
        if day is None or day.year < _FIRST_YEAR:
            return None
        return f"{self._pseudonyms.shifted(day, self._patient):%Y%m%d}"


def apply_to_each(value: Any, rule: Rule) -> Cleaned:
    """Apply a rule to a value, or to each of several; if one is refused, all are."""
    if value is None or (isinstance(value, _TEXT) and not value):
        return None
    if not isinstance(value, _SEVERAL):
        return _apply(value, rule)
    results = [_apply(one, rule) for one in value]
    cleaned = [result for result in results if result is not None]
    if not cleaned or len(cleaned) < len(results):
        return None
    outcomes = {outcome for _, outcome in cleaned}
    outcome = outcomes.pop() if len(outcomes) == 1 else "cleaned"
    if all(new is one for (new, _), one in zip(cleaned, value, strict=True)):
        return value, outcome  # the same object, which need not be converted again
    return [new for new, _ in cleaned], outcome


def _apply(value: Any, rule: Rule) -> Cleaned:
    """Apply a rule to one value, to a text without its control characters."""
    if not isinstance(value, str) or value.isprintable():
        return rule(value)
    cleaned = rule(printable(value))
    return None if cleaned is None else (cleaned[0], "cleaned" if cleaned[1] == "kept" else cleaned[1])


def printable(text: str) -> str:
    """A text up to its first NUL, which ends it in C, and without other characters that no column stores.

    NUL characters before the text are padding. Other control characters become spaces (PS3.5 6.1.3).
    """
    text = text.lstrip("\0").partition("\0")[0]
    return _CONTROL.sub(" ", text)


def is_malformed_dicom_uid(text: str) -> bool:
    """Whether a UID has DICOM's root but not the form of a UID in PS3.6 annex A."""
    return text.startswith(_DICOM_ROOT) and not _DICOM_UID.fullmatch(text)


def parse_date(text: str) -> Day | None:
    """The date of a DA value (PS3.5 table 6.2-1); None if it is not a complete date."""
    text = text.strip()
    if len(text) != 8 or not text.isascii() or not text.isdigit():
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None


def age_years(text: str) -> float | None:
    """The years of an AS value (PS3.5 table 6.2-1), 90 if over 89; None if it is not one."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        return None
    years = int(found[1]) * _YEARS[found[2]]
    return 90.0 if years > 89 else round(years, 2)


def _have_few_digits(words: list[str]) -> bool:
    """Whether the numbers among the words have too few digits for an id, also together."""
    return sum(len(word) for word in words if word.isdigit()) <= _MOST_DIGITS


def _if_matching(text: str, form: re.Pattern[str]) -> Cleaned:
    return (text, "kept") if form.fullmatch(text) else None
