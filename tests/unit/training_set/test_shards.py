"""Training sets as Parquet and WebDataset shards: contents, equal bytes, interruptions, verify."""

import hashlib
import json
import tarfile
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from common.errors import DependencyAwayError, PermanentError
from common.store.object_key import Location
from tests.in_memory.object_store import InMemoryObjectStore
from tests.support.exported_folder import files_of
from tests.support.shard_site import BUCKET, ShardSite
from training_set.export.export_folder import ImagesMissingError
from training_set.export.image_files import ERASED, GONE, REDRAWN
from training_set.export.verify import verify
from training_set.formats.shard_format import shard_format

FORMS = pytest.mark.parametrize("form", ["parquet", "webdataset"])


@pytest.fixture
def site() -> ShardSite:
    return ShardSite()


def shards_of(folder: Path) -> list[dict[str, Any]]:
    return orjson.loads((folder / "shards.json").read_bytes())


def faults(folder: Path) -> list[str]:
    return list(verify(folder, lambda _: None))


def pictures_of(folder: Path, form: str) -> dict[str, bytes]:
    """Every picture in the shards by its file name."""
    read = shard_format(form).pictures
    return {name: body for shard in shards_of(folder) for name, body in read(folder / shard["file"])}


@FORMS
def test_shards_hold_every_picture_once(site: ShardSite, tmp_path: Path, form: str) -> None:
    """All pictures are in the shards of their split as they are in the store; verify is content."""
    site.export(tmp_path, form)
    expected = dict(zip(site.frozen.table["file_name"].to_pylist(), site.pictures.values(), strict=True))
    assert expected == pictures_of(tmp_path, form)
    assert [] == faults(tmp_path)
    shards = shards_of(tmp_path)
    assert len(expected) == sum(shard["images"] for shard in shards)
    names = [shard["file"] for shard in shards if shard["split"] == "train"]
    assert len(names) > 2
    if form == "parquet":
        assert [f"data/train-{at:05}-of-{len(names):05}.parquet" for at in range(len(names))] == names
    else:
        assert [f"train-{at:06}.tar" for at in range(len(names))] == names
    others = {"README.md", "croissant.json", "export.json", "images.parquet", "labels.csv", "manifest.json"}
    others |= {"shards.json", "card.json", "plots/class-balance.png", "plots/co-occurrence.png"}
    others |= {"plots/patients-by-split.png"}
    assert others | {shard["file"] for shard in shards} == set(files_of(tmp_path))


@FORMS
def test_equal_versions_give_equal_shards(site: ShardSite, tmp_path: Path, form: str) -> None:
    """Two exports have the same bytes in every file, and a third over the first changes none."""
    site.export(tmp_path / "a", form)
    site.export(tmp_path / "b", form)
    first = files_of(tmp_path / "a")
    assert first == files_of(tmp_path / "b")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").rglob("*-*") if path.is_file()}
    site.export(tmp_path / "a", form)
    assert first == files_of(tmp_path / "a")
    assert times == {path: path.stat().st_mtime_ns for path in times}


@FORMS
def test_an_interrupted_export_goes_on(
    site: ShardSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """What an interruption leaves does not pass verify; finished shards are kept, and the result is equal."""
    site.export(tmp_path / "b", form)
    left, read_now = [25], InMemoryObjectStore.read_now

    def read_some(store: InMemoryObjectStore, location: Location) -> bytes:
        left[0] -= 1
        if left[0] < 0:
            raise DependencyAwayError("The store is away.")
        return read_now(store, location)

    with monkeypatch.context() as broken:
        broken.setattr(InMemoryObjectStore, "read_now", read_some)
        with pytest.raises(DependencyAwayError):
            site.export(tmp_path / "a", form)
    assert ["manifest.json is missing: this is not an export, or it was interrupted."] == faults(
        tmp_path / "a"
    )
    begun = [path for path in (tmp_path / "a").rglob("*-0*.part") if path.is_file()]
    assert begun
    left[0] = len(site.pictures) - 10
    monkeypatch.setattr(InMemoryObjectStore, "read_now", read_some)
    site.export(tmp_path / "a", form)
    assert files_of(tmp_path / "b") == files_of(tmp_path / "a")


@FORMS
def test_a_damaged_shard_alone_is_written_again(site: ShardSite, tmp_path: Path, form: str) -> None:
    """A changed or lost shard is reported by verify; another export writes it again and keeps the others."""
    site.export(tmp_path, form)
    before = files_of(tmp_path)
    first, second, *rest = [tmp_path / shard["file"] for shard in shards_of(tmp_path)]
    first.write_bytes(b"damaged")
    second.unlink()
    found = faults(tmp_path)
    assert f"{first.relative_to(tmp_path).as_posix()} has other content." in found
    assert f"{second.relative_to(tmp_path).as_posix()} is missing." in found
    assert any("can't be read" in fault for fault in found)
    times = [path.stat().st_mtime_ns for path in rest]
    site.export(tmp_path, form)
    assert before == files_of(tmp_path)
    assert times == [path.stat().st_mtime_ns for path in rest]


@FORMS
def test_verify_looks_into_the_shards(site: ShardSite, tmp_path: Path, form: str) -> None:
    """Shards with the listed digests that hold other pictures than the manifest lists are reported."""
    site.export(tmp_path, form)
    manifest = orjson.loads((tmp_path / "manifest.json").read_bytes())
    of_train = [image for image in manifest["images"] if image["split"] == "train"]
    of_train[3]["sha256"] = "0" * 64
    body = orjson.dumps(manifest)
    mark = orjson.loads((tmp_path / "export.json").read_bytes())
    mark["sha256"]["manifest.json"] = hashlib.sha256(body).hexdigest()
    (tmp_path / "manifest.json").write_bytes(body)
    (tmp_path / "export.json").write_bytes(orjson.dumps(mark))
    assert f"The shards of train differ from the manifest at train/{of_train[3]['key']}." in faults(tmp_path)


@FORMS
def test_missing_pictures_are_left_out_on_request(site: ShardSite, tmp_path: Path, form: str) -> None:
    """Erased, lost and redrawn pictures refuse the export; left out, they are in no file and counted."""
    keys = list(site.pictures)
    erased, lost, redrawn = keys[3], keys[-1], keys[20]
    site.missing = {erased: ERASED}
    site.store.delete(site.store.stat(Location(BUCKET, lost)))
    site.store.put(Location(BUCKET, redrawn), b"another", content_type="image/png")
    with pytest.raises(ImagesMissingError, match="1 image"):
        site.export(tmp_path, form)
    site.export(tmp_path, form, without_missing=True)
    manifest = orjson.loads((tmp_path / "manifest.json").read_bytes())
    assert {ERASED: 1, GONE: 1, REDRAWN: 1} == manifest["missing"]
    assert len(keys) - 3 == len(pictures_of(tmp_path, form))
    assert [] == faults(tmp_path)
    assert not [name for name, body in files_of(tmp_path).items() if erased.encode() in body]
    before = files_of(tmp_path)
    site.export(tmp_path, form, without_missing=True)
    assert before == files_of(tmp_path)
    site.store.put(Location(BUCKET, lost), site.pictures[lost], content_type="image/png")
    site.export(tmp_path, form, without_missing=True)
    assert {ERASED: 1, REDRAWN: 1} == orjson.loads((tmp_path / "manifest.json").read_bytes())["missing"]
    assert [] == faults(tmp_path)


@FORMS
def test_another_size_of_shards_is_another_export(site: ShardSite, tmp_path: Path, form: str) -> None:
    """A folder with shards of another size is refused and stays as it is."""
    site.export(tmp_path, form)
    before = files_of(tmp_path)
    with pytest.raises(PermanentError, match="something else"):
        site.export(tmp_path, form, shard_bytes=9000)
    assert before == files_of(tmp_path)


@FORMS
def test_a_shard_larger_than_all_pictures(site: ShardSite, tmp_path: Path, form: str) -> None:
    """Each split with images has one shard if all its pictures fit."""
    site.export(tmp_path, form, shard_bytes=10**9)
    assert ["test", "train"] == [shard["split"] for shard in shards_of(tmp_path)]


def test_tars_tell_no_time_and_no_owner(site: ShardSite, tmp_path: Path) -> None:
    """Members have time 0, owner 0 and no names, and are the JSON file and the PNG file of each image."""
    site.export(tmp_path, "webdataset")
    with tarfile.open(tmp_path / "train-000000.tar") as file:
        members = file.getmembers()
        values = json.load(file.extractfile(members[0]))  # type: ignore[arg-type]
    assert {(0, 0, 0, "", "", 0o644)} == {
        (each.mtime, each.uid, each.gid, each.uname, each.gname, each.mode) for each in members
    }
    assert [".json", ".png"] * (len(members) // 2) == [Path(each.name).suffix for each in members]
    assert site.frozen.table.column_names == list(values)


def test_row_groups_are_bounded(site: ShardSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row group ends at its limit of bytes, so large pictures don't fill the memory."""
    monkeypatch.setattr("training_set.formats.parquet_shards._GROUP_BYTES", 1500)
    site.export(tmp_path, "parquet", shard_bytes=10**9)
    path = tmp_path / "data" / "train-00000-of-00001.parquet"
    with pq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
    assert len(groups) > 3
    assert max(groups) < 6
