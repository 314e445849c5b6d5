"""What may remain of one value: a rule for each kind, by VR and keyword.

A rule takes the value as pydicom gives it and returns what may leave, or None. Its second result
is a word for the report: kept, shifted, replaced or cleaned.
"""

import math
import re
from collections.abc import Callable
from datetime import date as Day  # noqa: N812 a rule is called date
from datetime import datetime
from typing import Any

from pydicom.datadict import dictionary_has_tag
from pydicom.multival import MultiValue

from deidentification.header import terms
from deidentification.header.descriptor_words import is_descriptor_word
from deidentification.identity import Identity
from deidentification.pseudonym import Pseudonyms

Kept = tuple[Any, str] | None
Rule = Callable[[Any], Kept]

_AGE = re.compile(r"(\d{3})([DWMY])", re.ASCII)
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_TERM_WORD = re.compile(r"[^\W_]+")
_DATE_LIKE = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|(?<![\d.,])\d{1,4}(\W{1,3})\d{1,2}\1\d{1,4}(?![\d.,]*\d)"
)
_DESCRIPTOR_WORD = re.compile(r"\d[\d.,x]*\w*|\w+")
_SHORT_NUMBER = re.compile(r"\d{1,3}")
_ORIENTATION = re.compile(r"[APRLHF]{1,3}")
_TEXT, _SEVERAL, _DATA = (str, bytes), (MultiValue, list), (bytes, int)
_FIRST_YEAR = 1800  # shifted by ten years it has still four digits
_DICOM_ROOT = "1.2.840.10008"
_DICOM_UID = re.compile(r"1\.2\.840\.10008(\.\d{1,5}){1,12}", re.ASCII)
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?", re.ASCII)
# Each value has its place, which an unknown one must not leave empty.
_PLACED = frozenset(["ImageType", "FrameType"])
_MAKE = frozenset(["Manufacturer"])
_MODEL = frozenset(["ManufacturerModelName", "SecondaryCaptureDeviceManufacturerModelName"])
_KERNEL = frozenset(["ConvolutionKernel", "FilterType", "ReconstructionMethod"])
# Text that is not in table E.1-1, and made of the words of radiology where it is of use.
WORDED = frozenset(
    """CodeMeaning SegmentLabel SequenceName PulseSequenceName ReceiveCoilName TransmitCoilName AngioFlag
    ImageTypeText FrameTypeText Grid ScatterCorrectionMethod AttenuationCorrectionMethod
    RandomsCorrectionMethod DecayCorrectionText RadiopharmaceuticalText FilterMaterialText
    QuantityDefinitionText MappingExplanation""".split()
)


class ValueRules:
    """The rules for one file: its patient's shift and pseudonyms, its patient's words."""

    def __init__(
        self, pseudonyms: Pseudonyms, *, patient: str, identity: Identity, keeps_times: bool
    ) -> None:
        self._pseudonyms = pseudonyms
        self._patient = patient
        self._identity = identity
        self._keeps_times = keeps_times
        self.by_vr: dict[str, Rule] = {
            "DA": self.date,
            "DT": self.date_time,
            "TM": self.time,
            "AS": self.age,
        }

    def number(self, value: Any) -> Kept:
        """A finite number, of binary form or in text, that is no number of the patient's."""
        try:
            is_finite = math.isfinite(float(value))
        except (TypeError, ValueError, OverflowError):
            return None
        text = str(value)
        return (value, "kept") if is_finite and text.isascii() and not self._identity.found_in(text) else None

    def table(self, value: Any) -> Kept:
        """The data of a look-up table, of a binary VR."""
        return (value, "kept") if isinstance(value, _DATA) else None

    def tag(self, value: Any) -> Kept:
        """The tag of an attribute that the dictionary knows; others may be letters."""
        return (value, "kept") if isinstance(value, int) and dictionary_has_tag(value) else None

    def uid(self, value: Any) -> Kept:
        """A pseudonym in place of an instance's UID; DICOM's own stay."""
        text = str(value)
        if not text or is_odd_dicom_uid(text):
            return None
        replaced = self._pseudonyms.uid(text)
        return replaced, "kept" if replaced == text else "replaced"

    def date(self, value: Any) -> Kept:
        """A date, shifted; any other form than a whole date is dropped."""
        day = self._shifted(str(value))
        return (day, "shifted") if day else None

    def date_time(self, value: Any) -> Kept:
        """The date of a date and time, shifted; its time only where times are kept, its zone never."""
        text = str(value).strip()
        day = self._shifted(text[:8])
        if day is None:
            return None
        time = text[8:].partition("+")[0].partition("-")[0]
        keeps = self._keeps_times and _TIME.fullmatch(time)
        return f"{day}{time if keeps else ''}", "shifted"

    def time(self, value: Any) -> Kept:
        """A time of day, where the decay of a tracer needs it."""
        text = str(value).strip()
        return (text, "kept") if self._keeps_times and _TIME.fullmatch(text) else None

    def age(self, value: Any) -> Kept:
        """An age, 90 for everyone over 89."""
        years = age_years(str(value))
        if years is None:
            return None
        return ("090Y", "cleaned") if years > 89 else (str(value).strip(), "kept")

    def term(self, keyword: str) -> Rule:
        """A coded string out of its closed list, or of standard words."""
        if keyword == "PatientOrientation":
            return lambda value: _matched(str(value).strip(), _ORIENTATION)
        if keyword in _PLACED:
            return lambda value: (
                (str(value).strip(), "kept")
                if self._is_of_terms(str(value).strip())
                else ("OTHER", "cleaned")
            )
        closed = terms.TERMS.get(keyword)

        def rule(value: Any) -> Kept:
            text = str(value).strip()
            if closed is not None:
                return (text, "kept") if text.upper() in closed else None
            return (text, "kept") if self._is_of_terms(text) else None

        return rule

    def _is_of_terms(self, text: str) -> bool:
        if text.upper() in terms.GENERAL or not text:
            return True
        if len(text) > 16 or not text.isascii() or self._identity.found_in(text):
            return False
        return all(
            is_descriptor_word(word) or word.upper() in terms.GENERAL for word in _TERM_WORD.findall(text)
        )

    def name(self, keyword: str) -> Rule | None:
        """A maker, a model, a kernel: words of their lists and numbers of three digits."""
        if keyword in terms.TERMS:
            return self.term(keyword)
        if keyword in _MAKE:
            return self._listed(terms.MAKERS)
        if keyword in _MODEL:
            return self._listed(terms.MAKERS | terms.MODELS)
        return self._kernel if keyword in _KERNEL else None

    def _listed(self, words: frozenset[str]) -> Rule:
        def rule(value: Any) -> Kept:
            text = str(value).strip()
            tokens = [token.lower() for token in re.findall(r"[\w-]+", text)]
            is_listed = all(token in words or _SHORT_NUMBER.fullmatch(token) for token in tokens)
            return self._ascii(text) if tokens and is_listed else None

        return rule

    def _kernel(self, value: Any) -> Kept:
        text = str(value).strip()
        is_known = terms.KERNEL.fullmatch(text) or all(
            word.lower() in terms.KERNELS or _SHORT_NUMBER.fullmatch(word)
            for word in _TERM_WORD.findall(text)
        )
        return self._ascii(text) if is_known and text else None

    def _ascii(self, text: str) -> Kept:
        """A text without letters that could not be decoded, and without a word of the patient's."""
        return (text, "kept") if text.isascii() and not self._identity.found_in(text) else None

    def description(self, value: Any) -> Kept:
        """The words of radiology in a description, in their order; nothing if a name is in it."""
        text = str(value)
        if self._identity.found_in(text):
            return None
        words = _DESCRIPTOR_WORD.findall(_DATE_LIKE.sub(" ", text))
        kept = " ".join(word for word in words if is_descriptor_word(word))
        if not kept:
            return None
        return kept[:64], "kept" if kept == text.strip() else "cleaned"

    def _shifted(self, text: str) -> str | None:
        """A DA value, earlier; None if it is no whole date, or none of a picture's time."""
        day = parse_date(text)
        if day is None or day.year < _FIRST_YEAR:
            return None
        return f"{self._pseudonyms.shifted(day, self._patient):%Y%m%d}"


def each(value: Any, rule: Rule) -> Kept:
    """A rule applied to a value or to all of several; one refused value refuses them all."""
    if value is None or (isinstance(value, _TEXT) and not value):
        return None
    if not isinstance(value, _SEVERAL):
        return rule(value)
    kept = [rule(one) for one in value]
    if not kept or any(one is None for one in kept):
        return None
    told = [one for one in kept if one is not None]
    words = {word for _, word in told}
    word = words.pop() if len(words) == 1 else "cleaned"
    if all(new is one for (new, _), one in zip(told, value, strict=True)):
        return value, word  # the very same, which need not be converted again
    return [one for one, _ in told], word


def is_odd_dicom_uid(text: str) -> bool:
    """Whether a UID that begins as DICOM's own goes on as none of them does (PS3.6 annex A)."""
    return text.startswith(_DICOM_ROOT) and not _DICOM_UID.fullmatch(text)


def parse_date(text: str) -> Day | None:
    """A DA value (PS3.5 table 6.2-1); None if it is no whole date."""
    text = text.strip()
    if len(text) != 8 or not text.isascii() or not text.isdigit():
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").date()
    except ValueError:
        return None


def age_years(text: str) -> float | None:
    """An AS value in years (PS3.5 table 6.2-1), 90 for everyone over 89."""
    found = _AGE.fullmatch(text.strip())
    if found is None:
        return None
    years = int(found[1]) * _YEARS[found[2]]
    return 90.0 if years > 89 else round(years, 2)


def _matched(text: str, form: re.Pattern[str]) -> Kept:
    return (text, "kept") if form.fullmatch(text) else None
