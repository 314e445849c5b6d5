"""Shards opened as others do: datasets, webdataset, mlcroissant, and the hub's reading of the card."""

import gc
import io
import warnings
from pathlib import Path

import mlcroissant
import numpy as np
import pytest
from PIL import Image

from tests.support.load_sets import load
from tests.support.shard_site import ShardSite
from training_set.formats.card_text import card_of_shards
from training_set.formats.shard_format import shard_format


@pytest.fixture
def site() -> ShardSite:
    return ShardSite()


def test_datasets_opens_parquet_shards(site: ShardSite, tmp_path: Path) -> None:
    """`load_dataset` of the folder decodes pictures of 8 and 16 bits and gives every column with its type."""
    site.export(tmp_path / "set", "parquet")
    sets = load(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))
    table = site.frozen.table
    assert {"train", "test"} == set(sets)
    for split, rows in sets.items():
        expected = [row for row in table.to_pylist() if row["split"] == split]
        assert len(expected) == len(rows)
        for row, found in zip(expected, rows, strict=True):
            with Image.open(io.BytesIO(site.pictures[row["key"]])) as image:
                assert np.array_equal(np.asarray(image), np.asarray(found.pop("image")))
            assert row == found


def test_datasets_opens_tars(site: ShardSite, tmp_path: Path) -> None:
    """The builder webdataset gives pictures and values, also where the first images lack some of them."""
    site.export(tmp_path / "set", "webdataset")
    files = {split: str(tmp_path / "set" / f"{split}-*.tar") for split in ("train", "test")}
    sets = load("webdataset", data_files=files, cache_dir=str(tmp_path / "cache"))
    rows = {row["sop_instance_uid"]: row for row in site.frozen.table.to_pylist()}
    assert len(rows) == sum(len(part) for part in sets.values())
    for found in (each for part in sets.values() for each in part):
        values, row = found["json"], rows[found["json"]["sop_instance_uid"]]
        assert (row["sha256"], str(row["study_date"] or "unknown")) == (
            values["sha256"],
            values["study_date"],
        )
        assert row["instance_number"] == (
            None if np.isnan(values["instance_number"]) else values["instance_number"]
        )
        with Image.open(io.BytesIO(site.pictures[row["key"]])) as image:
            assert np.array_equal(np.asarray(image), np.asarray(found["png"]))
    again = load(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache2"))
    assert {split: len(part) for split, part in sets.items()} == {
        split: len(part) for split, part in again.items()
    }


def test_webdataset_opens_tars(site: ShardSite, tmp_path: Path) -> None:
    """The package webdataset iterates pictures with their values; keys have no dots."""
    import webdataset

    site.export(tmp_path, "webdataset")
    tars = [str(path) for path in sorted(tmp_path.glob("train-*.tar"))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        samples = list(webdataset.WebDataset(tars, shardshuffle=False).decode("pil"))
        gc.collect()  # closes files that webdataset leaves open
    expected = [row for row in site.frozen.table.to_pylist() if row["split"] == "train"]
    assert [row["file_name"] for row in expected] == [sample["json"]["file_name"] for sample in samples]
    for row, sample in zip(expected, samples, strict=True):
        assert f"{row['sop_instance_uid'].replace('.', '-')}_1" == sample["__key__"]
        label = sample["json"]["label_Effusion"]
        assert row["label_Effusion"] == (None if np.isnan(label) else label)
        assert (20, 16) == sample["png"].size


def test_croissant_reads_parquet_shards(site: ShardSite, tmp_path: Path) -> None:
    """The shards' metadata is valid Croissant, and pictures of 16 bits keep their values."""
    site.export(tmp_path, "parquet")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = mlcroissant.Dataset(jsonld=str(tmp_path / "croissant.json"))
        assert (set(), set()) == (dataset.metadata.ctx.issues.errors, dataset.metadata.ctx.issues.warnings)
        records = list(dataset.records("pictures"))
    by_name = {each["pictures/file_name"].decode(): each["pictures/content"] for each in records}
    first = site.frozen.table["file_name"][0].as_py()
    with Image.open(io.BytesIO(next(iter(site.pictures.values())))) as image:
        assert np.array_equal(np.asarray(image), np.asarray(by_name[first]))
    assert len(site.pictures) == len(by_name)


def test_the_hub_reads_the_card(site: ShardSite, tmp_path: Path) -> None:
    """huggingface_hub parses the card's front matter: licence, tasks, tags, size and the shards of splits."""
    from huggingface_hub import DatasetCard

    site.export(tmp_path, "parquet")
    data = DatasetCard.load(tmp_path / "README.md").data
    assert ("unknown", ["image-classification"], ["n<1K"]) == (
        data.license,
        data.task_categories,
        data.size_categories,
    )
    assert {"medical", "radiology"} <= set(data.tags)
    (config,) = data.to_dict()["configs"]
    files = {each["split"]: each["path"] for each in config["data_files"]}
    assert {"train": "data/train-*", "test": "data/test-*"} == files
    text = (tmp_path / "README.md").read_text()
    assert "metadata.csv" not in text
    assert "## Origin" in text


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        ("---\nlicense: cc0-1.0\n---\n# A\n", "---\nlicense: cc0-1.0\n---\n# A\n\n## Files\n"),
        ("# A\n\n## Files\n\nold\n\n## More\n\nkept\n", "---\nlicense: unknown\n---\n# A\n\n## Files\n"),
    ],
)
def test_a_card_of_another_form_is_adapted(card: str, expected: str) -> None:
    """A card keeps its licence and its other sections; its section on files is replaced or added."""
    found = card_of_shards(card, shard_format("webdataset"))
    assert found.startswith(expected)
    assert "old" not in found
    assert ("## More" in card) == found.endswith("## More\n\nkept\n")
    assert "| `<split>-*.tar` |" in found
