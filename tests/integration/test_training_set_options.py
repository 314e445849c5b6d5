"""Fixed test splits, folds, devices and label sets of training sets on real servers."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.support.exported_folder import files_of, folds_of, splits_of
from tests.support.set_pictures import labelled_patients, picture_of, with_picture
from tests.support.set_rows import SetImage
from tests.support.training_set_site import Site
from training_set.export.verify import verify


def pictures_of_test(folder: Path) -> dict[str, bytes]:
    return {name: body for name, body in files_of(folder).items() if name.startswith("test/P")}


def test_a_fixed_test_split_stays_the_same(site: Site, name: str, tmp_path: Path) -> None:
    """Later versions have exactly its pictures, whatever is selected, added or shared, and diff says so."""
    images = site.add(labelled_patients(1, 40))
    site.export(name, tmp_path / "a")
    splits, fixed = splits_of(tmp_path / "a"), pictures_of_test(tmp_path / "a")
    site.add(labelled_patients(100, 30, seed=1))
    tested = next(image for image in images if splits[image.patient_id] == "test")
    more, body = with_picture(replace(tested, number=9, bucket=site.bucket), picture_of(SetImage(999)))
    shared, same = with_picture(SetImage(300, bucket=site.bucket), picture_of(tested))
    for image, content in ((more, body), (shared, same)):
        site.store.put(image.location, content, content_type="image/png")
    site.add_rows([more, shared])
    with psycopg.connect(site.url) as connection:  # it is selected no longer
        connection.execute(
            "update verdict set verdict = 'low_quality' where sop_instance_uid = %s",
            [tested.path.sop_instance_uid],
        )
    summary = site.export(name, tmp_path / "b", "--fix-test", "v1")
    assert (2, {"version": 1, "images": len(fixed), "missing": 0, "drawn_again": 0}) == (
        summary["version"],
        summary["fixed_test"],
    )
    assert fixed == pictures_of_test(tmp_path / "b")
    later = splits_of(tmp_path / "b")
    assert splits == {patient: later[patient] for patient in splits}
    assert {"train", "validation"} == {later[patient] for patient in later.keys() - splits.keys()}
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    causes = {image["key"]: image["cause"] for image in manifest["left_out"]}
    assert {more.key, shared.key} == causes.keys()
    assert "fixed since version 1" in causes[more.key]
    assert "near-equal to a picture of a patient in another split" in causes[shared.key]
    assert (1, summary["fixed_test"]) == (manifest["settings"]["fixed_test"], manifest["fixed_test"])
    assert "The test split is that of version 1" in (tmp_path / "b" / "README.md").read_text()
    site.run("verify", str(tmp_path / "b"))
    assert False is site.export(name, tmp_path / "b")["is_new"]
    found = json.loads(site.run("diff", name, "1", "2", "--json").stdout)
    assert {"version": 1, "added": [], "removed": []} == found["fixed_test"]
    assert "Test      fixed since v1: 0 pictures added, 0 removed" in site.run("diff", name, "1", "2").stdout
    stderr = site.run("export", name, "--fix-test", "v2", "--out", str(tmp_path / "c"), code=2).stderr
    assert "fixed since version 1 and stays so" in stderr


def test_an_erased_picture_leaves_a_fixed_test_split(site: Site, name: str, tmp_path: Path) -> None:
    """A version may fix its own test split; manifest and diff tell of patients who are erased later."""
    images = site.add(labelled_patients(1, 30))
    assert 0 == site.export(name, tmp_path / "a", "--fix-test", "1")["fixed_test"]["missing"]
    splits = splits_of(tmp_path / "a")
    erased = next(patient for patient in splits if splits[patient] == "test")
    gone = [image.path.sop_instance_uid for image in images if image.patient_id == erased]
    with psycopg.connect(site.url) as connection:
        connection.execute("delete from image where sop_instance_uid = any(%s)", [gone])
    summary = site.export(name, tmp_path / "b")
    assert (2, len(gone)) == (summary["version"], summary["fixed_test"]["missing"])
    found = json.loads(site.run("diff", name, "1", "2", "--json").stdout)
    assert ([], len(gone)) == (found["fixed_test"]["added"], len(found["fixed_test"]["removed"]))
    refused = site.run("export", f"{name}-x", "--fix-test", "2", "--out", str(tmp_path / "x"), code=2)
    assert "has no version 2 yet; the next is 1" in refused.stderr


def test_folds_are_written_kept_and_verified(site: Site, name: str, tmp_path: Path) -> None:
    """Every patient outside test has a fold, in all files, and keeps it in later versions."""
    site.add(labelled_patients(1, 60))
    site.export(name, tmp_path / "z")
    summary = site.export(name, tmp_path / "a", "--folds", "4")
    assert ["1", "2", "3", "4"] == list(summary["counts"]["folds"])
    folds, splits = folds_of(tmp_path / "a"), splits_of(tmp_path / "a")
    assert {patient for patient in splits if splits[patient] == "test"} == {
        patient for patient in folds if folds[patient] == 0
    }
    assert {1, 2, 3, 4} == {*folds.values()} - {0}
    for split in ("train", "validation", "test"):
        table = pd.read_csv(tmp_path / "a" / split / "metadata.csv")
        assert {patient: folds[patient] for patient in table["patient_id"]} == dict(
            zip(table["patient_id"], table["fold"], strict=True)
        )
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert 4 == manifest["settings"]["folds"]
    assert folds == {image["key"].partition("/")[0]: image["fold"] for image in manifest["images"]}
    site.run("verify", str(tmp_path / "a"))
    site.add(labelled_patients(200, 20, seed=1))
    site.export(name, tmp_path / "b")
    later = folds_of(tmp_path / "b")
    assert (80, folds) == (len(later), {patient: later[patient] for patient in folds})
    assert [] == json.loads(site.run("diff", name, "2", "3", "--json").stdout)["splits"]["folds_moved"]
    site.export(name, tmp_path / "c", "--folds", "0")
    assert "fold" not in pq.read_schema(tmp_path / "c" / "images.parquet").names
    site.export(name, tmp_path / "d", "--version", "1")
    assert files_of(tmp_path / "z") == files_of(tmp_path / "d")


def test_verify_finds_a_patient_in_two_folds(site: Site, name: str, tmp_path: Path) -> None:
    """A changed fold is reported with the patient and the duplicates that it divides."""
    site.add([SetImage(patient, number=number) for patient in range(1, 31) for number in (1, 2)])
    site.export(name, tmp_path / "a", "--folds", "3")
    path = tmp_path / "a" / "images.parquet"
    table = pq.read_table(path)
    row = pc.index(table["fold"], 1).as_py()
    changed = table["fold"].to_pylist()
    changed[row] = 2
    pq.write_table(table.set_column(table.column_names.index("fold"), "fold", pa.array(changed)), path)
    faults = list(verify(tmp_path / "a", lambda _: None))
    assert f"Patient {table['patient_id'][row]} is in several folds." in faults


def test_a_device_is_in_one_split(site: Site, name: str, tmp_path: Path) -> None:
    """With --split-by device all patients of a device are in one split and one fold, new ones too."""
    images = [replace(image, device_model=f"X {image.patient % 12}") for image in labelled_patients(1, 60)]
    site.add(images)
    result = site.run("export", name, "--split-by", "device", "--folds", "3", "--out", str(tmp_path / "a"))
    assert "By device: 0 patient(s) have images of several" in result.stderr
    site.run("verify", str(tmp_path / "a"))
    site.add([replace(image, device_model=f"X {image.patient % 12}") for image in labelled_patients(100, 12)])
    site.export(name, tmp_path / "b")
    table = pd.read_parquet(tmp_path / "b" / "images.parquet")
    assert (12, 72) == (table["device_model"].nunique(), table["patient_id"].nunique())
    assert {1} == set(table.groupby("device_model")["split"].nunique())
    assert {1} == set(table[table["fold"] > 0].groupby("device_model")["fold"].nunique())
    assert {"train", "validation", "test"} == set(table["split"])
    assert "All images of a device are in one split." in (tmp_path / "b" / "README.md").read_text()
    site.run("verify", str(tmp_path / "b"))
    refused = site.run("export", name, "--split-by", "manufacturer", "--out", str(tmp_path / "c"), code=2)
    assert "All patients are in one group" in refused.stderr


def test_label_sets_have_files_of_their_own(site: Site, name: str, tmp_path: Path) -> None:
    """Each set of labels has its file; --all-labels and --no-label-sets lead back."""
    site.add(labelled_patients(1, 20))
    sets = ("--label-set", "findings=Effusion,Nodule", "--label-set", "size=Cardiomegaly")
    site.export(name, tmp_path / "a", "--label", "Effusion", *sets)
    labels = pd.read_csv(tmp_path / "a" / "labels.csv", index_col="file_name")
    assert {"Effusion", "Nodule", "Cardiomegaly"} == set(labels.columns)
    for file, columns in (("findings", ["Effusion", "Nodule"]), ("size", ["Cardiomegaly"])):
        part = pd.read_csv(tmp_path / "a" / f"labels_{file}.csv", index_col="file_name")
        assert labels[columns].equals(part)
    manifest = json.loads((tmp_path / "a" / "manifest.json").read_text())
    assert {"findings": ["Effusion", "Nodule"], "size": ["Cardiomegaly"]} == manifest["settings"][
        "label_sets"
    ]
    assert {"labels_findings.csv", "labels_size.csv"} <= manifest["files"].keys()
    site.run("verify", str(tmp_path / "a"))
    assert False is site.export(name, tmp_path / "a")["is_new"]
    site.export(name, tmp_path / "b", "--no-label-sets")
    assert "file_name,Effusion\n" == (tmp_path / "b" / "labels.csv").read_text().splitlines(keepends=True)[0]
    assert [] == list((tmp_path / "b").glob("labels_*"))
    site.export(name, tmp_path / "c", "--all-labels")
    assert (
        "file_name,Cardiomegaly,Effusion,Nodule"
        == (tmp_path / "c" / "labels.csv").read_text().splitlines()[0]
    )
    for words, cause in (
        (["--all-labels", "--label", "Effusion"], "--all-labels and --label contradict"),
        (["--no-label-sets", *sets], "--no-label-sets and --label-set contradict"),
        (["--label-set", "Effusion"], "findings=Effusion,Edema"),
        (["--label-set", "a="], "has no label"),
        (["--label-set", "a=Unknown"], "no label 'Unknown'"),
        (["--folds", "1"], "at least 2"),
        (["--version", "1", "--folds", "0"], "allows no options of a new version"),
    ):
        assert cause in site.run("export", name, *words, "--out", str(tmp_path / "x"), code=2).stderr
