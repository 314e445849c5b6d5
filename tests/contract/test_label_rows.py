"""The contract of the label rows, in memory and in Postgres: images, held labels and imports."""

from pathlib import Path

import pytest

from common.database import Database, queries
from infra.erasure import erase as erase_module
from tests.contract.label_imports import KEY, UID, LabelFiles, counts
from tests.contract.tables import PATIENT, Tables, instance_path
from tests.support.uids import uid


def test_images_are_found_by_every_name(labels: LabelFiles) -> None:
    """By s3 URL, key, end of key, file name, UID with frame, and UID alone if there is one frame."""
    (image,) = labels.tables.allocate(1)
    labels.tables.allocate(2, frames=2)
    end = f"{UID}/1.png"
    names = [
        *(
            f"s3://{image.bucket}/{KEY}",
            KEY,
            f"/{KEY}",
            end,
            f"{uid(2)}/{end}",
            f"{UID}_1.png",
            f"{UID}/1",
            UID,
        ),
        *(f"s3://suboptimal/{KEY}", f"http://store/{image.bucket}/{KEY}?X-Amz-Signature=1"),
    ]
    imported = labels.import_rows(*(f"{name},label {number},1" for number, name in enumerate(names)))
    assert (counts(accepted=len(names)), []) == (imported, labels.refused)
    assert {(f"{UID}/1", f"label {number}", ""): 1.0 for number in range(len(names))} == labels.current()
    assert counts(accepted=1) == labels.import_rows("2.png,second,0.25")
    assert 0.25 == labels.current()[f"{instance_path(2).sop_instance_uid}/2", "second", ""]


def test_ambiguous_names_are_refused_with_the_number_of_images(labels: LabelFiles) -> None:
    """A file name or an instance without a frame is refused if several images fit."""
    for number in range(3):
        labels.tables.allocate(number, frames=2)
    assert counts(refused=2) == labels.import_rows("1.png,a,1", f"{UID},a,1")
    assert ["fits 3 images", "has 2 frames"] == [
        next(words for words in ("fits 3 images", "has 2 frames") if words in row.cause)
        for row in labels.refused
    ]


@pytest.mark.parametrize("name", ["9.png", f"%/{UID}/1.png", f"{uid(77)}/{UID}/1.png", f"_/{UID}/1.png"])
def test_names_of_no_image_are_refused(labels: LabelFiles, name: str) -> None:
    """Unknown file names, and known images in other folders, also with wildcards, are refused."""
    labels.tables.allocate(1)
    assert counts(refused=1) == labels.import_rows(f"{name},a,1")
    assert {} == labels.current()


def test_held_labels_are_applied_when_their_image_is_known(labels: LabelFiles) -> None:
    """Labels that came before their image are applied later; others stay held."""
    rows = [f"{KEY},a,1", f"{UID}/1,b,0", f"{UID},c,-1", f"{uid(9)}/1.png,a,1"]
    assert counts(held=4, refused=0, repeated=0) == labels.import_rows(*rows)
    assert 0 == labels.tables.labels.apply_held()
    labels.tables.allocate(1)
    assert 3 == labels.tables.labels.apply_held()
    assert 0 == labels.tables.labels.apply_held()
    assert {
        (f"{UID}/1", name, ""): value for name, value in (("a", 1.0), ("b", 0.0), ("c", -1.0))
    } == labels.current()


def test_held_label_without_a_frame_waits_if_there_are_several_frames(labels: LabelFiles) -> None:
    """A UID alone names no image of an instance with several frames."""
    labels.import_rows(f"{UID},a,1")
    labels.tables.allocate(1, frames=2)
    assert 0 == labels.tables.labels.apply_held()


def test_held_labels_of_an_erased_patient_are_deleted(database: Database) -> None:
    """An erasure finds held rows by the patient in the path, or by the instance, and no others."""
    labels = LabelFiles(Tables(database))
    other = f"P{'f' * 20}/{uid(1)}/{uid(2)}/{uid(8)}/1.png"
    labels.import_rows(f"{KEY},mass,1", f"{uid(7)},mass,1", f"{other},mass,1", f"{uid(9)}/1,mass,1")
    erase = queries(Path(erase_module.__file__).with_suffix(".sql"))
    values = {"patient": PATIENT, "instances": [uid(7)], "parents": []}
    database.run(erase["delete_held_label"], **values)
    assert [] == database.all(erase["label_lines"], **values)
    left = database.all("select sop_instance_uid as uid, path from held_label order by line")
    assert [(uid(8), other), (uid(9), None)] == [(row["uid"], row["path"]) for row in left]


def test_held_label_keeps_its_own_time(labels: LabelFiles) -> None:
    """A held label does not replace a label that was given after it."""
    labels.import_rows(f"{KEY},a,1")
    labels.tables.allocate(1)
    labels.import_rows(f"{KEY},a,0")
    assert 1 == labels.tables.labels.apply_held()
    assert {(f"{UID}/1", "a", ""): 0.0} == labels.current()


def test_same_file_again_is_not_imported_twice(labels: LabelFiles) -> None:
    """A file that was imported before a crash is not imported again, and has the same counts."""
    labels.tables.allocate(1)
    text = f"image,label,value\n{KEY},a,1\n{uid(9)}/1.png,a,1\n"
    first = labels.import_text(text, key="again")
    assert counts(accepted=1, held=1) == first == labels.import_text(text, key="again")


def test_newer_row_of_the_same_annotator_supersedes(labels: LabelFiles) -> None:
    """The newest row of each annotator is current, by its time or else by its import."""
    labels.tables.allocate(1)
    columns = "image,label,value,annotator,time"
    labels.import_rows(f"{KEY},a,1,A,2026-01-02", f"{KEY},a,0,B,2026-01-02", columns=columns)
    assert counts(accepted=1) == labels.import_rows(f"{KEY},a,0,A,2026-01-01", columns=columns)
    assert {(f"{UID}/1", "a", "A"): 1.0, (f"{UID}/1", "a", "B"): 0.0} == labels.current()
    assert counts(accepted=1, superseded=1) == labels.import_rows(f"{KEY},a,-1,A,", columns=columns)
    assert -1.0 == labels.current()[f"{UID}/1", "a", "A"]


def test_labels_of_instances_series_and_studies(labels: LabelFiles) -> None:
    """Rows of an instance, series or study are accepted if it has images, and held otherwise."""
    rows = [f"{uid(1)},study,a,1", f"{uid(2)},series,b,1", f"{UID},instance,c,1"]
    columns = "image,level,label,value"
    assert counts(held=3) == labels.import_rows(*rows, columns=columns)
    assert PATIENT in KEY
