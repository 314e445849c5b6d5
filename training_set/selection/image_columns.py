"""The columns of a training set's table with their types and what they mean."""

import pyarrow as pa

TEXT = pa.string()
INTEGER = pa.int64()
REAL = pa.float64()
DATE = pa.date32()
BOOLEAN = pa.bool_()
FOLD = "fold"  # after split, if the set has folds: from 1, or 0 in the test split

# In the order of images.parquet, after file_name, split and the labels. Nothing here tells when a file
# arrived, as an image bucket's name does: arrival and shifted study date together give the date shift.
_DICTIONARY: dict[str, tuple[pa.DataType, str]] = {
    "key": (TEXT, "Path of the picture below the folder of its split, made of pseudonyms and the frame."),
    "sop_instance_uid": (TEXT, "Pseudonym of the SOP Instance UID (0008,0018) of the DICOM file."),
    "frame": (INTEGER, "Number of the frame in the DICOM file, from 1."),
    "patient_id": (TEXT, "Keyed pseudonym of the patient; all images of a patient are in one split."),
    "study_instance_uid": (TEXT, "Pseudonym of the Study Instance UID (0020,000D)."),
    "series_instance_uid": (TEXT, "Pseudonym of the Series Instance UID (0020,000E)."),
    "modality": (TEXT, "Modality (0008,0060), such as CT, MR, CR, DX or MG."),
    "body_part": (TEXT, "Body Part Examined (0018,0015), as the device or a person entered it."),
    "laterality": (TEXT, "Laterality (0020,0060) or Image Laterality (0020,0062): L, R, B or U."),
    "view_position": (TEXT, "View Position (0018,5101) of a radiograph, such as PA, AP, LL, CC or MLO."),
    "study_date": (
        DATE,
        (
            "Study Date (0008,0020), shifted by a number of days that is the same for all dates of a patient "
            "and differs between patients."
        ),
    ),
    "sex": (TEXT, "Patient's Sex (0010,0040): M, F or O."),
    "age_years": (REAL, "Patient's Age (0010,1010) in years; 90 stands for everyone over 89."),
    "manufacturer": (TEXT, "Manufacturer (0008,0070) of the device."),
    "device_model": (TEXT, "Manufacturer's Model Name (0008,1090) of the device."),
    "sop_class_uid": (TEXT, "SOP Class UID (0008,0016), which tells the kind of DICOM file."),
    "instance_number": (INTEGER, "Instance Number (0020,0013): the position of the file in its series."),
    "number_of_frames": (INTEGER, "Number of Frames (0028,0008) of the DICOM file; 1 where it is absent."),
    "photometric": (TEXT, "Photometric Interpretation (0028,0004) of the DICOM file, not of the picture."),
    "rows": (INTEGER, "Height of the picture in pixels."),
    "columns": (INTEGER, "Width of the picture in pixels."),
    "samples": (INTEGER, "Samples of each pixel of the picture: 1 for grey, 3 for RGB."),
    "bits": (INTEGER, "Bits of each sample of the picture: 8, or 16 if the recipe keeps modality values."),
    "pixel_spacing_row": (
        REAL,
        (
            "Distance between the centres of adjacent rows in mm, from Pixel Spacing (0028,0030) or else "
            "Imager Pixel Spacing (0018,1164)."
        ),
    ),
    "pixel_spacing_col": (
        REAL,
        "Distance between the centres of adjacent columns in mm, from the same element as pixel_spacing_row.",
    ),
    "slice_thickness": (REAL, "Slice Thickness (0018,0050) in mm."),
    "kvp": (REAL, "Peak voltage of the X-ray generator in kV, KVP (0018,0060)."),
    "sha256": (TEXT, "SHA-256 of the PNG file in hex."),
    "picture_hash": (
        TEXT,
        (
            "Perceptual hash of the picture in hex, 256 bits, similar for similar pictures; missing if the "
            "picture is nearly uniform."
        ),
    ),
    "verdict": (TEXT, "Verdict in force on the quality of the picture: a person's, otherwise the model's."),
    "by_model": (TEXT, "Verdict of the black check or the quality model, before any person's."),
    "score": (REAL, "Probability by the quality model that the picture is bad, 0 to 1; 1 for a black one."),
    "threshold": (REAL, "Score from which the quality model calls a picture low_quality, 0 to 1."),
    "mean_grey": (REAL, "Mean grey level of the picture on the scale 0 to 255."),
    "confidence": (TEXT, "Whether the quality model knows the modality: normal, or low if it saw too few."),
    "reasons": (TEXT, "Up to three features that count most against the picture, strongest first."),
    "quality_model": (TEXT, "Version of the quality model that judged the picture."),
    "is_localizer": (BOOLEAN, "Whether the picture is a localizer (scout, topogram)."),
    "recipe": (TEXT, "How the grey levels or colours of the picture were made, in words."),
    "recipe_version": (INTEGER, "Version of the recipe by which the picture was drawn."),
    "deidentification": (TEXT, "Profile of the de-identification and its version."),
    "key_id": (TEXT, "Identifies the key of the pseudonyms without revealing it."),
    "pipeline_version": (TEXT, "Version of dcm2set that extracted the picture."),
    "annotators": (INTEGER, "Number of annotators of the label of this image that has most of them."),
}
COLUMNS: dict[str, pa.DataType] = {name: kind for name, (kind, _) in _DICTIONARY.items()}
DESCRIPTIONS: dict[str, str] = {
    "file_name": "Path of the picture in the export: split, patient, study, series, instance and frame.",
    "split": "Split of the image: train, validation or test.",
    FOLD: "Fold of cross-validation, from 1; 0 in the test split.",
    **{name: text for name, (_, text) in _DICTIONARY.items()},
}

# The columns of metadata.csv; images.parquet has all columns.
METADATA = """patient_id study_instance_uid series_instance_uid sop_instance_uid frame modality body_part
    laterality view_position study_date sex age_years rows columns""".split()

LABEL = "label_"  # prefix of label columns, so that they can't clash with other columns


def label_column(name: str) -> str:
    """Return the name of a label's column."""
    return LABEL + name


def column_description(column: str) -> str:
    """Return what a column of the table means, also a label's, as one sentence.

    Raises KeyError if the table has no such column.
    """
    if column.startswith(LABEL):
        name = column.removeprefix(LABEL)
        return (
            f"Label {name}: 1 present, 0 absent, -1 uncertain, between 0 and 1 a probability; missing if "
            "nobody labelled it."
        )
    return DESCRIPTIONS[column]
