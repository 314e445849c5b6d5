"""The columns of a training set's table with their types."""

import pyarrow as pa

TEXT = pa.string()
INTEGER = pa.int64()
REAL = pa.float64()

# In the order of images.parquet, after file_name, split and the labels. Nothing here tells when a file
# arrived, as an image bucket's name does: arrival and shifted study date together give the date shift.
COLUMNS: dict[str, pa.DataType] = {
    "key": TEXT,
    "sop_instance_uid": TEXT,
    "frame": INTEGER,
    "patient_id": TEXT,
    "study_instance_uid": TEXT,
    "series_instance_uid": TEXT,
    "modality": TEXT,
    "body_part": TEXT,
    "laterality": TEXT,
    "view_position": TEXT,
    "study_date": pa.date32(),
    "sex": TEXT,
    "age_years": REAL,
    "manufacturer": TEXT,
    "device_model": TEXT,
    "sop_class_uid": TEXT,
    "instance_number": INTEGER,
    "number_of_frames": INTEGER,
    "photometric": TEXT,
    "rows": INTEGER,
    "columns": INTEGER,
    "samples": INTEGER,
    "bits": INTEGER,
    "pixel_spacing_row": REAL,
    "pixel_spacing_col": REAL,
    "slice_thickness": REAL,
    "kvp": REAL,
    "sha256": TEXT,
    "picture_hash": TEXT,
    "verdict": TEXT,
    "by_model": TEXT,
    "score": REAL,
    "threshold": REAL,
    "mean_grey": REAL,
    "confidence": TEXT,
    "reasons": TEXT,
    "quality_model": TEXT,
    "is_localizer": pa.bool_(),
    "recipe": TEXT,
    "recipe_version": INTEGER,
    "deidentification": TEXT,
    "key_id": TEXT,
    "pipeline_version": TEXT,
    "annotators": INTEGER,
}

# The columns of metadata.csv; images.parquet has all columns.
METADATA = """patient_id study_instance_uid series_instance_uid sop_instance_uid frame modality body_part
    laterality view_position study_date sex age_years rows columns""".split()

LABEL = "label_"  # prefix of label columns, so that they can't clash with other columns


def label_column(name: str) -> str:
    """Return the name of a label's column."""
    return LABEL + name
