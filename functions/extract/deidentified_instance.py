"""The de-identified SOP instance: pseudonyms, allowed attributes, and the file made of them."""

from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

import pydicom
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from common import PIPELINE_VERSION
from common.store.object_key import ImagePath
from deidentification.header.clean_dataset import CleanDataset, Tally
from deidentification.header.residue import check_residue
from deidentification.header.value_rules import ValueRules
from deidentification.identity import Identity, identity_of
from deidentification.pixels.burned_in_gate import NOTHING_SUSPECTED, BurnedInDecision
from deidentification.pixels.pixel_data import description_of_decoded, syntax_of, write_pixel_data
from deidentification.profile import CLEAN_PIXEL_DATA, Profile
from deidentification.pseudonym import Pseudonyms
from functions.extract.subject import patient_of
from imaging.dataset.encoded_dataset import Encoding
from imaging.frames.image_file import ImageFile

# Type 2 of the Patient, General Study, General Series and General Image modules (PS3.3 C.7):
# present with zero length where nothing is kept.
_EMPTY = """
    PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID
    SeriesNumber InstanceNumber Manufacturer
    """.split()
# The decay of a tracer is reckoned from times of day.
_TIMED_MODALITIES = frozenset(["PT", "NM"])
# File meta is always explicit VR little endian (PS3.10 section 7.1).
_META = Encoding(is_implicit_vr=False, is_little_endian=True)
# Our own root-less UID (PS3.5 B.2), made once for this project.
_IMPLEMENTATION = UID("2.25.287318930468106513843516231826937471246")


@dataclass(frozen=True)
class DeidentifiedInstance:
    """One SOP instance as it may leave raw; its pixels are still in the original file."""

    path: ImagePath
    attributes: Dataset  # allowed ones, de-identified
    profile: Profile
    decision: BurnedInDecision  # how it passed the gate for burned-in text
    tally: Tally  # what was done, by keyword
    identity: Identity  # the patient's words in the original
    source: ImageFile  # the original: pixel data and transfer syntax are taken from it

    def write(self, stream: BinaryIO) -> None:
        """The de-identified DICOM file (PS3.10), its file meta made from nothing."""
        ds = self._whole()
        stream.write(b"\0" * 128 + b"DICM")
        meta = _file_meta(self)
        head = _META.encoded(meta)
        stream.write(_META.encoded(_group_length(len(head))) + head)
        syntax = meta.TransferSyntaxUID
        is_implicit, is_little = syntax.is_implicit_VR, syntax.is_little_endian
        stream.write(Encoding(is_implicit_vr=is_implicit, is_little_endian=is_little).encoded(ds))
        # Behind all others, as the greatest tag of those allowed.
        write_pixel_data(self.source, stream)

    def _whole(self) -> Dataset:
        """The allowed attributes, and what the file says of its own making (PS3.15 E.1.1)."""
        ds = Dataset(dict(self.attributes.items()))
        for keyword in _EMPTY:
            if keyword not in ds and (keyword != "Manufacturer" or not _is_enhanced(self.source.ds)):
                setattr(ds, keyword, None)
        ds.PatientName = self.path.patient
        ds.PatientID = self.path.patient
        ds.PatientIdentityRemoved = "YES"
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.DeidentificationMethod = f"dcm2set {PIPELINE_VERSION}, profile {self.profile}"[:64]
        ds.DeidentificationMethodCodeSequence = _codes(
            (*self.profile.codes, CLEAN_PIXEL_DATA) if self.decision.is_gated else self.profile.codes
        )
        is_shifted = self.profile.retain_longitudinal_modified
        ds.LongitudinalTemporalInformationModified = "MODIFIED" if is_shifted else "REMOVED"
        return ds


def deidentify(
    image_file: ImageFile,
    pseudonyms: Pseudonyms,
    profile: Profile,
    decision: BurnedInDecision = NOTHING_SUSPECTED,
) -> DeidentifiedInstance:
    """Everything of an image that may leave raw, but its pixels.

    Raises PermanentError if a word of the patient's is found in it after all.
    """
    ds = image_file.ds
    patient = patient_of(ds, pseudonyms)
    path = ImagePath(
        patient=patient,
        study_instance_uid=pseudonyms.uid(str(ds.StudyInstanceUID)),
        series_instance_uid=pseudonyms.uid(str(ds.SeriesInstanceUID)),
        sop_instance_uid=pseudonyms.uid(str(ds.SOPInstanceUID)),
    )
    identity = identity_of(ds)
    rules = ValueRules(
        pseudonyms, patient=patient, identity=identity, keeps_times=ds.get("Modality") in _TIMED_MODALITIES
    )
    cleaner = CleanDataset(profile, rules, is_enhanced=_is_enhanced(ds))
    attributes = cleaner.clean(ds)
    check_residue(attributes, identity)
    if image_file.blanking is not None:
        for keyword, value in description_of_decoded(image_file).items():
            setattr(attributes, keyword, value)
    if decision.is_cleaned:
        attributes.BurnedInAnnotation = "NO"
    return DeidentifiedInstance(path, attributes, profile, decision, cleaner.tally, identity, image_file)


def _is_enhanced(ds: Dataset) -> bool:
    """Whether it is of the kinds that have to tell more of themselves (PS3.3 C.7.5.2, C.7.6.16)."""
    return "SharedFunctionalGroupsSequence" in ds or "Enhanced" in UID(str(ds.SOPClassUID)).name


@cache
def _codes(codes: tuple[tuple[str, str], ...]) -> Sequence:
    """The same items for every file: they are written, never changed."""
    items = []
    for value, meaning in codes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
        items.append(item)
    return Sequence(items)


def _group_length(length: int) -> Dataset:
    ds = Dataset()
    ds.FileMetaInformationGroupLength = length
    return ds


def _file_meta(instance: DeidentifiedInstance) -> Dataset:
    """All of it (PS3.10 table 7.1-1) but its length."""
    meta = Dataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.MediaStorageSOPClassUID = instance.attributes.SOPClassUID
    meta.MediaStorageSOPInstanceUID = UID(instance.path.sop_instance_uid)
    meta.TransferSyntaxUID = syntax_of(instance.source)
    meta.ImplementationClassUID = _IMPLEMENTATION
    meta.ImplementationVersionName = f"PYDICOM {pydicom.__version__}"
    return meta
