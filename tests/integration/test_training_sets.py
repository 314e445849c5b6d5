"""Training sets on real servers: versions, splits, labels, selections and erasure."""

import json
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest
from psycopg.rows import dict_row

from infra.erasure.erase import frozen_exports
from tests.support.exported_folder import files_of, splits_of
from tests.support.set_pictures import labelled_patients, picture_of, put_pictures, with_picture
from tests.support.set_rows import SetImage, add_labels
from tests.support.training_set_site import Site
from training_set.selection.image_rows import read_images
from training_set.selection.options import Options


def test_the_same_version_again_gives_the_same_bytes(site: Site, name: str, tmp_path: Path) -> None:
    """Unchanged contents give no new version. A repeated export, also by number later, has equal bytes."""
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
    """With 20 % more patients, another seed and other shares no earlier patient moves, as diff confirms."""
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


def test_a_split_with_patients_can_not_be_dropped(site: Site, name: str, tmp_path: Path) -> None:
    """Shares that lack a split with patients are refused, and nothing is written."""
    site.add(labelled_patients(1, 20))
    site.export(name, tmp_path / "a")
    refused = site.run("export", name, "--split", "train=1", "--out", str(tmp_path / "b"), code=2)
    assert "since version 1" in refused.stderr
    assert not (tmp_path / "b").exists()
    assert [(1,)] == site.rows("select count(*) from training_set_version")


def test_a_version_keeps_its_labels(site: Site, name: str, tmp_path: Path) -> None:
    """A changed label gives a new version; the old one keeps the old value, and diff shows both."""
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
    """Equal files and near-equal pictures of different patients are always in one split."""
    images = put_pictures(site.store, labelled_patients(1, 60), site.bucket)
    copies = []
    for number, original in enumerate(images[:30]):
        noisy = np.clip(picture_of(original) + np.random.default_rng(number).normal(0, 3, (64, 64)), 0, 255)
        picture = picture_of(original) if number % 2 else noisy.astype(np.uint8)
        copy, body = with_picture(SetImage(500 + number, bucket=site.bucket, labels=original.labels), picture)
        site.store.put(copy.location, body, content_type="image/png")
        copies.append((original, copy))
    site.add_rows([*images, *(copy for _, copy in copies)])
    site.export(name, tmp_path / "a")
    splits = splits_of(tmp_path / "a")
    assert [] == [copy.key for one, copy in copies if splits[one.patient_id] != splits[copy.patient_id]]
    site.run("verify", str(tmp_path / "a"))


def test_a_duplicate_that_would_join_two_splits_is_left_out(site: Site, name: str, tmp_path: Path) -> None:
    """Patients in different splits stay there, and the later one of their equal pictures is left out."""
    site.add(labelled_patients(1, 30))
    site.export(name, tmp_path / "a")
    splits = splits_of(tmp_path / "a")
    train = next(patient for patient, split in splits.items() if split == "train")
    test = next(patient for patient, split in splits.items() if split == "test")
    shared = picture_of(SetImage(999))
    for patient in (train, test):
        image, body = with_picture(SetImage(int(patient[1:], 16), number=9, bucket=site.bucket), shared)
        site.store.put(image.location, body, content_type="image/png")
        site.add_rows([image])
    summary = site.export(name, tmp_path / "b")
    assert (2, 1) == (summary["version"], summary["left_out"])
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    assert test in manifest["left_out"][0]["key"]
    assert splits == splits_of(tmp_path / "b")
    site.run("verify", str(tmp_path / "b"))
    assert False is site.export(name, tmp_path / "b")["is_new"]


def test_selections_find_the_right_images(site: Site, name: str, tmp_path: Path) -> None:
    """Selections use columns, labels, dates and annotators; localizers and bad images must be named."""
    images = [
        SetImage(1, labels={"Effusion": 1.0}, annotator="a"),
        SetImage(2, modality="CT", labels={"Effusion": 0.0}, annotator="a"),
        SetImage(3, verdict="low_quality"),
        SetImage(4, is_localizer=True),
        SetImage(6, verdict="review"),
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
            "label('Effusion') is null and verdict is not null": {3, 6},
            "labels >= 1 and annotators('Effusion') = 1": {2, 5},
            "study_date >= '2020-01-01'": {1, 2},
            "study_date is null or modality = 'CT'": {2, 5},
            "verdict = 'low_quality'": {3},
            "verdict in ('good', 'review')": {1, 2, 5, 6},
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
        (["x", "--version", "three"], "'three' is not a version"),
        (["x", "--version", "1", "--seed", "2"], "allows no options of a new version"),
        (["x", "--images", "link"], "need each other"),
    ],
)
def test_bad_input_is_refused_with_its_cause(
    site: Site, tmp_path: Path, words: list[str], cause: str
) -> None:
    """An error is one sentence with exit code 2; nothing is written and no row is added."""
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
    """Nothing is exported if the database has such a key."""
    site.add_rows([SetImage(1)])
    with psycopg.connect(site.url) as connection:
        connection.execute("update image_allocation set key = %s", [key])
    refused = site.run("export", "x", "--out", str(tmp_path / "out"), code=2)
    assert "1 image(s) have an invalid key" in refused.stderr
    assert not (tmp_path / "out").exists()


def test_labels_that_no_image_has_cost_no_memory(site: Site) -> None:
    """Label names are never deleted, not even those of a wrong file, so unused ones must cost nothing."""
    site.add_rows([SetImage(patient, labels={"Effusion": 1.0}) for patient in range(1, 301)])
    with psycopg.connect(site.url) as connection:
        connection.execute("insert into label_name (name) select 'n' || i from generate_series(1, 20000) i")
        tracemalloc.start()
        try:
            found = read_images(connection, "true", Options())
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert (("Effusion",), (300, 1)) == (found.labels, found.label_values.shape)
    assert peak < 24_000_000


def test_an_erasure_lists_the_frozen_versions(site: Site, name: str, tmp_path: Path) -> None:
    """An erasure lists exactly the versions of all training sets that contain the patient."""
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
