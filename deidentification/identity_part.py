"""What one element adds to the identity of a file: words, ids, dates and short names, in normal form.

The same values come again in every file of a series, so the parts of short values are cached.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, tag_for_keyword
from pydicom.tag import Tag

from deidentification.day_numbers import unix_day
from deidentification.normal_form import (
    compounds_of,
    date_spellings,
    name_spellings,
    searchable_words,
    spellings,
)
from imaging.dataset.element_value import known_vr

IDENTIFYING_KEYWORDS = frozenset(
    """
    PatientID IssuerOfPatientID OtherPatientIDs OtherPatientNames PatientAddress PatientTelephoneNumbers
    PatientTelecomInformation CountryOfResidence RegionOfResidence MilitaryRank BranchOfService
    PatientReligiousPreference InsurancePlanIdentification MedicalRecordLocator PatientBirthDate
    AccessionNumber StudyID AdmissionID ServiceEpisodeID RequestedProcedureID ScheduledProcedureStepID
    PerformedProcedureStepID PlacerOrderNumberImagingServiceRequest
    FillerOrderNumberImagingServiceRequest InstitutionName InstitutionAddress
    InstitutionalDepartmentName StationName PhysiciansOfRecord ReferringPhysicianAddress
    ReferringPhysicianTelephoneNumbers RequestingService CurrentPatientLocation
    PatientInstitutionResidence DeviceSerialNumber PlateID DetectorID CassetteID GantryID
    """.split()
)
IDENTIFYING_TAGS = frozenset(tag_for_keyword(keyword) or 0 for keyword in IDENTIFYING_KEYWORDS)
# Words of many institutions' names that say nothing of the patient; makers and examinations have them too.
_PLACE_KEYWORDS = frozenset(
    """InstitutionName InstitutionAddress InstitutionalDepartmentName StationName RequestingService
    CurrentPatientLocation""".split()
)
_NO_PLACES = frozenset(
    """MEDICAL MEDICINE CENTER CENTRE CENTRAL GENERAL HOSPITAL CLINIC CLINICAL UNIVERSITY INSTITUTE HEALTH
    HEALTHCARE SERVICE SERVICES SYSTEM SYSTEMS DEPARTMENT DEPT DIVISION UNIT WARD ROOM SCANNER RADIOLOGY
    IMAGING DIAGNOSTIC DIAGNOSTICS NUCLEAR ULTRASOUND MAMMOGRAPHY CARDIOLOGY MRI PET SPECT XRAY RAY
    CHEST HEART BREAST KLINIK KLINIKUM KRANKENHAUS ABTEILUNG INSTITUT ZENTRUM STATION RADIOLOGIE
    NUKLEARMEDIZIN KARDIOLOGIE HOPITAL CLINIQUE RADIOLOGIA OSPEDALE""".split()
)
DATE_VRS = frozenset(["DA", "DT"])
_DATES_AND_TIMES = DATE_VRS | {"TM"}
_TIME = re.compile(r"([01]\d|2[0-3])[0-5]\d[0-5]\d", re.ASCII)
_ROUND_TIME = 1000  # 120000 is noon, and many another number
_BIRTH_DATE = int(Tag("PatientBirthDate"))
_PATIENT_GROUP = 0x0010
_WORD = re.compile(r"[^\W\d_]+")
_SHORT_NAME_LETTERS = 2
# Two letters that are also a component of names of phantoms and of files without a patient.
_NO_SHORT_NAMES = frozenset("CT MR US PT NM XA CR DX MG RF QA QC ID NA".split())
_DAY_LETTERS = 10  # a date, also with points; what follows in a DT is a time
_MOST_CACHED = 256  # letters, so that the cache stays small


@dataclass
class IdentityPart:
    """What one element adds to an identity; the fields are those of `Identity`."""

    sources: dict[str, str] = field(default_factory=dict)
    compounds: dict[str, str] = field(default_factory=dict)
    dates: dict[str, str] = field(default_factory=dict)
    days: dict[int, str] = field(default_factory=dict)
    times: dict[int, str] = field(default_factory=dict)
    short_names: set[str] = field(default_factory=set)


def identity_part(tag: int, vr: str, values: tuple[str, ...]) -> IdentityPart:
    """The part of an identifying element or a date, with the VR of the file; it must not be changed."""
    if vr in DATE_VRS and tag not in IDENTIFYING_TAGS and known_vr(tag) != "PN":
        values = tuple(value.strip()[:_DAY_LETTERS] for value in values)
    is_short = sum(map(len, values)) <= _MOST_CACHED
    return _cached_part(tag, vr, values) if is_short else _part(tag, vr, values)


def _part(tag: int, vr: str, values: tuple[str, ...]) -> IdentityPart:
    part = IdentityPart()
    name = dictionary_keyword(tag) if dictionary_has_tag(tag) else "a private attribute"
    vrs = {vr, known_vr(tag)}  # the VR of the file may be another than that of the dictionary
    if not vrs.isdisjoint(_DATES_AND_TIMES):
        _add_times(values if "TM" in vrs else (), name, part)
        _add_dates(values if not vrs.isdisjoint(DATE_VRS) else (), name, part)
        if "PN" not in vrs and tag not in IDENTIFYING_TAGS:
            return part
    if tag == _BIRTH_DATE:
        part.compounds.update(dict.fromkeys(_births(values), name))
    for value in filter(None, values):
        _add_words(value, name, part, is_name="PN" in vrs)
        if "PN" in vrs and tag >> 16 == _PATIENT_GROUP:
            part.short_names.update(_short_names(value))
    return part


_cached_part = lru_cache(maxsize=1000)(_part)


def _add_words(value: str, keyword: str, part: IdentityPart, *, is_name: bool) -> None:
    words = searchable_words(value)
    words = words - _NO_PLACES if keyword in _PLACE_KEYWORDS else words
    part.sources.update(dict.fromkeys(words, keyword))
    if is_name:
        part.sources.update(dict.fromkeys(_joined_names(value), keyword))
    else:
        part.compounds.update(dict.fromkeys(compounds_of(value), keyword))


def _joined_names(value: str) -> Iterator[str]:
    """A name's other spellings, each component as one word, and family and given name as one word."""
    for group in value.split("="):
        for spelled in name_spellings(group):
            words = ["".join(_WORD.findall(component)) for component in spelled.split("^")]
            joined = [*words, *("".join(pair) for pair in (words[:2], words[1::-1]))]
            yield from (word for word in (*joined, *_WORD.findall(spelled)) if len(word) >= 4)


def _short_names(value: str) -> Iterator[str]:
    """The words of two letters in family, given and middle name, without prefix and suffix (PS3.5 6.2.1)."""
    for group in value.split("="):
        for spelled in spellings("^".join(group.split("^")[:3])):
            words = {word for word in _WORD.findall(spelled) if len(word) == _SHORT_NAME_LETTERS}
            yield from words - _NO_SHORT_NAMES


def _add_dates(values: Iterable[str], keyword: str, part: IdentityPart) -> None:
    for day in filter(None, map(_day, values)):
        part.days.setdefault(unix_day(day), keyword)
        part.dates.update(dict.fromkeys(date_spellings(day), keyword))


def _add_times(values: Iterable[str], keyword: str, part: IdentityPart) -> None:
    """Times of day as whole numbers of six digits, of a value with hours, minutes and seconds."""
    for found in filter(None, (_TIME.match(value.strip().replace(":", "")) for value in values)):
        if int(found[0]) % _ROUND_TIME and int(found[0]) >= _ROUND_TIME:
            part.times.setdefault(int(found[0]), keyword)


def _births(values: Iterable[str]) -> Iterator[str]:
    """The spellings of birth dates: those of 8 digits also without the zero of day or month."""
    for spelled in (
        spelled for day in map(_day, values) if day is not None for spelled in date_spellings(day)
    ):
        yield from {spelled, spelled.lstrip("0") if len(spelled) == 8 else spelled}


def _day(value: str) -> date | None:
    """The date of a DA or DT value, also in the form of ACR-NEMA with points (PS3.5 6.2)."""
    text = value.strip().replace(".", "", 2) if value[4:5] == "." else value.strip()
    if not (text[:8].isascii() and text[:8].isdigit()):
        return None
    with suppress(ValueError):
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    return None


def age_in_years(age: str, *, born: str, studied: str) -> int | None:
    """The age in years, by Patient's Age or by the dates of birth and study; None if it is not known."""
    if len(age) == 4 and age[:3].isdecimal() and age[3] == "Y":
        return int(age[:3])
    birth, study = _day(born), _day(studied)
    if birth is None or study is None:
        return None
    return study.year - birth.year - ((study.month, study.day) < (birth.month, birth.day))
