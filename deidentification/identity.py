"""The words and numbers that identify the patient of one file, and the search for them in text."""

import re
from collections.abc import Iterator, Mapping

from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from imaging.dataset.element_value import element, known_vr

# Runs of letters, runs of digits, and mixtures of both, such as AB12CD34.
_LETTERS, _DIGITS = re.compile(r"[^\W\d_]{3,}"), re.compile(r"\d{5,}")
_MIXED = re.compile(r"[^\W_]{5,}")
_ANY = re.compile(r"[^\W\d_]{3}|[^\W_]{5}")
_IDENTIFYING_KEYWORDS = frozenset(
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
_IDENTIFYING_TAGS = frozenset(Tag(tag_for_keyword(keyword) or 0) for keyword in _IDENTIFYING_KEYWORDS)


class Identity:
    """The words and numbers of one file's identifying attributes, as `searchable_words` splits them.

    They are compared in upper case, one by one, so their order does not matter. Values are decoded
    first, so their character set does not matter.
    """

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources  # by word: the keyword of the attribute that holds it

    def found_in(self, text: str) -> str | None:
        """The keyword of an identifying attribute that has a word in common with the text, or None."""
        if not self._sources:
            return None
        for word in searchable_words(text):
            if word in self._sources:
                return self._sources[word]
        return None

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self._sources)


def searchable_words(text: str) -> set[str]:
    """Words of at least 3 letters, numbers of 5 digits and mixtures of 5 characters, in upper case."""
    upper = text.upper()
    if _ANY.search(upper) is None:
        return set()
    return {*_LETTERS.findall(upper), *_DIGITS.findall(upper), *_MIXED.findall(upper)}


def identity_of(ds: Dataset) -> Identity:
    """The identity in a data set: its identifying attributes and all person names, nested and private too."""
    sources: dict[str, str] = {}
    for identifying in _identifying_elements(ds):
        name = identifying.keyword or "a private attribute"
        for word in searchable_words(str(identifying.value)):
            sources.setdefault(word, name)
    return Identity(sources)


def _identifying_elements(ds: Dataset) -> Iterator[DataElement]:
    """Identifying elements at any depth; other elements are not decoded."""
    for tag, raw in list(ds.items()):
        known = known_vr(int(tag))
        vr = raw.VR or known
        if vr == "UN":
            vr = ds[tag].VR  # pydicom looks it up in the dictionaries of the standard and of vendors
        if vr == "SQ" and isinstance(ds[tag].value, Sequence):
            for item in ds[tag].value:
                yield from _identifying_elements(item)
        elif vr == "PN" or known == "PN" or tag in _IDENTIFYING_TAGS:
            yield element(ds, tag)
