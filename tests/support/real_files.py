"""Real DICOM files of the packages pydicom and pydicom-data, and variants of them."""

from pathlib import Path

import data_store
import pydicom
from pydicom.uid import generate_uid

from tests.support.factories import make_dataset, real_path, to_bytes

REAL_FOLDERS = [Path(package.__file__).parent / "data" for package in (pydicom, data_store)]


def real_file(name: str = "CT_small.dcm") -> bytes:
    """The bytes of a file as the package ships it."""
    return real_path(name).read_bytes()


def make_instance(number: int, *, name: str = "CT_small.dcm", patient: int = 1, study: int = 1) -> bytes:
    """A copy of a real image with its own SOP Instance UID; the same numbers give the same bytes."""
    ds = make_dataset(name=name)
    ds.PatientID = f"TEST-{patient}"
    ds.PatientName = f"Marker^Patient{patient}"
    ds.StudyInstanceUID = _uid("study", patient, study)
    ds.SeriesInstanceUID = _uid("series", patient, study)
    ds.SOPInstanceUID = _uid("instance", patient, study, number)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.InstanceNumber = number
    return to_bytes(ds)


def _uid(*parts: object) -> str:
    return str(generate_uid(entropy_srcs=[str(part) for part in parts]))
