"""Write pictures as DICOM files of patients whose names, ids and dates are the words drawn into them."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    ExplicitVRLittleEndian,
    MRImageStorage,
    NuclearMedicineImageStorage,
    PositronEmissionTomographyImageStorage,
    SecondaryCaptureImageStorage,
    UltrasoundImageStorage,
    XRayAngiographicImageStorage,
    generate_uid,
)

Picture = NDArray[np.uint8]

SOP_CLASSES = {
    "CT": CTImageStorage,
    "MR": MRImageStorage,
    "CR": ComputedRadiographyImageStorage,
    "DX": DigitalXRayImageStorageForPresentation,
    "MG": DigitalMammographyXRayImageStorageForPresentation,
    "XA": XRayAngiographicImageStorage,
    "NM": NuclearMedicineImageStorage,
    "PT": PositronEmissionTomographyImageStorage,
    "OT": SecondaryCaptureImageStorage,
    "US": UltrasoundImageStorage,
}
_WITHOUT_WINDOW = frozenset(["US", "OT"])  # 8 bits a sample; the others have 12 bits, as detectors do
_STEPS = 16  # stored values for each grey level
_TISSUE, _TWO_DIMENSIONAL = 1, 1  # PS3.3 C.8.5.5.1
_REGION_MARGIN = 16  # part of a side that lies outside the region of an ultrasound picture
_DATES = (
    re.compile(r"(?P<day>\d{2})\.(?P<month>\d{2})\.(?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})"),
    re.compile(r"(?P<month>\d{2})/(?P<day>\d{2})/(?P<year>\d{4})"),
)
_NUMBER = re.compile(r"(ID: )?(?P<number>\d[\d-]+)")
_FAMILY_FIRST = re.compile(r"(?P<family>\w+)(\^|, )(?P<given>\w+)")


@dataclass(frozen=True)
class Patient:
    """What the header says of the patient."""

    name: str = "Quast^Berta"
    patient_id: str = "PX-90817263"
    birth_date: str = "19010203"


NOBODY = Patient()


def patient_of_text(text: str) -> Patient:
    """The patient whose header has the words of a text: a name, a date of birth or an id."""
    for form in _DATES:
        if found := form.fullmatch(text):
            return replace(NOBODY, birth_date=found["year"] + found["month"] + found["day"])
    if found := _NUMBER.fullmatch(text):
        return replace(NOBODY, patient_id=found["number"])
    if found := _FAMILY_FIRST.fullmatch(text):
        return replace(NOBODY, name=f"{found['family']}^{found['given']}")
    family, _, given = text.partition(" ")
    return replace(NOBODY, name=f"{family}^{given}")


def write_picture(path: Path, picture: Picture, modality: str, patient: Patient = NOBODY) -> None:
    """Write a picture as a DICOM file of a patient; see `picture_dataset`."""
    ds = picture_dataset([picture], modality, str(path))
    ds.PatientName, ds.PatientID = patient.name, patient.patient_id
    ds.PatientBirthDate, ds.PatientSex = patient.birth_date, "O"
    ds.save_as(path, enforce_file_format=True)


def picture_dataset(frames: list[Picture], modality: str, name: str) -> Dataset:
    """The frames as a native DICOM object of the modality's own SOP class, without patient.

    Grey pictures get 12 bits and a window that shows them as they are. Ultrasound and secondary captures have
    8 bits, ultrasound with a region.

    Parameters
    ----------
    frames
        uint8 (rows, columns) or (rows, columns, 3), all of one shape.
    modality
        One of `SOP_CLASSES`.
    name
        Its UIDs are derived from this.
    """
    ds = _header(modality, name)
    rows, columns = frames[0].shape[:2]
    ds.Rows, ds.Columns, ds.PixelRepresentation = rows, columns, 0
    if len(frames) > 1 or modality == "NM":
        ds.NumberOfFrames = len(frames)
    if frames[0].ndim == 3:
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PlanarConfiguration = 3, "RGB", 0
    else:
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    values = np.stack(frames)
    if frames[0].ndim == 3 or modality in _WITHOUT_WINDOW:
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
        ds.PixelData = values.tobytes() + b"\0" * (values.size % 2)
    else:
        ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
        ds.WindowCenter, ds.WindowWidth = 128 * _STEPS, 256 * _STEPS
        ds.PixelData = (values.astype("<u2") * _STEPS).tobytes()
    if modality in {"CT", "PT"}:
        ds.RescaleIntercept, ds.RescaleSlope = 0, 1
    if modality == "OT":
        ds.ConversionType = "WSD"
    if modality == "US":
        ds.SequenceOfUltrasoundRegions = Sequence([_region(rows, columns)])
    return ds


def _header(modality: str, name: str) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.Modality = SOP_CLASSES[modality], modality
    for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
        setattr(ds, keyword, generate_uid(entropy_srcs=[keyword, name]))
    ds.ImageType = ["ORIGINAL", "PRIMARY"]
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20010102", "", ""
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = "", 1, 1
    ds.ReferringPhysicianName, ds.Manufacturer = "", ""
    return ds


def _region(rows: int, columns: int) -> Dataset:
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = _TWO_DIMENSIONAL, _TISSUE, 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = columns // _REGION_MARGIN, rows // _REGION_MARGIN
    region.RegionLocationMaxX1 = columns - 1 - columns // _REGION_MARGIN
    region.RegionLocationMaxY1 = rows - 1 - rows // _REGION_MARGIN
    region.PhysicalUnitsXDirection, region.PhysicalUnitsYDirection = 3, 3  # cm
    region.PhysicalDeltaX, region.PhysicalDeltaY = 0.05, 0.05
    return region
