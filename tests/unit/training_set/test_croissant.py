"""Croissant metadata of a training set: valid, complete, and read by MLCommons' own package."""

import subprocess
import sys
import warnings
from datetime import date
from pathlib import Path
from typing import Any

import mlcroissant
import numpy as np
import orjson
import pyarrow as pa
import pytest
from mlcroissant._src.core.rdf import make_context
from PIL import Image

from tests.support.frozen_example import HOSTILE, frozen
from training_set.formats.croissant import CROISSANT, field_id
from training_set.formats.croissant_context import CONTEXT
from training_set.selection.image_columns import column_description
from training_set.versions.freeze import all_files
from training_set.versions.frozen_set import FrozenSet


def with_values(training_set: FrozenSet) -> FrozenSet:
    """The set with a date in every other row, and a number and a boolean in each."""
    table, number = training_set.table, len(training_set.table)
    dates = [date(2021, 5, 4) if index % 2 else None for index in range(number)]
    values = {"study_date": dates, "frame": [1] * number, "is_localizer": [False] * number}
    for name, column in values.items():
        at = table.column_names.index(name)
        table = table.set_column(at, name, pa.array(column, table.schema.field(name).type))
    return FrozenSet(training_set.head, table)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An exported folder with small pictures, some of 16 bits."""
    training_set = with_values(frozen())
    for name, body in all_files(training_set).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(body)
    for index, name in enumerate(training_set.table["file_name"].to_pylist()):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6), index, np.uint8)).save(tmp_path / name)
    return tmp_path


def opened(folder: Path) -> mlcroissant.Dataset:
    """The folder as mlcroissant opens it, without the warnings of the packages that it uses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return mlcroissant.Dataset(jsonld=str(folder / CROISSANT))


def records(folder: Path, record_set: str) -> list[dict[str, Any]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return list(opened(folder).records(record_set=record_set))


def test_mlcroissant_finds_no_error_and_no_warning(folder: Path) -> None:
    """The metadata is valid Croissant 1.1, also with label names of every kind."""
    metadata = opened(folder).metadata
    assert (set(), set()) == (metadata.ctx.issues.errors, metadata.ctx.issues.warnings)
    assert metadata.ctx.is_v1_1()
    assert ["splits", "images", "pictures"] == [each.uuid for each in metadata.record_sets]


def test_the_validating_command_is_content(folder: Path) -> None:
    """`mlcroissant validate` succeeds and logs no warning."""
    command = [sys.executable, "-W", "ignore", "-m", "mlcroissant.scripts.validate"]
    done = subprocess.run(
        [*command, "--jsonld", str(folder / CROISSANT)], capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stderr
    assert "Done." in done.stderr
    assert not {"WARNING", "warning", "Error"} & set(done.stderr.replace(":", " ").split())


def test_every_record_can_be_read(folder: Path) -> None:
    """Every column of every image and every picture is read offline, with the file's checksum verified."""
    table = with_values(frozen()).table
    found = records(folder, "images")
    assert table["file_name"].to_pylist() == [each["images/file_name"].decode() for each in found]
    for name in HOSTILE:
        values = [each[field_id(f"label_{name}")] for each in found]
        assert table[f"label_{name}"].to_pylist() == values
    assert [date(2021, 5, 4), None] == [
        each["images/study_date"] and each["images/study_date"].date() for each in (found[1], found[0])
    ]
    assert {(1, False)} == {(each["images/frame"], each["images/is_localizer"]) for each in found}
    pictures = records(folder, "pictures")
    assert table["file_name"].to_pylist() == [each["pictures/file_name"].decode() for each in pictures]
    assert {(6, 4)} == {each["pictures/content"].size for each in pictures}


def test_splits_and_labels_are_declared(folder: Path) -> None:
    """Splits have their meaning, the split of an image refers to them, and label columns are labels."""
    expected = [
        {"splits/name": "train", "splits/url": "cr:TrainingSplit"},
        {"splits/name": "test", "splits/url": "cr:TestSplit"},
    ]
    document = orjson.loads((folder / CROISSANT).read_bytes())
    by_id = {each["@id"]: each for each in document["recordSet"]}
    assert ("cr:Split", expected) == (by_id["splits"]["dataType"], by_id["splits"]["data"])
    fields = {field["name"]: field for field in by_id["images"]["field"]}
    assert {"field": {"@id": "splits/name"}} == fields["split"]["references"]
    assert [f"label_{name}" for name in HOSTILE] == [
        name for name, field in fields.items() if "cr:Label" in field["dataType"]
    ]
    assert {name: column_description(name) for name in fields} == {
        name: field["description"] for name, field in fields.items()
    }


def test_the_set_is_described() -> None:
    """Name, version, licence, citation and date are stated; a set's own words replace the general ones."""
    training_set = frozen(["a"], 6)
    plain = orjson.loads(all_files(training_set)[CROISSANT])
    assert ("set", "1.0.0", "2026-01-01T00:00:00+00:00") == tuple(
        plain[key] for key in ("name", "version", "datePublished")
    )
    assert plain["license"].startswith("No licence was stated.")
    assert training_set.head["digest"] in plain["citeAs"]
    words = {"licence": "CC-BY-4.0", "citation": "@misc{x}", "description": "Chest radiographs."}
    own = orjson.loads(
        all_files(FrozenSet({**training_set.head, "about": words}, training_set.table))[CROISSANT]
    )
    assert list(words.values()) == [own[key] for key in ("license", "citeAs", "description")]


def test_creator_and_page_are_stated(tmp_path: Path) -> None:
    """A creator and a web page that the set states are valid Croissant."""
    training_set = frozen(["a"], 6)
    about = {"creator": "Hospital, Radiology", "url": "https://hospital.example/chest"}
    files = all_files(FrozenSet({**training_set.head, "about": about}, training_set.table))
    (tmp_path / CROISSANT).write_bytes(files[CROISSANT])
    metadata = opened(tmp_path).metadata
    assert (set(), set()) == (metadata.ctx.issues.errors, metadata.ctx.issues.warnings)
    assert (about["url"], [about["creator"]]) == (metadata.url, [each.name for each in metadata.creators])


def test_the_context_is_that_of_the_standard(folder: Path) -> None:
    """The JSON-LD context is the one that mlcroissant expects of Croissant 1.1."""
    assert make_context(opened(folder).metadata.ctx) == CONTEXT
