"""An exported set opened as its users would: datasets, torch's way with pandas, and the example."""

import gc
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.integration.test_training_sets import Site, name, site  # noqa: F401
from tests.set_pictures import labelled_patients, picture_of
from tests.set_rows import SetImage

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(site: Site, name: str, tmp_path: Path) -> Path:  # noqa: F811
    """An export with labels missing here and there, columns empty in a whole split, and hostile words."""
    images = [
        SetImage(
            image.patient,
            number=image.number,
            labels=image.labels if image.patient % 5 else {"Effusion": image.labels["Effusion"]},
            view_position=None if image.patient % 3 else "NA",
            body_part="123",
            age_years=None if image.patient % 2 else 57.0,
            study_date=None if image.patient % 4 else SetImage(1).study_date,
        )
        for image in labelled_patients(1, 150)
    ]
    site.add(images)
    site.export(name, tmp_path / "set")
    return tmp_path / "set"


def load(*words: str, **named: str):
    """load_dataset without a network, a cache of before and its own warnings."""
    import datasets

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = datasets.load_dataset(*words, **named)
        gc.collect()  # it leaves files open until then
        return found


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.mark.parametrize("way", ["imagefolder", "folder"])
def test_datasets_opens_it(folder: Path, tmp_path: Path, way: str) -> None:
    """Splits, pictures, every column and every label, with one type in all splits."""
    cache = str(tmp_path / "cache")
    if way == "imagefolder":
        sets = load("imagefolder", data_dir=str(folder), cache_dir=cache)
    else:
        sets = load(str(folder), cache_dir=cache)
    assert {"train", "validation", "test"} == set(sets)
    told = {split: pd.read_csv(folder / split / "metadata.csv") for split in sets}
    for split, rows in sets.items():
        assert len(told[split]) == len(rows)
        assert sets["train"].features == rows.features
        first = rows[0]
        expected = told[split].iloc[0]
        assert (64, 64) == first["image"].size
        assert expected["patient_id"] == first["patient_id"]
        assert expected["label_Effusion"] == first["label_Effusion"]
        assert "'123'" == first["body_part"]
        picture = np.asarray(first["image"])
        number = int(first["sop_instance_uid"].removeprefix("2.25.3"))
        labels = {key.removeprefix("label_"): first[key] or 0 for key in first if key.startswith("label_")}
        shown = picture_of(SetImage(number // 1000, number=number % 1000, labels=labels))
        assert np.array_equal(shown, picture)
    ages = {age for rows in sets.values() for age in rows["age_years"]}
    assert {None, 57.0} == ages
    assert {"unknown", "'NA'"} == {view for rows in sets.values() for view in rows["view_position"]}


def test_pandas_and_pillow_read_it(folder: Path) -> None:
    """The reader of docs/training-sets.md: a table and the pictures beside it."""
    for split in ("train", "validation", "test"):
        table = pd.read_csv(folder / split / "metadata.csv")
        labels = [column for column in table.columns if column.startswith("label_")]
        assert ["label_Cardiomegaly", "label_Effusion", "label_Nodule"] == labels
        assert {"float64"} == {str(table[label].dtype) for label in labels}
        with Image.open(folder / split / table["file_name"][0]) as image:
            assert (64, 64) == image.size
    multi_hot = pd.read_csv(folder / "labels.csv", index_col="file_name")
    assert ["Cardiomegaly", "Effusion", "Nodule"] == list(multi_hot.columns)
    parquet = pd.read_parquet(folder / "images.parquet").set_index("file_name")
    assert multi_hot["Effusion"].astype(float).equals(parquet["label_Effusion"].loc[multi_hot.index])


def test_the_example_learns_from_it(folder: Path) -> None:
    """Trained on the export, the classifier tells the labels that the pictures show."""
    command = [sys.executable, str(ROOT / "examples" / "train_classifier.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == done.returncode, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Macro AUROC over 3 label(s): ")
    assert float(last.rpartition(" ")[2]) > 0.9
