"""The de-identified SOP instance: its pseudonyms, its allowed attributes, and its DICOM file."""

from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

import pydicom
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID

from common import PIPELINE_VERSION
from common.store.object_key import ImagePath
from deidentification.header.clean_dataset import CleanDataset, Tally
from deidentification.header.residue import check_residue
from deidentification.header.value_rules import ValueRules
from deidentification.identity import Identity, identity_of
from deidentification.pixels.burned_in_gate import NOTHING_SUSPECTED, BurnedInDecision
from deidentification.pixels.lookup_tables import keep_described_entries
from deidentification.pixels.pixel_data import PixelOutput, pixel_output
from deidentification.profile import CLEAN_PIXEL_DATA, Profile
from deidentification.pseudonym import Pseudonyms
from functions.extract.subject import patient_of
from imaging.dataset.encoded_dataset import Encoding
from imaging.frames.image_file import ImageFile

# Type 2 of the Patient, General Study, General Series and General Image modules (PS3.3 C.7):
# present with zero length if their value was removed.
_EMPTY = {
    Tag(keyword): keyword
    for keyword in """
    PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID
    SeriesNumber InstanceNumber Manufacturer
    """.split()
}
# Modalities whose pixel values depend on times of day: the decay of a tracer is computed from them.
_TIMED_MODALITIES = frozenset(["PT", "NM"])
# File meta is always explicit VR little endian (PS3.10 section 7.1).
_META = Encoding(is_implicit_vr=False, is_little_endian=True)
# The implementation class UID of dcm2set, generated once from a UUID (PS3.5 B.2).
_IMPLEMENTATION = UID("2.25.287318930468106513843516231826937471246")


@dataclass(frozen=True)
class DeidentifiedInstance:
    """One SOP instance as it may leave raw; its pixel data is read from the original file."""

    path: ImagePath
    attributes: Dataset  # only allowed attributes, de-identified
    profile: Profile
    decision: BurnedInDecision  # of the gate for burned-in text
    tally: Tally  # number of elements by keyword and action
    identity: Identity  # the patient's name and ids in the original
    source: ImageFile  # the original
    pixels: PixelOutput  # how its pixel data is written

    def write(self, stream: BinaryIO) -> None:
        """Write the de-identified DICOM file (PS3.10) with new file meta information."""
        ds = self._complete_dataset()
        stream.write(b"\0" * 128 + b"DICM")
        meta = _file_meta(self)
        head = _META.encoded(meta)
        stream.write(_META.encoded(_group_length(len(head))) + head)
        syntax = meta.TransferSyntaxUID
        is_implicit, is_little = syntax.is_implicit_VR, syntax.is_little_endian
        stream.write(Encoding(is_implicit_vr=is_implicit, is_little_endian=is_little).encoded(ds))
        # Pixel data comes last: it has the greatest of the allowed tags.
        self.pixels.write(stream)

    def _complete_dataset(self) -> Dataset:
        """The allowed attributes, and those that document the de-identification (PS3.15 E.1.1)."""
        ds = Dataset(dict(self.attributes.items()))
        present = ds.keys()
        for tag, keyword in _EMPTY.items():
            if tag not in present and (keyword != "Manufacturer" or not _is_enhanced(self.source.ds)):
                setattr(ds, keyword, None)
        ds.PatientName = self.path.patient
        ds.PatientID = self.path.patient
        ds.PatientIdentityRemoved = "YES"
        ds.SpecificCharacterSet = "ISO_IR 192"
        method = f"dcm2set {PIPELINE_VERSION}, profile {self.profile}"[:64]
        looked = self.decision.looked
        ds.DeidentificationMethod = [method, f"Pixels: looked at {looked}"] if looked else method
        ds.DeidentificationMethodCodeSequence = _codes(
            (*self.profile.codes, CLEAN_PIXEL_DATA) if looked else self.profile.codes
        )
        is_shifted = self.profile.retain_longitudinal_modified
        ds.LongitudinalTemporalInformationModified = "MODIFIED" if is_shifted else "REMOVED"
        return ds


def deidentify(
    image_file: ImageFile,
    pseudonyms: Pseudonyms,
    profile: Profile,
    decision: BurnedInDecision = NOTHING_SUSPECTED,
    identity: Identity | None = None,
) -> DeidentifiedInstance:
    """De-identify the attributes of an image; `identity` is that of its data set, if it is known already.

    Raises PermanentError if the patient's name or an id is still found in them.
    """
    ds = image_file.ds
    patient = patient_of(ds, pseudonyms)
    path = ImagePath(
        patient=patient,
        study_instance_uid=pseudonyms.uid(str(ds.StudyInstanceUID)),
        series_instance_uid=pseudonyms.uid(str(ds.SeriesInstanceUID)),
        sop_instance_uid=pseudonyms.uid(str(ds.SOPInstanceUID)),
    )
    identity = identity or identity_of(ds)
    rules = ValueRules(
        pseudonyms,
        patient=patient,
        identity=identity,
        retain_times=str(ds.get("Modality")) in _TIMED_MODALITIES,
    )
    cleaner = CleanDataset(profile, rules, is_enhanced=_is_enhanced(ds))
    attributes = cleaner.clean(ds)
    keep_described_entries(attributes, is_little_endian=ds.file_meta.TransferSyntaxUID.is_little_endian)
    check_residue(attributes, identity)
    pixels = pixel_output(image_file)
    for keyword, value in pixels.changed.items():
        setattr(attributes, keyword, value)
    if decision.is_cleaned:
        attributes.BurnedInAnnotation = "NO"
    return DeidentifiedInstance(
        path, attributes, profile, decision, cleaner.tally, identity, image_file, pixels
    )


def _is_enhanced(ds: Dataset) -> bool:
    """Whether it is an enhanced SOP class, where Manufacturer is Type 1 (PS3.3 C.7.5.2, C.7.6.16)."""
    return "SharedFunctionalGroupsSequence" in ds or "Enhanced" in UID(str(ds.SOPClassUID)).name


@cache
def _codes(codes: tuple[tuple[str, str], ...]) -> Sequence:
    """A code sequence, cached and shared by all files: it is written but never changed."""
    items = []
    for value, meaning in codes:
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, "DCM", meaning
        items.append(item)
    return Sequence(items)


@cache
def _constant_meta() -> dict[BaseTag, DataElement]:
    """The elements that are the same in the file meta information of every file; they are never changed."""
    meta = Dataset()
    meta.FileMetaInformationVersion = b"\0\1"
    meta.ImplementationClassUID = _IMPLEMENTATION
    meta.ImplementationVersionName = f"PYDICOM {pydicom.__version__}"
    return {element.tag: element for element in meta}


def _group_length(length: int) -> Dataset:
    ds = Dataset()
    ds.FileMetaInformationGroupLength = length
    return ds


def _file_meta(instance: DeidentifiedInstance) -> Dataset:
    """The file meta information (PS3.10 table 7.1-1) without its group length."""
    meta = Dataset(dict(_constant_meta()))
    meta.MediaStorageSOPClassUID = instance.attributes.SOPClassUID
    meta.MediaStorageSOPInstanceUID = UID(instance.path.sop_instance_uid)
    meta.TransferSyntaxUID = instance.pixels.syntax
    return meta
