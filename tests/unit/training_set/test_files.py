"""The files of a training set: CSV text, reproducible bytes, pictures in a folder, and verify."""

import hashlib
import io
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pytest
from click.testing import CliRunner

from common.errors import PermanentError, SettingsError
from common.store.object_key import Location
from infra.cli import cli
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.frozen_example import HOSTILE, frozen
from training_set.export.export_folder import files_by_digest
from training_set.export.image_files import GONE, REDRAWN, ImageFiles, WantedImage
from training_set.export.progress import Progress
from training_set.export.verify import verify
from training_set.formats.csv_text import csv_text, real_numbers, unambiguous_text
from training_set.selection.image_columns import label_column
from training_set.selection.options import parse_splits
from training_set.versions.differences import differences, differences_text
from training_set.versions.freeze import all_files
from training_set.versions.frozen_set import FrozenSet
from training_set.versions.set_name import checked_name


def test_the_same_set_gives_the_same_bytes() -> None:
    """Tables, plots, card and manifest are reproducible for all label names, without a warning."""
    first, again = all_files(frozen()), all_files(frozen())
    assert first == again
    assert b"Software" not in first["plots/class-balance.png"]
    assert not {b"tIME", b"tEXt", b"iTXt"} & {
        first["plots/co-occurrence.png"][at : at + 4] for at in range(200)
    }
    manifest = orjson.loads(first["manifest.json"])
    assert sorted(HOSTILE) == sorted(label["name"] for label in manifest["labels"])
    assert {
        name: hashlib.sha256(first[name]).hexdigest() for name in first if name != "manifest.json"
    } == manifest["files"]


def test_labels_keep_their_names() -> None:
    """A CSV reader finds every label under its name with its values."""
    files, table = all_files(frozen()), frozen().table
    read = pd.read_csv(io.BytesIO(files["labels.csv"]), index_col="file_name")
    assert HOSTILE == list(read.columns)
    for name in HOSTILE:
        assert np.array_equal(
            read[name].to_numpy(float), table[label_column(name)].to_numpy(), equal_nan=True
        )


def test_a_card_without_labels() -> None:
    """A training set may have no labels."""
    files = all_files(frozen([]))
    assert b"None of the images has a label" in files["README.md"]
    assert "plots/class-balance.png" not in files


def test_text_stays_text_for_pandas() -> None:
    """Pandas reads every text column as text without missing values."""
    words = [
        "12",
        "1.5e3",
        "NA",
        "n/a",
        "",
        "True",
        "nan",
        "-inf",
        "null",
        " 7 ",
        "1.2.3",
        "CHEST",
        None,
        "'x'",
        "a,b",
    ]
    for word in words:
        body = csv_text(
            pa.table({"word": unambiguous_text(pa.chunked_array([pa.array([word] * 2, pa.string())]))})
        )
        (read, _) = pd.read_csv(io.BytesIO(body))["word"]
        assert isinstance(read, str), word
        assert (word or "") in read or word is None


@pytest.mark.parametrize(
    "text", ["=1+1", "=cmd|' /C calc'!A0", "+1 2", "-CHEST", "@SUM(A1)", "\t=1", "=1\n2"]
)
def test_formulas_are_quoted(text: str) -> None:
    """Text that a spreadsheet would evaluate is put in single quotes, so it is shown as text."""
    column = unambiguous_text(pa.chunked_array([pa.array([text], pa.string())]))
    assert [f"'{text}'"] == column.to_pylist()


def test_whole_numbers_are_read_as_reals() -> None:
    """A column has the same type with and without missing values."""
    for values in ([1.0, 0.0], [1.0, None], [None, None], [0.25, -1.0]):
        column = real_numbers(pa.chunked_array([pa.array(values, pa.float64())]))
        assert (
            "float64"
            == pd.read_csv(io.BytesIO(csv_text(pa.table({"n": column, "x": ["a", "b"]}))))["n"].dtype
        )


@pytest.mark.parametrize(
    "text",
    ["", "train", "train=x", "train=0", "train=2", "train=0.5,train=0.5", "a=1", "train=0.5", "train=nan"],
)
def test_invalid_splits_are_refused(text: str) -> None:
    """Only names that imagefolder knows and shares that add up to 1 are accepted."""
    with pytest.raises(PermanentError):
        parse_splits(text)


def test_splits_have_a_fixed_order() -> None:
    """The order doesn't depend on the order of the option."""
    expected = {"train": 0.7, "validation": 0.1, "test": 0.2}
    found = parse_splits(" test=0.2, train = 0.7,validation=0.1")
    assert list(expected.items()) == list(found.items())


@pytest.mark.parametrize("name", ["", "A", "../x", "a/b", "a.b", "-a", "a" * 64, "a\n", "ä", "a b"])
def test_invalid_names_are_refused(name: str) -> None:
    """Names become parts of keys and folders, so other characters are refused."""
    with pytest.raises(PermanentError):
        checked_name(name)


BODY = b"a picture"
LOCATION = Location("pictures", "P1/1/2/3/1.png")
WANTED = WantedImage("train/P1/1/2/3/1.png", LOCATION.key, LOCATION, hashlib.sha256(BODY).hexdigest())


@pytest.fixture
def store() -> InMemoryObjectStore:
    store = InMemoryObjectStore()
    store.ensure_bucket("pictures")
    store.put(LOCATION, BODY, content_type="image/png")
    return store


def test_a_picture_is_written_completely_or_not_at_all(store: InMemoryObjectStore, tmp_path: Path) -> None:
    """A picture with other content or without an object is reported and leaves no file behind."""
    files = ImageFiles(tmp_path, store)
    store.put(LOCATION, b"another", content_type="image/png")
    assert {LOCATION.key: REDRAWN} == files.fetch_all([WANTED], lambda: None)
    store.delete(store.stat(LOCATION))
    assert {LOCATION.key: GONE} == files.fetch_all([WANTED], lambda: None)
    assert [] == [path for path in tmp_path.rglob("*") if path.is_file()]


def test_links_are_only_made_to_equal_files(store: InMemoryObjectStore, tmp_path: Path) -> None:
    """An equal file is linked without a download; for a changed one the picture is downloaded."""
    earlier = tmp_path / "earlier.png"
    files = ImageFiles(tmp_path / "out", store, {WANTED.sha256: earlier})
    earlier.write_bytes(b"changed since")
    assert files.fetch(WANTED) is None
    target = tmp_path / "out" / WANTED.file_name
    assert (BODY, 1) == (target.read_bytes(), target.stat().st_nlink)
    earlier.write_bytes(BODY)
    target.unlink()
    store.away = True
    assert files.fetch(WANTED) is None
    assert earlier.stat().st_ino == target.stat().st_ino


def test_a_manifest_can_not_link_from_elsewhere(tmp_path: Path) -> None:
    """Names in another export's manifest that lie outside its folder are ignored."""
    manifest = orjson.loads(all_files(frozen(number=3))["manifest.json"])
    manifest["images"][0]["key"] = "../../../../etc/1.png"
    manifest["images"][1]["split"] = "../train"
    (tmp_path / "manifest.json").write_bytes(orjson.dumps(manifest))
    (path,) = files_by_digest(tmp_path).values()
    assert path.is_relative_to(tmp_path)
    with pytest.raises(PermanentError, match="not a finished export"):
        files_by_digest(tmp_path / "none")


def test_verify_refuses_other_folders(tmp_path: Path) -> None:
    """An empty folder, broken JSON and names outside the folder are reported, and no such name is opened."""
    reports: list[str] = []
    missing = "export.json is missing: this is not an export, or it was interrupted."
    assert [missing] == list(verify(tmp_path, reports.append))
    (tmp_path / "export.json").write_bytes(b"{")
    (tmp_path / "manifest.json").write_bytes(b"[]")
    wrong = "export.json or manifest.json is not a file of an export."
    assert [wrong] == list(verify(tmp_path, reports.append))
    manifest = orjson.loads(all_files(frozen(number=3))["manifest.json"])
    manifest["files"]["../outside.csv"] = "0" * 64
    body = orjson.dumps(manifest)
    mark = {"digest": manifest["digest"], "sha256": {"manifest.json": hashlib.sha256(body).hexdigest()}}
    (tmp_path / "manifest.json").write_bytes(body)
    (tmp_path / "export.json").write_bytes(orjson.dumps(mark | {"images": "files"}))
    assert "'../outside.csv' lies outside the folder." in list(verify(tmp_path, reports.append))


@pytest.mark.parametrize(
    "changed",
    [
        {"images": [1]},
        {"images": [{}]},
        {"images": 3},
        {"images": [{"split": "train", "key": "P1/1.1/1.2/1.3/1.png", "sha256": ["0"]}]},
        {"settings": []},
        {"settings": {}},
        {"files": ["labels.csv"]},
        {"files": {"labels.csv": 1}},
        {"files": {"a\0b": "0"}},
        {"files": {"a" * 5000: "0"}},
    ],
)
def test_verify_reports_any_wrong_manifest(tmp_path: Path, changed: dict[str, object]) -> None:
    """A manifest with any other structure is reported as wrong."""
    body = orjson.dumps(orjson.loads(all_files(frozen(number=3))["manifest.json"]) | changed)
    (tmp_path / "manifest.json").write_bytes(body)
    mark = {"images": "files", "sha256": {"manifest.json": hashlib.sha256(body).hexdigest()}}
    (tmp_path / "export.json").write_bytes(orjson.dumps(mark))
    assert list(verify(tmp_path, lambda _: None))


@pytest.mark.parametrize("command", ["export", "diff", "verify", "tasks"])
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: str) -> None:
    """Without the packages of training sets, the commands that need them say what to install."""
    words = {"export": ["x"], "diff": ["x", "1", "2"], "verify": [str(tmp_path)], "tasks": ["x"]}[command]
    monkeypatch.setattr(
        "infra.training_sets.packages.find_spec", lambda name: None if name == "sqlglot" else name
    )
    done = CliRunner().invoke(cli, [command, *words])
    assert isinstance(done.exception, SettingsError)
    assert str(done.exception).startswith(
        "Not installed: sqlglot. To install: pip install 'dcm2set[training-sets]'"
    )


def test_progress_is_reported_every_two_seconds() -> None:
    """Reports come every two seconds and at the end, with the rate and the remaining time."""
    now, reports = [0.0], []
    progress = Progress(10, "images", reports.append, clock=lambda: now[0])
    for _ in range(10):
        now[0] += 0.5
        progress.advance()
    assert "4 of 10 images, 2 a second, 3 s left" == reports[0]
    assert "10 of 10 images, 2 a second, 0 s left" == reports[-1]
    assert 3 == len(reports)


def test_differences_list_every_kind() -> None:
    """Differences list added, removed and redrawn images, and added and removed labels."""
    older, newer = frozen(["a", "b"]), frozen(["a", "c"])
    table = newer.table.slice(1)
    digests = table["sha256"].to_pylist()
    table = table.set_column(table.column_names.index("sha256"), "sha256", pa.array(["0" * 64, *digests[1:]]))
    found = differences(older, FrozenSet(newer.head, table))
    assert [older.table["key"][0].as_py()] == found["images"]["removed"]
    assert [table["key"][0].as_py()] == found["images"]["drawn_again"]
    assert (["c"], ["b"]) == (found["labels"]["added"], found["labels"]["removed"])
    assert [] == found["splits"]["patients_moved"]
    assert "1 removed" in differences_text(found)
