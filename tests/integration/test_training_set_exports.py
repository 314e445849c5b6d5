"""Exported folders on real servers: contents, interruptions, missing images, references and verify."""

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from common.errors import DependencyAwayError
from tests.support.exported_folder import files_of, splits_of
from tests.support.local_home import wait_for
from tests.support.set_pictures import labelled_patients
from tests.support.training_set_site import Site
from training_set.export.image_files import ImageFiles


def test_an_export_has_all_its_files(site: Site, name: str, tmp_path: Path) -> None:
    """An export has pictures, tables, Croissant metadata, manifest and card, and passes verify."""
    images = site.add(labelled_patients(1, 40))
    summary = site.export(name, tmp_path / "a")
    assert (1, True, len(images)) == (summary["version"], summary["is_new"], summary["counts"]["images"])
    files = files_of(tmp_path / "a")
    expected = {"manifest.json", "images.parquet", "labels.csv", "README.md", "export.json"}
    expected |= {"card.json", "croissant.json"}
    expected |= {"plots/class-balance.png", "plots/co-occurrence.png"}
    expected |= {"plots/funnel.png", "plots/patients-by-split.png"}
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


def test_an_interrupted_export_can_be_continued(site: Site, name: str, tmp_path: Path) -> None:
    """Correct files are kept, partial and damaged ones are replaced, and the result is the same."""
    site.add(labelled_patients(1, 15))
    site.export(name, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    complete = files_of(tmp_path / "a")
    pictures = sorted((tmp_path / "b").rglob("P*/**/*.png"))
    pictures[0].rename(pictures[0].with_name("1.png.part"))
    pictures[1].write_bytes(b"damaged")
    modified = pictures[2].stat().st_mtime_ns
    for path in [tmp_path / "b" / "manifest.json", tmp_path / "b" / "labels.csv"]:
        path.unlink()
    assert "manifest.json is missing" in site.run("verify", str(tmp_path / "b"), code=1).stdout
    site.export(name, tmp_path / "b")
    assert complete == files_of(tmp_path / "b")
    assert modified == pictures[2].stat().st_mtime_ns


def test_a_killed_export_can_be_continued(site: Site, name: str, tmp_path: Path) -> None:
    """A killed export doesn't pass verify; run again, it equals an uninterrupted one."""
    images = site.add(labelled_patients(1, 150))
    folder = tmp_path / "a"
    words = ["export", name, "--home", str(site.folder), "--out", str(folder), "--at-a-time", "1"]
    words += ["--any-label", "--without-statement", "a test"]
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
def test_a_failed_export_prints_how_to_continue(
    site: Site, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    """An unavailable store or a full disk is reported with the command that continues the export."""
    site.add(labelled_patients(1, 5))

    def fail(*_: object) -> None:
        raise fault

    with monkeypatch.context() as broken:
        broken.setattr(ImageFiles, "fetch", fail)
        stderr = site.run("export", name, "--out", str(tmp_path / "a"), code=2).stderr
    assert (fault.strerror if isinstance(fault, OSError) else str(fault)) in stderr
    assert f"Continue with: dcm2set export {name} --version 1 --out {tmp_path / 'a'} --images copy" in stderr
    site.run("export", name, "--version", "v1", "--out", str(tmp_path / "a"))
    assert "as it was written" in site.run("verify", str(tmp_path / "a")).stdout


def test_a_folder_with_other_contents_is_not_changed(site: Site, name: str, tmp_path: Path) -> None:
    """Neither foreign files nor another version are overwritten."""
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


def test_missing_images_are_reported(site: Site, name: str, tmp_path: Path) -> None:
    """Erased, redrawn and lost images are counted with exit code 3, unless the export may omit them."""
    images = site.add(labelled_patients(1, 12))
    site.export(name, tmp_path / "a")
    redrawn, lost, erased = images[0], images[-1], images[5]
    with psycopg.connect(site.url) as connection:
        uid = redrawn.path.sop_instance_uid
        connection.execute("update image set sha256 = 'other' where sop_instance_uid = %s", [uid])
        gone = [image.path.sop_instance_uid for image in images if image.patient == erased.patient]
        connection.execute("delete from image where sop_instance_uid = any(%s)", [gone])
        connection.execute("insert into erased_patient values (%s, 'dr', 'x')", [erased.patient_id])
    site.store.delete(site.store.stat(lost.location))
    arguments = ("export", name, "--version", "1", "--out", str(tmp_path / "b"))
    refused = site.run(*arguments, code=3).stderr
    assert f"{len(gone)} erased on request" in refused
    assert "1 drawn again since" in refused
    assert redrawn.key in refused
    assert not (tmp_path / "b").exists()
    site.run(*arguments, "--without-missing")
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    expected = {"drawn again since": 1, "erased on request": len(gone), "gone from the store": 1}
    assert expected == manifest["missing"]
    assert len(images) - 2 - len(gone) == manifest["counts"]["images"] == len(manifest["images"])
    assert erased.patient_id not in (tmp_path / "b" / "train" / "metadata.csv").read_text()
    site.run("verify", str(tmp_path / "b"))


def test_verify_reports_every_fault(site: Site, name: str, tmp_path: Path) -> None:
    """A changed, a missing and an extra picture and a changed table are reported, one per line."""
    site.add(labelled_patients(1, 10))
    site.export(name, tmp_path / "a")
    pictures = sorted((tmp_path / "a").rglob("P*/**/*.png"))
    pictures[0].write_bytes(pictures[1].read_bytes())
    pictures[2].unlink()
    (pictures[0].parent / "7.png").write_bytes(b"x")
    with (tmp_path / "a" / "labels.csv").open("a") as file:
        file.write("x,1\n")
    stdout = site.run("verify", str(tmp_path / "a"), code=1).stdout
    relative = [path.relative_to(tmp_path / "a").as_posix() for path in pictures]
    assert f"{relative[0]} has other content." in stdout
    assert f"{relative[2]} is missing." in stdout
    assert "7.png is not part of the export." in stdout
    assert "labels.csv has other content." in stdout
    assert "4 fault(s) found." in stdout


def test_references_say_where_the_images_are(site: Site, name: str, tmp_path: Path) -> None:
    """An export of references has the tables and each image's current location, also after a move."""
    images = site.add(labelled_patients(1, 6))
    site.export(name, tmp_path / "a", "--images", "reference")
    assert [] == list((tmp_path / "a").rglob("P*/**/*.png"))
    lines = (tmp_path / "a.references.csv").read_text().splitlines()
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
    assert f"s3://suboptimal/{images[0].key}" in (tmp_path / "b.references.csv").read_text()
