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
from deidentification.header.descriptor_words import is_descriptor_word
from deidentification.identity import Identity
from deidentification.pseudonym import Pseudonyms

Cleaned = tuple[Any, str] | None  # value and outcome
Rule = Callable[[Any], Cleaned]

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
_FIRST_YEAR = 1800  # shifted by ten years it still has four digits
_DICOM_ROOT = "1.2.840.10008"
_DICOM_UID = re.compile(r"1\.2\.840\.10008(\.\d{1,5}){1,12}", re.ASCII)
_TIME = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?", re.ASCII)
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
        """A finite number, binary or as text, that is not a number of the patient's identity."""
        try:
            is_finite = math.isfinite(float(value))
        except (TypeError, ValueError, OverflowError):
            return None
        text = str(value)
        return (value, "kept") if is_finite and text.isascii() and not self._identity.found_in(text) else None

    def table(self, value: Any) -> Cleaned:
        """The data of a look-up table with a binary VR."""
        return (value, "kept") if isinstance(value, _DATA) else None

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
            if closed is not None:
                return (text, "kept") if text.upper() in closed else None
            return (text, "kept") if self._consists_of_terms(text) else None

        return rule

    def _consists_of_terms(self, text: str) -> bool:
        if text.upper() in terms.GENERAL or not text:
            return True
        if len(text) > 16 or not text.isascii() or self._identity.found_in(text):
            return False
        return all(
            is_descriptor_word(word) or word.upper() in terms.GENERAL for word in _TERM_WORD.findall(text)
        )

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
            return self._ascii(text) if tokens and is_listed else None

        return rule

    def _kernel(self, value: Any) -> Cleaned:
        text = str(value).strip()
        is_known = terms.KERNEL.fullmatch(text) or all(
            word.lower() in terms.KERNELS or _SHORT_NUMBER.fullmatch(word)
            for word in _TERM_WORD.findall(text)
        )
        return self._ascii(text) if is_known and text else None

    def _ascii(self, text: str) -> Cleaned:
        """The text, if it is ASCII, as badly decoded text is not, and has no word of the identity."""
        return (text, "kept") if text.isascii() and not self._identity.found_in(text) else None

    def description(self, value: Any) -> Cleaned:
        """The words of radiology in a description, in order; None if a word of the identity is in it."""
        text = str(value)
        if self._identity.found_in(text):
            return None
        words = _DESCRIPTOR_WORD.findall(_DATE_LIKE.sub(" ", text))
        kept = " ".join(word for word in words if is_descriptor_word(word))
        if not kept:
            return None
        return kept[:64], "kept" if kept == text.strip() else "cleaned"

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
        return rule(value)
    results = [rule(one) for one in value]
    cleaned = [result for result in results if result is not None]
    if not cleaned or len(cleaned) < len(results):
        return None
    outcomes = {outcome for _, outcome in cleaned}
    outcome = outcomes.pop() if len(outcomes) == 1 else "cleaned"
    if all(new is one for (new, _), one in zip(cleaned, value, strict=True)):
        return value, outcome  # the same object, which need not be converted again
    return [new for new, _ in cleaned], outcome


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


def _if_matching(text: str, form: re.Pattern[str]) -> Cleaned:
    return (text, "kept") if form.fullmatch(text) else None
