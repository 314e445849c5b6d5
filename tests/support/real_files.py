"""Real DICOM files of the pydicom package, and variants of them."""

import io
from pathlib import Path

import pydicom
from pydicom.data import get_testdata_file
from pydicom.uid import generate_uid


def real_file(name: str = "CT_small.dcm") -> bytes:
    """A file as the package ships it."""
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return Path(path).read_bytes()


def make_instance(number: int, *, name: str = "CT_small.dcm", patient: int = 1, study: int = 1) -> bytes:
    """A copy of a real image as an SOP instance of its own; the same number, the same bytes."""
    ds = pydicom.dcmread(io.BytesIO(real_file(name)))
    ds.PatientID = f"TEST-{patient}"
    ds.PatientName = f"Marker^Patient{patient}"
    ds.StudyInstanceUID = _uid("study", patient, study)
    ds.SeriesInstanceUID = _uid("series", patient, study)
    ds.SOPInstanceUID = _uid("instance", patient, study, number)
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.InstanceNumber = number
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


def _uid(*parts: object) -> str:
    return str(generate_uid(entropy_srcs=[str(part) for part in parts]))
