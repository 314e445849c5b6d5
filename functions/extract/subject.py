"""Whose a file is, told to the operator's ledger even of a file that comes to nothing."""

from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from common.errors import UNKNOWN, Subject
from deidentification.pseudonym import Pseudonyms

_KEYWORDS = ["SpecificCharacterSet", "PatientID", "IssuerOfPatientID", "StudyInstanceUID"]


def patient_of(ds: Dataset, pseudonyms: Pseudonyms) -> str:
    """The pseudonym of a data set's patient."""
    return pseudonyms.patient(
        str(ds.get("PatientID") or ""),
        str(ds.get("IssuerOfPatientID") or ""),
        str(ds.get("StudyInstanceUID") or ""),
    )


def subject_of(source: Path, pseudonyms: Pseudonyms) -> Subject:
    """The patient of a file, as far as its header can be read at all."""
    try:
        ds = pydicom.dcmread(source, stop_before_pixels=True, force=True, specific_tags=_KEYWORDS)
        is_told = bool(ds.get("PatientID") or ds.get("StudyInstanceUID"))
        return Subject(patient_of(ds, pseudonyms) if is_told else None)
    except Exception:  # noqa: BLE001 the file is refused already; this is all that is left to ask of it
        return UNKNOWN


def device_of(attributes: Dataset) -> str | None:
    """Maker, model and size of de-identified attributes, as held items are told apart by them."""
    names = [attributes.get(keyword) for keyword in ("Manufacturer", "ManufacturerModelName")]
    if not any(names):
        return None
    told = [str(name) if name else "unknown" for name in names]
    return " / ".join([*told, f"{attributes.Rows} x {attributes.Columns}"])
