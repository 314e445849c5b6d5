"""The patient of a file, recorded in the ledger even for a file that is refused."""

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from common.errors import UNKNOWN, Subject
from deidentification.pseudonym import Pseudonyms

_KEYWORDS = ["SpecificCharacterSet", "PatientID", "IssuerOfPatientID", "StudyInstanceUID"]


def patient_of(ds: Dataset, pseudonyms: Pseudonyms) -> str:
    """The pseudonym of the patient of a data set."""
    return pseudonyms.patient(
        str(ds.get("PatientID") or ""),
        str(ds.get("IssuerOfPatientID") or ""),
        str(ds.get("StudyInstanceUID") or ""),
    )


def subject_of(source: Path, pseudonyms: Pseudonyms) -> Subject:
    """The patient of a file, if its header can be read."""
    try:
        ds = pydicom.dcmread(source, stop_before_pixels=True, force=True, specific_tags=_KEYWORDS)
        has_patient = bool(ds.get("PatientID") or ds.get("StudyInstanceUID"))
        return Subject(patient_of(ds, pseudonyms) if has_patient else None)
    except Exception:  # noqa: BLE001 the file is refused already, and a second error would hide the cause
        return UNKNOWN


def device_of(attributes: Dataset) -> str | None:
    """Manufacturer, model and image size, for grouping held items; None if both names are missing."""
    names = [attributes.get(keyword) for keyword in ("Manufacturer", "ManufacturerModelName")]
    if not any(names):
        return None
    known = [str(name) if name else "unknown" for name in names]
    return " / ".join([*known, f"{attributes.Rows} x {attributes.Columns}"])
