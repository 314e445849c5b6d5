"""Frozen versions listed and published to real targets: a folder and a bucket of MinIO."""

import json
import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from huggingface_hub import DatasetCard

from common.store.object_key import Location
from tests.support.exported_folder import files_of
from tests.support.load_sets import load
from tests.support.own_bucket import remove_bucket
from tests.support.set_pictures import labelled_patients
from tests.support.training_set_site import Site
from training_set.publish.target import S3Target


@pytest.fixture
def bucket(site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty bucket to publish to, with its keys in the environment."""
    minio = json.loads((site.folder / "endpoints.json").read_text())["minio"]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", minio["access_key"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", minio["secret_key"])
    monkeypatch.setenv(
        "AWS_ENDPOINT_URL", f"{'https' if minio.get('secure') else 'http'}://{minio['endpoint']}"
    )
    name = f"published-{secrets.token_hex(4)}"
    site.store.ensure_bucket(name)
    yield name
    remove_bucket(site.store, name)


def publish(site: Site, name: str, to: str, *words: str, code: int = 0) -> dict[str, object]:
    """Publish a set; return what --json printed."""
    command = ("sets", "publish", "--home", str(site.folder), name, "--to", to, "--any-label", "--json")
    done = site.run_as_is(*command, *words, code=code)
    return json.loads(done.stdout) if done.stdout else {"stderr": done.stderr}


def test_a_version_is_published_to_s3(site: Site, name: str, bucket: str, tmp_path: Path) -> None:
    """A bucket gets the files of an export; again all are kept; a damaged one is named and stays."""
    images = site.add(labelled_patients(1, 8))
    site.export(name, tmp_path / "a")
    files = files_of(tmp_path / "a")
    done = publish(site, name, f"s3://{bucket}/sets/chest")
    assert (1, len(images), len(files) - 1, 0) == tuple(
        done[key] for key in ("version", "images", "copied", "kept")
    )
    target = S3Target(site.store, bucket, "sets/chest")
    assert files == {key: target.read(key) for key in target.names()}
    assert [] == list((site.folder / "publish").iterdir())
    assert (0, len(files) - 1) == tuple(
        publish(site, name, f"s3://{bucket}/sets/chest")[key] for key in ("copied", "kept")
    )
    location = Location(bucket, "sets/chest/labels.csv")
    site.store.put(location, b"changed", content_type="text/csv")
    refused = publish(site, name, f"s3://{bucket}/sets/chest", code=2)["stderr"]
    assert "labels.csv" in str(refused)
    assert b"changed" == site.store.read_now(location)
    site.store.delete(site.store.stat(location))
    assert 1 == publish(site, name, f"s3://{bucket}/sets/chest")["copied"]


def test_a_second_version_needs_another_place(site: Site, name: str, bucket: str) -> None:
    """A target with version 1 refuses version 2, whose own prefix takes it."""
    site.add(labelled_patients(1, 4))
    site.export(name, site.folder / "a")
    publish(site, name, f"s3://{bucket}/{name}")
    site.add(labelled_patients(50, 4))
    site.export(name, site.folder / "b")
    refused = publish(site, name, f"s3://{bucket}/{name}", code=2)["stderr"]
    assert f"contains {name} v1 as files" in str(refused)
    assert 2 == publish(site, name, f"s3://{bucket}/{name}-v2")["version"]
    assert 0 == publish(site, name, f"s3://{bucket}/{name}", "--version", "1")["copied"]


def test_a_folder_for_the_hub(site: Site, name: str, tmp_path: Path) -> None:
    """With --hub a folder passes verify, `datasets` opens it, and huggingface_hub reads its card."""
    images = site.add(labelled_patients(1, 20))
    site.export(name, tmp_path / "a")
    done = publish(site, name, str(tmp_path / "hub"), "--hub", "--work", str(tmp_path / "work"))
    assert ("parquet", len(images)) == (done["format"], done["images"])
    assert [] == list((tmp_path / "work").iterdir())
    assert "as it was written" in site.run("verify", str(tmp_path / "hub")).stdout
    sets = load(str(tmp_path / "hub"), cache_dir=str(tmp_path / "cache"))
    assert len(images) == sum(len(part) for part in sets.values())
    card = DatasetCard.load(tmp_path / "hub" / "README.md").data.to_dict()
    assert {"train", "validation", "test"} == {each["split"] for each in card["configs"][0]["data_files"]}


def test_a_publication_needs_a_frozen_version(site: Site, name: str, tmp_path: Path) -> None:
    """A set without a version is not frozen by publishing, and labels need the vocabulary's leave."""
    site.add(labelled_patients(1, 4))
    assert "has no version" in str(publish(site, name, str(tmp_path / "t"), code=2)["stderr"])
    assert [] == site.rows("select * from training_set_version")
    site.export(name, tmp_path / "a")
    command = ("sets", "publish", "--home", str(site.folder), name, "--to", str(tmp_path / "t"))
    assert "DCM2SET_LABEL_VOCABULARY" in site.run_as_is(*command, code=2).stderr
    assert not (tmp_path / "t").exists()


def test_missing_images_are_not_published(site: Site, name: str, tmp_path: Path) -> None:
    """Missing images end with exit code 3, and with --without-missing the others are published."""
    images = site.add(labelled_patients(1, 6))
    site.export(name, tmp_path / "a")
    with psycopg.connect(site.url) as connection:
        uid = images[0].path.sop_instance_uid
        connection.execute("update image set sha256 = 'other' where sop_instance_uid = %s", [uid])
    refused = str(publish(site, name, str(tmp_path / "t"), code=3)["stderr"])
    assert "Publish the others with --without-missing." in refused
    assert not (tmp_path / "t").exists()
    done = publish(site, name, str(tmp_path / "t"), "--without-missing")
    assert len(images) - 1 == done["images"]
    site.run("verify", str(tmp_path / "t"))


def test_sets_are_listed(site: Site, name: str, tmp_path: Path) -> None:
    """`sets list` shows every version with its time, images and splits."""
    command = ("sets", "list", "--home", str(site.folder))
    assert "There is no training set yet." in site.run_as_is(*command).stdout
    images = site.add(labelled_patients(1, 20))
    site.export(name, tmp_path / "a")
    site.add(labelled_patients(50, 5))
    site.export(name, tmp_path / "b")
    found = json.loads(site.run_as_is(*command, "--json").stdout)
    assert [(name, 1, len(images))] == [(each["name"], each["version"], each["images"]) for each in found[:1]]
    assert len(images) == sum(found[0]["splits"].values())
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert (manifest["digest"], manifest["created_at"]) == (found[1]["digest"], found[1]["frozen_at"])
    text = site.run_as_is(*command).stdout.splitlines()
    assert 2 == len(text)
    assert f"{name}  v2" in text[1]
    assert f"train {found[1]['splits']['train']}" in text[1]
