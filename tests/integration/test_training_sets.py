"""Training sets on real servers: frozen, exported, stable, compared and verified by the command line."""

import errno
import json
import secrets
import shutil
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from psycopg.rows import dict_row

from common.errors import DependencyAwayError, PipelineError
from common.store.minio_store import MinioStore
from infra.cli import cli
from infra.patients.erase import frozen_exports
from tests.support.local_home import wait_for
from tests.support.own_database import own_database
from tests.support.set_pictures import labelled_patients, picture_of, put_pictures, with_picture
from tests.support.set_rows import SetImage, add_images, add_labels
from training_set.export.image_files import ImageFiles
from training_set.selection.image_rows import read_images
from training_set.selection.options import Options


@dataclass(frozen=True)
class Result:
    """What a command says."""

    stdout: str
    stderr: str


@dataclass
class Site:
    """A database and a bucket of pictures of a test's own, as a home's commands see them."""

    folder: Path
    url: str
    store: MinioStore
    bucket: str

    def add(self, images: list[SetImage]) -> list[SetImage]:
        """Images with rows and pictures."""
        known = put_pictures(self.store, images, self.bucket)
        self.add_rows(known)
        return known

    def add_rows(self, images: list[SetImage]) -> None:
        with psycopg.connect(self.url) as connection:
            add_images(connection, images)

    def run(self, *words: str, code: int = 0) -> Result:
        """`dcm2set` in this site; it has to end with that code."""
        home = [] if words[0] == "verify" else ["--home", str(self.folder)]
        done = CliRunner().invoke(cli, [words[0], *home, *words[1:]])
        stderr = done.stderr
        if isinstance(done.exception, PipelineError):  # as infra.cli.main tells it
            stderr, done.exit_code = f"{stderr}dcm2set: {done.exception}\n", 2
        elif done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert code == done.exit_code, done.stdout + stderr
        return Result(done.stdout, stderr)

    def export(self, name: str, out: Path, *words: str, code: int = 0) -> dict[str, Any]:
        """An export, as --json tells it."""
        done = self.run("export", name, "--out", str(out), "--json", *words, code=code)
        return json.loads(done.stdout) if done.stdout else {}

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture
def site(endpoints: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with own_database(endpoints["database_url"]) as url:
        yield from _site(endpoints, url, tmp_path_factory)


def _site(endpoints: dict[str, Any], url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    (folder / "endpoints.json").write_text(json.dumps({**endpoints, "database_url": url}), encoding="utf-8")
    store = MinioStore(**endpoints["minio"])
    bucket = f"pictures-{secrets.token_hex(4)}"
    store.ensure_bucket(bucket)
    yield Site(folder, url, store, bucket)
    for found in store.client.list_objects(bucket, recursive=True):
        store.client.remove_object(bucket, str(found.object_name))
    store.client.remove_bucket(bucket)


@pytest.fixture
def name() -> str:
    """A set's name of the test's own: frozen files stay in the bucket."""
    return f"test-{secrets.token_hex(4)}"


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def splits_of(folder: Path) -> dict[str, str]:
    table = pq.read_table(folder / "images.parquet", columns=["patient_id", "split"])
    return dict(zip(table["patient_id"].to_pylist(), table["split"].to_pylist(), strict=True))


def test_an_export_holds_all_that_it_promises(site: Site, name: str, tmp_path: Path) -> None:
    """Pictures, metadata.csv, labels.csv, Parquet, manifest and card; verify finds it right."""
    images = site.add(labelled_patients(1, 40))
    told = site.export(name, tmp_path / "a")
    assert (1, True, len(images)) == (told["version"], told["is_new"], told["counts"]["images"])
    files = files_of(tmp_path / "a")
    expected = {"manifest.json", "images.parquet", "labels.csv", "README.md", "export.json"}
    expected |= {"plots/class-balance.png", "plots/co-occurrence.png"}
    expected |= {f"{split}/metadata.csv" for split in ("train", "validation", "test")}
    splits = splits_of(tmp_path / "a")
    expected |= {f"{splits[image.patient_id]}/{image.key}" for image in images}
    assert expected == set(files)
    manifest = json.loads(files["manifest.json"])
    assert ["Cardiomegaly", "Effusion", "Nodule"] == [label["name"] for label in manifest["labels"]]
    assert {"dcm2set 1": len(images)} == manifest["made_by"]["deidentification"]
    assert {"m1": len(images)} == manifest["made_by"]["quality_model"]
    assert {"3": len(images)} == manifest["made_by"]["recipe_version"]
    assert "verdict = 'good' and not is_localizer" == manifest["settings"]["query"]
    by_key = {image["key"]: image for image in manifest["images"]}
    first = images[0]
    labels = [first.labels["Cardiomegaly"], first.labels["Effusion"], first.labels["Nodule"]]
    assert {
        "split": splits[first.patient_id],
        "key": first.key,
        "sha256": first.sha256,
        "labels": labels,
    } == by_key[first.key]
    assert "as it was written" in site.run("verify", str(tmp_path / "a")).stdout


def test_the_same_version_again_gives_the_same_bytes(site: Site, name: str, tmp_path: Path) -> None:
    """Unchanged contents are no new version; exported again, also later by number, all bytes are equal."""
    images = site.add(labelled_patients(1, 20))
    site.export(name, tmp_path / "a")
    again = site.export(name, tmp_path / "b")
    assert (1, False) == (again["version"], again["is_new"])
    site.add(labelled_patients(100, 5))
    assert 2 == site.export(name, tmp_path / "c")["version"]
    assert 1 == site.export(name, tmp_path / "d", "--version", "1")["version"]
    linked = site.export(
        name, tmp_path / "e", "--version", "1", "--images", "link", "--link-from", str(tmp_path / "a")
    )
    assert 1 == linked["version"]
    first = files_of(tmp_path / "a")
    assert first == files_of(tmp_path / "b") == files_of(tmp_path / "d") == files_of(tmp_path / "e")
    assert len(images) == sum((path.stat().st_nlink == 2) for path in (tmp_path / "e").rglob("P*/**/*.png"))


def test_a_patient_keeps_the_split_in_later_versions(site: Site, name: str, tmp_path: Path) -> None:
    """With 20 % more patients, another seed and other shares, nobody of before moves; diff proves it."""
    site.add(labelled_patients(1, 50))
    site.export(name, tmp_path / "a")
    site.add(labelled_patients(200, 10, seed=1))
    site.export(name, tmp_path / "b", "--seed", "7", "--split", "train=0.7,validation=0.1,test=0.2")
    before, after = splits_of(tmp_path / "a"), splits_of(tmp_path / "b")
    assert 60 == len(after)
    assert before == {patient: after[patient] for patient in before}
    found = json.loads(site.run("diff", name, "1", "2", "--json").stdout)
    assert (50, [], 10) == tuple(
        found["splits"][key] for key in ("patients_in_both", "patients_moved", "patients_added")
    )
    assert {"seed", "splits"} == found["settings"].keys()
    text = site.run("diff", name, "v1", "v2").stdout
    assert "50 patients in both, 0 of them in another split; 10 added" in text


def test_a_split_that_patients_are_in_can_not_be_dropped(site: Site, name: str, tmp_path: Path) -> None:
    """Shares without a split that holds patients are refused, and nothing is written."""
    site.add(labelled_patients(1, 20))
    site.export(name, tmp_path / "a")
    refused = site.run("export", name, "--split", "train=1", "--out", str(tmp_path / "b"), code=2)
    assert "since version 1" in refused.stderr
    assert not (tmp_path / "b").exists()
    assert [(1,)] == site.rows("select count(*) from training_set_version")


def test_labels_are_those_of_then(site: Site, name: str, tmp_path: Path) -> None:
    """A label that changes makes a new version; the old one keeps the old value, and diff tells both."""
    images = site.add([SetImage(patient, labels={"=Effusion": 0.0}) for patient in range(1, 13)])
    site.export(name, tmp_path / "a")
    with psycopg.connect(site.url) as connection:
        add_labels(connection, [replace(images[0], labels={"=Effusion": 1.0})])
    assert 2 == site.export(name, tmp_path / "b")["version"]
    site.export(name, tmp_path / "c", "--version", "1")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "c")
    found = json.loads(site.run("diff", name, "1", "2", "--json").stdout)
    change = {"key": images[0].key, "label": "=Effusion", "before": 0.0, "after": 1.0}
    assert [change] == found["labels"]["changes"]
    assert (tmp_path / "a" / "labels.csv").read_text().startswith("file_name,=Effusion\n")
    assert "=Effusion: 0 to 1" in site.run("diff", name, "1", "2").stdout


def test_duplicates_of_patients_stay_together(site: Site, name: str, tmp_path: Path) -> None:
    """Equal files and near-equal pictures of different patients are in one split, however many patients."""
    images = put_pictures(site.store, labelled_patients(1, 60), site.bucket)
    copies = []
    for number, original in enumerate(images[:30]):
        noisy = np.clip(picture_of(original) + np.random.default_rng(number).normal(0, 3, (64, 64)), 0, 255)
        picture = picture_of(original) if number % 2 else noisy.astype(np.uint8)
        copy, body = with_picture(SetImage(500 + number, bucket=site.bucket, labels=original.labels), picture)
        site.store.put(copy.place, body, content_type="image/png")
        copies.append((original, copy))
    site.add_rows([*images, *(copy for _, copy in copies)])
    site.export(name, tmp_path / "a")
    splits = splits_of(tmp_path / "a")
    assert [] == [copy.key for one, copy in copies if splits[one.patient_id] != splits[copy.patient_id]]
    site.run("verify", str(tmp_path / "a"))


def test_a_duplicate_that_would_join_two_splits_is_left_out(site: Site, name: str, tmp_path: Path) -> None:
    """Patients who are in different splits stay there; of their equal pictures the later one is left out."""
    site.add(labelled_patients(1, 30))
    site.export(name, tmp_path / "a")
    splits = splits_of(tmp_path / "a")
    train = next(patient for patient, split in splits.items() if split == "train")
    test = next(patient for patient, split in splits.items() if split == "test")
    shared = picture_of(SetImage(999))
    for patient in (train, test):
        image, body = with_picture(SetImage(int(patient[1:], 16), number=9, bucket=site.bucket), shared)
        site.store.put(image.place, body, content_type="image/png")
        site.add_rows([image])
    told = site.export(name, tmp_path / "b")
    assert (2, 1) == (told["version"], told["left_out"])
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert test in manifest["left_out"][0]["key"]
    assert splits == splits_of(tmp_path / "b")
    site.run("verify", str(tmp_path / "b"))
    assert False is site.export(name, tmp_path / "b")["is_new"]


def test_selections_find_what_they_say(site: Site, name: str, tmp_path: Path) -> None:
    """By columns, labels, dates and annotators; localizers and bad images only if spoken of."""
    images = [
        SetImage(1, labels={"Effusion": 1.0}, annotator="a"),
        SetImage(2, modality="CT", labels={"Effusion": 0.0}, annotator="a"),
        SetImage(3, verdict="low_quality"),
        SetImage(4, is_localizer=True),
        SetImage(5, study_date=None, view_position="AP", labels={"Effusion": 0.3}, annotator="a"),
    ]
    site.add_rows(images)
    with psycopg.connect(site.url) as connection:
        add_labels(connection, [replace(images[0], annotator="b")])
    for number, (where, patients) in enumerate(
        {
            "modality in ('CR', 'DX')": {1, 5},
            "label('Effusion') = 1 and annotators >= 2": {1},
            "label('Effusion') = 0.3": {5},
            "label('Effusion') is null and verdict is not null": {3},
            "labels >= 1 and annotators('Effusion') = 1": {2, 5},
            "study_date >= '2020-01-01'": {1, 2},
            "study_date is null or modality = 'CT'": {2, 5},
            "verdict = 'low_quality'": {3},
            "is_localizer": {4},
            "is_localizer or not is_localizer": {1, 2, 4, 5},
            "view_position like 'A%' and age_years between 50 and 70": {5},
        }.items()
    ):
        out = tmp_path / str(number)
        site.export(f"{name}-{number}", out, "--where", where, "--images", "reference")
        assert patients == {int(patient[1:], 16) for patient in splits_of(out)}, where


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (["../up"], "name has 1 to 63"),
        (["UP"], "name has 1 to 63"),
        (["x", "--where", "modality = 'DX'; drop table image"], "without ;"),
        (["x", "--where", "true or pg_sleep(9) is null"], "can't have"),
        (["x", "--where", "secret = 'a'"], "no column 'secret'"),
        (["x", "--where", "label('x''; drop table label; --') = 1"], "no label"),
        (["x", "--where", "modality = 'XX'"], "No image is selected"),
        (["x", "--label", "'; drop table label; --"], "no label"),
        (["x", "--split", "train=0.5,test=0.6"], "add up to 1.1"),
        (["x", "--split", "../x=1"], "train, validation or test"),
        (["x", "--version", "3"], "no version 3"),
        (["x", "--version", "three"], "'three' is no version"),
        (["x", "--version", "1", "--seed", "2"], "takes no selection"),
        (["x", "--images", "link"], "belong together"),
    ],
)
def test_bad_input_is_refused_with_its_cause(
    site: Site, tmp_path: Path, words: list[str], cause: str
) -> None:
    """One sentence, exit code 2, nothing written, no row."""
    site.add_rows([SetImage(1, labels={"Effusion": 1.0})])
    refused = site.run("export", *words, "--out", str(tmp_path / "out"), code=2)
    assert cause in refused.stderr
    assert not (tmp_path / "out").exists()
    assert [(0,)] == site.rows("select count(*) from training_set_version")
    assert [(1,)] == site.rows("select count(*) from label")


@pytest.mark.parametrize(
    "key", ["../../etc/1.png", "P1/../../../1.png", "/etc/a/b/c/1.png", "P1/a/b/c/1.png\n"]
)
def test_a_key_that_leaves_the_folder_is_refused(site: Site, tmp_path: Path, key: str) -> None:
    """Should such a key ever be in the database, nothing is exported."""
    site.add_rows([SetImage(1)])
    with psycopg.connect(site.url) as connection:
        connection.execute("update image_allocation set key = %s", [key])
    refused = site.run("export", "x", "--out", str(tmp_path / "out"), code=2)
    assert "1 image(s) have a key that is none" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_an_interrupted_export_goes_on(site: Site, name: str, tmp_path: Path) -> None:
    """Files that are there and right stay, half ones and damaged ones are made anew, and it ends the same."""
    site.add(labelled_patients(1, 15))
    site.export(name, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    whole = files_of(tmp_path / "a")
    pictures = sorted((tmp_path / "b").rglob("P*/**/*.png"))
    pictures[0].rename(pictures[0].with_name("1.png.part"))
    pictures[1].write_bytes(b"damaged")
    kept = pictures[2].stat().st_mtime_ns
    for path in [tmp_path / "b" / "manifest.json", tmp_path / "b" / "labels.csv"]:
        path.unlink()
    assert "manifest.json is missing" in site.run("verify", str(tmp_path / "b"), code=1).stdout
    site.export(name, tmp_path / "b")
    assert whole == files_of(tmp_path / "b")
    assert kept == pictures[2].stat().st_mtime_ns


def test_a_killed_export_goes_on(site: Site, name: str, tmp_path: Path) -> None:
    """An export that is killed amid its pictures is no export yet; run again, it is as if it never was."""
    images = site.add(labelled_patients(1, 150))
    folder = tmp_path / "a"
    words = ["export", name, "--home", str(site.folder), "--out", str(folder), "--at-a-time", "1"]
    with subprocess.Popen([sys.executable, "-m", "infra.cli", *words], stderr=subprocess.DEVNULL) as process:
        wait_for(lambda: len(list(folder.rglob("*.png"))) > 20 or process.poll() is not None, seconds=60)
        process.kill()
    assert len(list(folder.rglob("P*/**/*.png"))) < len(images)
    assert "manifest.json is missing" in site.run("verify", str(folder), code=1).stdout
    site.export(name, folder)
    site.export(name, tmp_path / "b")
    assert files_of(tmp_path / "b") == files_of(folder)


@pytest.mark.parametrize(
    "fault", [DependencyAwayError("The store is away."), OSError(errno.ENOSPC, "No space left on device")]
)
def test_an_export_that_fails_tells_how_to_go_on(
    site: Site, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """A store that is away or a full disk is told in a line, with the command that goes on."""
    site.add(labelled_patients(1, 5))

    def fail(*_: object) -> None:
        raise fault

    with monkeypatch.context() as broken:
        broken.setattr(ImageFiles, "bring", fail)
        told = site.run("export", name, "--out", str(tmp_path / "a"), code=2).stderr
    assert (fault.strerror if isinstance(fault, OSError) else str(fault)) in told
    assert f"To go on: dcm2set export {name} --version 1 --out {tmp_path / 'a'} --images copy" in told
    site.run("export", name, "--version", "v1", "--out", str(tmp_path / "a"))
    assert "as it was written" in site.run("verify", str(tmp_path / "a")).stdout


def test_labels_that_no_image_has_cost_no_memory(site: Site) -> None:
    """Names of labels are kept for ever, also those of a file that was wrong."""
    site.add_rows([SetImage(patient, labels={"Effusion": 1.0}) for patient in range(1, 301)])
    with psycopg.connect(site.url) as connection:
        connection.execute("insert into label_name (name) select 'n' || i from generate_series(1, 20000) i")
        tracemalloc.start()
        try:
            found = read_images(connection, "true", Options())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (("Effusion",), (300, 1)) == (found.labels, found.said.shape)
    assert peak < 24_000_000


def test_a_folder_with_something_else_is_left_alone(site: Site, name: str, tmp_path: Path) -> None:
    """Neither foreign files nor another version are written over."""
    site.add(labelled_patients(1, 5))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("mine")
    assert "something else" in site.run("export", name, "--out", str(tmp_path / "mine"), code=2).stderr
    assert ["thesis.txt"] == list(files_of(tmp_path / "mine"))
    site.export(name, tmp_path / "a")
    site.add(labelled_patients(50, 5))
    before = files_of(tmp_path / "a")
    assert "something else" in site.run("export", name, "--out", str(tmp_path / "a"), code=2).stderr
    assert before == files_of(tmp_path / "a")


def test_images_that_are_gone_are_told(site: Site, name: str, tmp_path: Path) -> None:
    """Erased, drawn again or gone: told and counted, exit code 1, unless told to go on without."""
    images = site.add(labelled_patients(1, 12))
    site.export(name, tmp_path / "a")
    redrawn, lost, erased = images[0], images[-1], images[5]
    with psycopg.connect(site.url) as connection:
        uid = redrawn.path.sop_instance_uid
        connection.execute("update image set sha256 = 'other' where sop_instance_uid = %s", [uid])
        gone = [image.path.sop_instance_uid for image in images if image.patient == erased.patient]
        connection.execute("delete from image where sop_instance_uid = any(%s)", [gone])
        connection.execute("insert into erased_patient values (%s, 'dr', 'x')", [erased.patient_id])
    site.store.delete(site.store.stat(lost.place))
    again = ("export", name, "--version", "1", "--out", str(tmp_path / "b"))
    refused = site.run(*again, code=1).stderr
    assert f"{len(gone)} erased on request" in refused
    assert "1 drawn again since" in refused
    assert redrawn.key in refused
    assert not (tmp_path / "b").exists()
    site.run(*again, "--without-missing")
    told = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert {"drawn again since": 1, "erased on request": len(gone), "gone from the store": 1} == told[
        "missing"
    ]
    assert len(images) - 2 - len(gone) == told["counts"]["images"] == len(told["images"])
    assert erased.patient_id not in (tmp_path / "b" / "train" / "metadata.csv").read_text()
    site.run("verify", str(tmp_path / "b"))


def test_an_erasure_lists_the_frozen_versions(site: Site, name: str, tmp_path: Path) -> None:
    """The versions that hold the patient, of every set, and no others; they stay as they are."""
    site.add(labelled_patients(1, 8))
    site.export(name, tmp_path / "a")
    site.export(f"{name}-ct", tmp_path / "b", "--where", "patient_id = 'P00000000000000000002'")
    site.add(labelled_patients(50, 2))
    site.export(name, tmp_path / "c")
    with psycopg.connect(site.url, row_factory=dict_row) as connection:
        found = {number: frozen_exports(connection, SetImage(number).patient_id) for number in (1, 2, 50, 99)}
    both = [f"{name} v1", f"{name} v2"]
    assert {1: both, 2: [*both, f"{name}-ct v1"], 50: [f"{name} v2"], 99: []} == {
        number: sorted(versions) for number, versions in found.items()
    }


def test_verify_names_what_is_wrong(site: Site, name: str, tmp_path: Path) -> None:
    """A changed, a missing, an additional picture and a changed table each have their line."""
    site.add(labelled_patients(1, 10))
    site.export(name, tmp_path / "a")
    pictures = sorted((tmp_path / "a").rglob("P*/**/*.png"))
    pictures[0].write_bytes(pictures[1].read_bytes())
    pictures[2].unlink()
    (pictures[0].parent / "7.png").write_bytes(b"x")
    with (tmp_path / "a" / "labels.csv").open("a") as file:
        file.write("x,1\n")
    told = site.run("verify", str(tmp_path / "a"), code=1).stdout
    relative = [path.relative_to(tmp_path / "a").as_posix() for path in pictures]
    assert f"{relative[0]} has another content." in told
    assert f"{relative[2]} is missing." in told
    assert "7.png is no part of the export." in told
    assert "labels.csv has another content." in told
    assert "4 thing(s) are wrong." in told


def test_references_say_where_the_images_are(site: Site, name: str, tmp_path: Path) -> None:
    """Without pictures: the tables, and for each image its place now, also after it was moved."""
    images = site.add(labelled_patients(1, 6))
    site.export(name, tmp_path / "a", "--images", "reference")
    assert [] == list((tmp_path / "a").rglob("P*/**/*.png"))
    lines = (tmp_path / "a" / "references.csv").read_text().splitlines()
    assert "file_name,url,sha256" == lines[0]
    assert {f"s3://{site.bucket}/{image.key},{image.sha256}" for image in images} == {
        line.partition(",")[2] for line in lines[1:]
    }
    site.run("verify", str(tmp_path / "a"))
    with psycopg.connect(site.url) as connection:
        connection.execute(
            "update image_allocation set bucket = 'suboptimal' where key = %s", [images[0].key]
        )
        connection.execute(
            "update verdict set verdict = 'low_quality' where sop_instance_uid = %s",
            [images[0].path.sop_instance_uid],
        )
    site.export(name, tmp_path / "b", "--images", "reference", "--version", "1")
    assert f"s3://suboptimal/{images[0].key}" in (tmp_path / "b" / "references.csv").read_text()
