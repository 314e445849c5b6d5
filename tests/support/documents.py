"""A valid metadata document whose values tests can change."""

from datetime import date

from common.metadata_document import MetadataDocument

_PARTS = {
    "header": {
        "pipeline_version": "0.1.0",
        "recipe_version": 1,
        "deidentification": "allow-list-1",
        "key_id": "abcd",
        "actions": {"kept": {"KVP": 1}, "removed": {"PatientAddress": 2}},
        "images": [
            {
                "frame": 1,
                "key": "P/1.png",
                "rows": 128,
                "columns": 128,
                "samples": 1,
                "bits": 8,
                "recipe": "own range; 8 bit",
                "sha256": "0" * 64,
            }
        ],
    },
    "patient": {"patient_id": "P0123456789abcdef0123", "sex": "F"},
    "study": {"study_instance_uid": "2.25.1", "study_date": date(2004, 1, 19)},
    "series": {"series_instance_uid": "2.25.2", "modality": "CT"},
    "instance": {
        "sop_instance_uid": "2.25.1001",
        "sop_class_uid": "1.2.840.10008.5.1.4.1.1.2",
        "rows": 128,
        "columns": 128,
        "number_of_frames": 1,
        "kvp": 120.0,
        "age_years": 90.0,
        "attributes": {"KVP": 120.0},
    },
}


def make_document(**changes: dict) -> MetadataDocument:
    """Make a valid document with other values in some of its parts."""
    return MetadataDocument.model_validate(
        {part: values | changes.get(part, {}) for part, values in _PARTS.items()}
    )
