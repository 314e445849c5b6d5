"""The words and numbers that tell the patient of one file, and the search for them."""

import re
from collections.abc import Iterator, Mapping

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from imaging.dataset.element_value import element, known_vr

# Runs of letters, runs of digits, and what mixes both: a number like AB12CD34.
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]{3,}"), re.compile(r"\d{5,}")
_MIXED = re.compile(r"[^\W_]{5,}")
_ANY = re.compile(r"[^\W\d_]{3}|[^\W_]{5}")
_KEYWORDS = frozenset(
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
_TAGS = frozenset(Tag(tag_for_keyword(keyword) or 0) for keyword in _KEYWORDS)


class Identity:
    """What tells one file's patient, as `words_of` cuts it.

    Upper case, whatever their order and encoding: values are decoded before they are compared.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources  # by word, the keyword of the attribute it was found in

    def found_in(self, text: str) -> str | None:
        """The keyword of an identifying attribute of which a word is in the text, or None."""
        if not self._sources:
            return None
        for word in words_of(text):
            if word in self._sources:
                return self._sources[word]
        return None

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self._sources)


def words_of(text: str) -> set[str]:
    """Its words of three letters, numbers of five digits, and mixtures of five characters, or more."""
    upper = text.upper()
    if _ANY.search(upper) is None:
        return set()
    return {*_LETTERS.findall(upper), *_DIGITS.findall(upper), *_MIXED.findall(upper)}


def identity_of(ds: Dataset) -> Identity:
    """The identity in a data set, its sequences and its private elements' person names."""
    sources: dict[str, str] = {}
    for told in _telling(ds):
        name = told.keyword or "a private attribute"
        for word in words_of(str(told.value)):
            sources.setdefault(word, name)
    return Identity(sources)


def _telling(ds: Dataset) -> Iterator[DataElement]:
    """The elements that name someone, at any depth; no others are decoded."""
    for tag, raw in list(ds.items()):
        known = known_vr(int(tag))
        vr = raw.VR or known
        if vr == "UN":
            vr = ds[tag].VR  # as the dictionaries have it, of the standard and of vendors
        if vr == "SQ" and isinstance(ds[tag].value, Sequence):
            for item in ds[tag].value:
                yield from _telling(item)
        elif vr == "PN" or known == "PN" or tag in _TAGS:
            yield element(ds, tag)
