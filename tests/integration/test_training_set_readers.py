"""Open an exported training set as users do: with datasets, pandas, torch, and the example."""

import json
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.support.load_sets import load
from tests.support.repository import ROOT
from tests.support.set_pictures import labelled_patients, picture_of
from tests.support.set_rows import SetImage
from tests.support.training_set_site import Site

PYTHON = "/usr/bin/python3"
HAS_TORCH = (
    Path(PYTHON).exists()
    and not subprocess.run(
        [
            PYTHON,
            "-I",
            "-c",
            "import importlib.util as u; exit(None in map(u.find_spec, ['torch', 'PIL', 'numpy']))",
        ],
        check=False,
    ).returncode
)
# Added to the code in the docs: what its loader gives, in the order of metadata.csv.
_PRINT_BATCHES = """
import json

print(json.dumps({
    "batch": [list(pictures.shape), list(labels.shape), str(pictures.dtype)],
    "images": len(loader.dataset),
    "names": loader.dataset.labels,
    "labels": [loader.dataset[at][1].tolist() for at in range(len(loader.dataset))],
    "means": [float(loader.dataset[at][0].mean()) for at in range(3)],
    "known": int((~torch.stack([loader.dataset[at][1] for at in range(16)]).isnan()).sum()),
}))
"""


def _docs_code(word: str) -> str:
    """The one block of Python in docs/training-sets.md that contains a word."""
    text = (ROOT / "docs" / "training-sets.md").read_text(encoding="utf-8")
    (code,) = (block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if word in block)
    return code


@pytest.fixture
def folder(site: Site, name: str, tmp_path: Path) -> Path:
    """An export with missing labels, columns that are empty in a complete split, and hostile words."""
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


@pytest.mark.parametrize("way", ["imagefolder", "folder"])
def test_datasets_opens_an_export(folder: Path, tmp_path: Path, way: str) -> None:
    """The package datasets finds splits, pictures, columns and labels, each with one type in all splits."""
    cache = str(tmp_path / "cache")
    if way == "imagefolder":
        sets = load("imagefolder", data_dir=str(folder), cache_dir=cache)
    else:
        sets = load(str(folder), cache_dir=cache)
    assert {"train", "validation", "test"} == set(sets)
    tables = {split: pd.read_csv(folder / split / "metadata.csv") for split in sets}
    for split, rows in sets.items():
        assert len(tables[split]) == len(rows)
        assert sets["train"].features == rows.features
        first = rows[0]
        expected = tables[split].iloc[0]
        assert (64, 64) == first["image"].size
        assert expected["patient_id"] == first["patient_id"]
        assert expected["label_Effusion"] == first["label_Effusion"]
        assert "'123'" == first["body_part"]
        picture = np.asarray(first["image"])
        number = int(first["sop_instance_uid"].removeprefix("2.25.3"))
        labels = {key.removeprefix("label_"): first[key] or 0 for key in first if key.startswith("label_")}
        original = picture_of(SetImage(number // 1000, number=number % 1000, labels=labels))
        assert np.array_equal(original, picture)
    ages = {age for rows in sets.values() for age in rows["age_years"]}
    assert {None, 57.0} == ages
    assert {"unknown", "'NA'"} == {view for rows in sets.values() for view in rows["view_position"]}


def test_pandas_and_pillow_read_an_export(folder: Path) -> None:
    """The tables and pictures can be read with pandas and Pillow."""
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


@pytest.mark.skipif(
    not HAS_TORCH,
    reason="NOT CHECKED: torch is missing in /usr/bin/python3; install Debian's python3-torch, python3-pil "
    "and python3-numpy to run the code in docs/training-sets.md",
)
def test_the_code_in_the_docs_feeds_torch(folder: Path, tmp_path: Path) -> None:
    """The torch code in docs/training-sets.md, run unchanged by Debian's torch, gives batches with nan."""
    rows = pd.read_csv(folder / "train" / "metadata.csv")
    _in_16_bits(folder / "train" / rows["file_name"][1])
    (tmp_path / "chest-v1").symlink_to(folder)
    program = tmp_path / "program.py"
    program.write_text(_docs_code("torch") + _PRINT_BATCHES, encoding="utf-8")
    command = [PYTHON, "-I", str(program)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == done.returncode, done.stderr
    found = json.loads(done.stdout)
    assert [[16, 1, 224, 224], [16, 3], "torch.float32"] == found["batch"]
    assert (len(rows), ["label_Cardiomegaly", "label_Effusion", "label_Nodule"]) == (
        found["images"],
        found["names"],
    )
    expected = rows[found["names"]].to_numpy()
    assert np.array_equal(expected, np.array(found["labels"], float), equal_nan=True)
    assert np.isnan(expected).any()
    assert found["known"] == int((~np.isnan(expected[:16])).sum())
    for at, greys in enumerate(found["means"]):  # the second picture has 16 bits
        with Image.open(folder / "train" / rows["file_name"][at]) as image:
            white = 65535 if image.mode.startswith("I") else 255
            assert greys == pytest.approx(np.asarray(image).mean() / white, abs=0.01)


def test_the_example_reads_16_bit_pictures(folder: Path) -> None:
    """16-bit pictures are scaled to 0 to 1 like 8-bit pictures."""
    example = runpy.run_path(str(ROOT / "examples" / "train_classifier.py"))
    path = next((folder / "train").rglob("*.png"))
    before = example["picture"](path)
    _in_16_bits(path)
    assert np.allclose(before, example["picture"](path), atol=0.005)


def _in_16_bits(path: Path) -> None:
    with Image.open(path) as image:
        greys = np.asarray(image).astype(np.uint16) * 257
    Image.fromarray(greys).save(path)


def test_the_example_names_a_missing_split(folder: Path) -> None:
    """Without the test split the example prints one line and fails."""
    shutil.rmtree(folder / "test")
    command = [sys.executable, str(ROOT / "examples" / "train_classifier.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (1, "") == (done.returncode, done.stderr)
    assert "test/metadata.csv is missing" in done.stdout


def test_the_example_learns_from_an_export(folder: Path) -> None:
    """Trained on the export, the classifier recognizes the labels that the pictures show."""
    command = [sys.executable, str(ROOT / "examples" / "train_classifier.py"), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert 0 == done.returncode, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("Macro AUROC over 3 label(s): ")
    assert float(last.rpartition(" ")[2]) > 0.9
