"""Builds the metadata document of an instance: typed fields for filters, all others by keyword."""

from typing import Any

from pydantic import ValidationError
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from common import PIPELINE_VERSION
from common.errors import PermanentError
from common.metadata_document import (
    MAX_TEXT,
    Header,
    InstanceEntry,
    MetadataDocument,
    PatientEntry,
    SeriesEntry,
    StudyEntry,
)
from deidentification.header.clean_dataset import Tally
from deidentification.header.value_rules import age_years, parse_date, printable
from functions.extract.deidentified_instance import DeidentifiedInstance
from imaging.options import RECIPE_VERSION


def build_document(
    instance: DeidentifiedInstance, *, rows: int, columns: int, key_id: str
) -> MetadataDocument:
    """The metadata document of an instance; its images are added once they are allocated.

    `rows` and `columns` are those of its pictures. Raises PermanentError if a value does not
    have the form that the document requires.
    """
    ds, path = instance.attributes, instance.path
    try:
        return MetadataDocument(
            header=_header(instance, key_id),
            series=_series(instance),
            instance=_instance(instance, rows=rows, columns=columns),
            patient=PatientEntry(patient_id=path.patient, sex=_text(ds, "PatientSex")),
            study=_study(instance),
        )
    except ValidationError as error:
        field = ".".join(str(part) for part in error.errors(include_input=False)[0]["loc"])
        raise PermanentError(f"The value of {field} is of a wrong form.") from None


def _header(instance: DeidentifiedInstance, key_id: str) -> Header:
    return Header(
        pipeline_version=PIPELINE_VERSION,
        recipe_version=RECIPE_VERSION,
        deidentification=str(instance.profile),
        key_id=key_id,
        actions=_by_action(instance.tally),
        images=[],
    )


def _study(instance: DeidentifiedInstance) -> StudyEntry:
    study_date = parse_date(str(instance.attributes.get("StudyDate", "")))
    return StudyEntry(study_instance_uid=instance.path.study_instance_uid, study_date=study_date)


def _series(instance: DeidentifiedInstance) -> SeriesEntry:
    ds = instance.attributes
    return SeriesEntry(
        series_instance_uid=instance.path.series_instance_uid,
        modality=_text(ds, "Modality"),
        body_part=_text(ds, "BodyPartExamined"),
        laterality=_text(ds, "Laterality") or _text(ds, "ImageLaterality"),
        manufacturer=_text(ds, "Manufacturer"),
        model=_text(ds, "ManufacturerModelName"),
    )


def _instance(instance: DeidentifiedInstance, *, rows: int, columns: int) -> InstanceEntry:
    ds = instance.attributes
    row_spacing, column_spacing = _spacing(ds)
    return InstanceEntry(
        sop_instance_uid=instance.path.sop_instance_uid,
        sop_class_uid=str(ds.SOPClassUID),
        instance_number=_integer(ds, "InstanceNumber"),
        view_position=_text(ds, "ViewPosition"),
        photometric=_text(ds, "PhotometricInterpretation"),
        rows=rows,
        columns=columns,
        number_of_frames=instance.source.number_of_frames,
        pixel_spacing_row=row_spacing,
        pixel_spacing_col=column_spacing,
        slice_thickness=_number(ds, "SliceThickness"),
        kvp=_number(ds, "KVP"),
        age_years=age_years(str(ds.get("PatientAge") or "")),
        attributes=to_json_values(ds),
    )


def _by_action(tally: Tally) -> dict[str, dict[str, int]]:
    actions: dict[str, dict[str, int]] = {}
    for (keyword, action), number in sorted(tally.items()):
        actions.setdefault(action, {})[keyword] = number
    return actions


def to_json_values(ds: Dataset) -> dict[str, Any]:
    """Attributes by DICOM keyword as JSON values, without bytes such as look-up tables."""
    return {
        element.keyword: _json(element.value)
        for element in ds
        if element.keyword and not element.is_empty and not isinstance(element.value, bytes)
    }


def _json(value: Any) -> Any:
    if isinstance(value, MultiValue | list):
        return [_json(item) for item in value]
    if isinstance(value, Dataset):
        return to_json_values(value)
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) or hasattr(value, "real") else printable(str(value))


def _spacing(ds: Dataset) -> tuple[float | None, float | None]:
    """Row and column spacing in mm: in the patient, or else at the detector (PS3.3 10.7.1.3)."""
    for keyword in ("PixelSpacing", "ImagerPixelSpacing"):
        value = ds.get(keyword)
        if isinstance(value, MultiValue | list) and len(value) == 2:
            return float(value[0]), float(value[1])
    return None, None


def _text(ds: Dataset, keyword: str) -> str | None:
    value = ds.get(keyword)
    return printable(value)[:MAX_TEXT] or None if isinstance(value, str) else None


def _number(ds: Dataset, keyword: str) -> float | None:
    value = ds.get(keyword)
    return None if value is None or isinstance(value, MultiValue | list) else float(value)


def _integer(ds: Dataset, keyword: str) -> int | None:
    number = _number(ds, keyword)
    return None if number is None or number != int(number) or abs(number) >= 2**31 else int(number)
