"""The de-identified SOP instance: pseudonyms, allowed attributes, and the file made of them."""

from dataclasses import dataclass
from typing import BinaryIO

import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from common import PIPELINE_VERSION
from common.deidentification import PROFILE
from common.deidentification.allow_list import allowed
from common.deidentification.pixel_data import write_pixel_data
from common.deidentification.pseudonym import Pseudonyms
from common.dicom.image_file import ImageFile
from common.object_key import ImagePath

# Type 2 of the Patient, General Study, General Series and General Image modules (PS3.3 C.7):
# present with zero length where nothing is kept.
_EMPTY = """
    PatientBirthDate PatientSex StudyDate StudyTime AccessionNumber ReferringPhysicianName StudyID
    SeriesNumber InstanceNumber Manufacturer
    """.split()
# Our own root-less UID (PS3.5 B.2), made once for this project.
_IMPLEMENTATION = UID("2.25.287318930468106513843516231826937471246")


@dataclass(frozen=True)
class DeidentifiedInstance:
    """One SOP instance as it may leave raw; its pixels are still in the original file."""

    path: ImagePath
    attributes: Dataset  # allowed ones, de-identified
    source: ImageFile  # the original: pixel data and transfer syntax are taken from it

    def write(self, stream: BinaryIO) -> None:
        """The de-identified DICOM file (PS3.10), its file meta made from nothing."""
        ds = FileDataset("", {}, preamble=b"\0" * 128, file_meta=_file_meta(self))
        ds.update(self.attributes)
        for keyword in _EMPTY:
            if keyword not in ds:
                setattr(ds, keyword, None)
        ds.PatientName = self.path.patient
        ds.PatientID = self.path.patient
        ds.PatientIdentityRemoved = "YES"
        ds.DeidentificationMethod = f"dcm2set {PIPELINE_VERSION} {PROFILE}"
        ds.LongitudinalTemporalInformationModified = "MODIFIED"
        pydicom.dcmwrite(stream, ds, enforce_file_format=True)
        # Behind all others, as the greatest tag of those allowed.
        write_pixel_data(self.source, stream)


def deidentify(image_file: ImageFile, pseudonyms: Pseudonyms) -> DeidentifiedInstance:
    """Everything of an image that may leave raw, but its pixels."""
    ds = image_file.ds
    patient = pseudonyms.patient(
        str(ds.get("PatientID") or ""),
        str(ds.get("IssuerOfPatientID") or ""),
        str(ds.StudyInstanceUID),
    )
    path = ImagePath(
        patient=patient,
        study_instance_uid=pseudonyms.uid(str(ds.StudyInstanceUID)),
        series_instance_uid=pseudonyms.uid(str(ds.SeriesInstanceUID)),
        sop_instance_uid=pseudonyms.uid(str(ds.SOPInstanceUID)),
    )
    attributes = allowed(ds, pseudonyms, patient=patient)
    return DeidentifiedInstance(path, attributes, image_file)


def _file_meta(instance: DeidentifiedInstance) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = instance.attributes.SOPClassUID
    meta.MediaStorageSOPInstanceUID = UID(instance.path.sop_instance_uid)
    syntax = instance.source.ds.file_meta.TransferSyntaxUID
    is_deflated = syntax == DeflatedExplicitVRLittleEndian  # which can't be written in pieces
    meta.TransferSyntaxUID = ExplicitVRLittleEndian if is_deflated else syntax
    meta.ImplementationClassUID = _IMPLEMENTATION
    return meta
