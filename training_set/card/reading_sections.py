"""The sections of a dataset card that tell how to read and join the files."""

from collections.abc import Mapping
from typing import Any

from training_set.card.markdown import cell, code, table


def joining_section() -> str:
    """How to join the set with the de-identified DICOM files and with clinical data."""
    return (
        "## Joining\n\n"
        "`patient_id`, `study_instance_uid`, `series_instance_uid` and `sop_instance_uid` are the "
        "identifiers in the de-identified DICOM files, which the operator has in the bucket `deidentified` "
        "under `<patient>/<study>/<series>/<instance>.dcm`; `frame` counts the frames of that "
        "file from 1.\n\n"
        "For clinical data, the operator replaces patient ids by `patient_id` and shifts dates by the same "
        "days:\n\n```\ndcm2set pseudonym --column PatientID --shift-dates Admission --out clinical.csv "
        "< hospital.csv\n```\n\n"
        '```python\nimport pandas\n\nimages = pandas.read_parquet("FOLDER/images.parquet")\n'
        'images.merge(pandas.read_csv("clinical.csv"), on="patient_id")\n```\n'
    )


def column_section(card: Mapping[str, Any]) -> str:
    """Every column of images.parquet."""
    rows = [[code(each["name"]), each["type"], cell(each["description"])] for each in card["columns"]]
    return "## Columns\n\n" + table(["column", "type", "meaning"], rows)


def file_section() -> str:
    """The files of the folder."""
    return (
        "## Files\n\n"
        "| file | contents |\n|---|---|\n"
        "| `<split>/metadata.csv` | imagefolder's metadata of each image, labels as `label_<name>` |\n"
        "| `labels.csv` | multi-hot labels: 1, 0, -1 uncertain, a probability, or empty |\n"
        "| `images.parquet` | every column |\n"
        "| `manifest.json` | keys, SHA-256 and labels of all images; origin of the set |\n"
        "| `card.json` | this card as data |\n\n"
        "```python\nfrom datasets import load_dataset\n\n"
        'sets = load_dataset("imagefolder", data_dir="FOLDER")\n```\n'
    )
