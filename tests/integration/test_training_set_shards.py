"""Training sets as shards, exported from real servers by the command line."""

import io
import json
import shutil
from pathlib import Path

import pytest
from PIL import Image

from tests.support.exported_folder import files_of
from tests.support.load_sets import load
from tests.support.set_pictures import labelled_patients, picture_of
from tests.support.training_set_site import Site
from training_set.formats.shard_format import shard_format


@pytest.mark.parametrize("form", ["parquet", "webdataset"])
def test_an_export_of_shards(site: Site, name: str, tmp_path: Path, form: str) -> None:
    """Shards hold every picture, are equal in a second export, continue after a loss, and pass verify."""
    images = {image.key: image for image in site.add(labelled_patients(1, 30))}
    summary = site.export(name, tmp_path / "a", "--format", form, "--shard-size", "1")
    assert len(images) == summary["counts"]["images"]
    shards = json.loads((tmp_path / "a" / "shards.json").read_text())
    read = shard_format(form).pictures
    found = {
        path.split("/", maxsplit=1)[1]: body
        for shard in shards
        for path, body in read(tmp_path / "a" / shard["file"])
    }
    assert images.keys() == found.keys()
    for key, body in found.items():
        with Image.open(io.BytesIO(body)) as picture:
            assert picture.tobytes() == picture_of(images[key]).tobytes()
    assert "as it was written" in site.run("verify", str(tmp_path / "a")).stdout
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    (tmp_path / "b" / shards[0]["file"]).unlink()
    (tmp_path / "b" / "manifest.json").unlink()
    assert "manifest.json is missing" in site.run("verify", str(tmp_path / "b"), code=1).stdout
    site.export(name, tmp_path / "b", "--version", "1", "--format", form, "--shard-size", "1")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    sets = load(str(tmp_path / "a"), cache_dir=str(tmp_path / "cache"))
    assert len(images) == sum(len(part) for part in sets.values())


def test_shards_take_no_other_images(site: Site, name: str, tmp_path: Path) -> None:
    """Shards hold pictures themselves, so references are refused before anything is frozen."""
    site.add(labelled_patients(1, 3))
    words = ("--format", "parquet", "--images", "reference", "--out", str(tmp_path / "a"))
    assert "holds the pictures themselves" in site.run("export", name, *words, code=2).stderr
    assert [] == site.rows("select * from training_set_version")
