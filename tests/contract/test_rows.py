"""Metadata, verdict and label rows: their contract, in memory and in Postgres."""

import pytest

from common.errors import ConflictError
from common.metadata_document import MetadataDocument, parse_metadata
from common.object_key import SUBOPTIMAL, Location
from common.object_store import ObjectVersion
from functions.annotations.label_file import LabelRow
from functions.annotations.label_rows import Ambiguous, ImageName, ResolvedLabel
from functions.quality.verdict_rows import Standing
from model.judgement import Judgement
from tests.contract.conftest import KINDS
from tests.contract.tables import PATIENT, Tables, instance_path, make_tables
from tests.unit.documents import make_document

GOOD = Judgement("good", 0.1, 0.5, 100.0, {"sharpness": 1.5}, (), "normal", "m1")
BAD = Judgement("low_quality", 0.9, 0.5, 90.0, {}, ("blurred", "noisy"), "low", "m2")
LABELS_FILE = ObjectVersion(Location("annotations", "labels.csv"), "etag", 9)


@pytest.fixture(params=KINDS)
def tables(request: pytest.FixtureRequest) -> Tables:
    return make_tables(request, capacity=400)


def _document(**changes: dict) -> MetadataDocument:
    return parse_metadata(make_document(**changes).to_json())


def test_document_becomes_rows_of_each_level(tables: Tables) -> None:
    """One document gives one patient, study, series and instance, and a row for each image."""
    tables.metadata.upsert(_document())
    for table, expected in {
        "patient": {"patient_id": PATIENT, "sex": "F"},
        "study": {"study_instance_uid": "2.25.1", "patient_id": PATIENT},
        "series": {"series_instance_uid": "2.25.2", "modality": "CT", "study_instance_uid": "2.25.1"},
        "instance": {
            "sop_instance_uid": "2.25.1001",
            "rows": 128,
            "age_years": 90.0,
            "attributes": {"KVP": 120.0},
        },
        "image": {"frame": 1, "samples": 1, "sha256": "0" * 64},
    }.items():
        (row,) = tables.rows(table)
        assert expected == {name: row[name] for name in expected}, table


def test_same_document_again_changes_nothing(tables: Tables) -> None:
    """A document that comes again leaves one row of each."""
    for _ in range(2):
        tables.metadata.upsert(_document())
    for table in ("patient", "study", "series", "instance", "image"):
        assert 1 == len(tables.rows(table))


def test_what_a_later_document_leaves_out_stays(tables: Tables) -> None:
    """A patient's, study's or series' value is kept if another instance of it lacks it."""
    tables.metadata.upsert(_document())
    tables.metadata.upsert(
        _document(
            patient={"sex": None},
            series={"modality": None, "body_part": "CHEST"},
            instance={"sop_instance_uid": "2.25.1002"},
        )
    )
    (patient,), (series,) = tables.rows("patient"), tables.rows("series")
    assert ("F", "CT", "CHEST") == (patient["sex"], series["modality"], series["body_part"])
    assert 2 == len(tables.rows("instance"))


def test_newer_document_of_an_instance_replaces_it(tables: Tables) -> None:
    """An instance that was made anew has the newer values, absent ones included."""
    tables.metadata.upsert(_document())
    tables.metadata.upsert(_document(instance={"rows": 64, "kvp": None}))
    (row,) = tables.rows("instance")
    assert (64, None) == (row["rows"], row["kvp"])


@pytest.mark.parametrize(
    "changes",
    [
        {"patient": {"patient_id": "P" + "f" * 20}},
        {"study": {"study_instance_uid": "2.25.8"}},
        {"series": {"series_instance_uid": "2.25.9"}},
    ],
)
def test_another_parent_is_a_conflict_and_stores_nothing(tables: Tables, changes: dict) -> None:
    """A study of another patient, a series of another study, an instance of another series are refused."""
    tables.metadata.upsert(_document())
    before = {table: tables.rows(table) for table in ("patient", "study", "series", "instance", "image")}
    with pytest.raises(ConflictError):
        tables.metadata.upsert(_document(**changes))
    assert before == {table: tables.rows(table) for table in before}


def test_image_is_placed_only_where_it_was_allocated(tables: Tables) -> None:
    """An image counts as placed in its own bucket under its own key, and nowhere else."""
    (image,) = tables.place(1)
    uid = instance_path(1).sop_instance_uid
    assert Standing(image.bucket, "CT", None) == tables.verdicts.standing(uid, 1, image)
    assert tables.verdicts.standing(uid, 2, image) is None
    assert tables.verdicts.standing(uid, 1, Location("images-other", image.key)) is None
    assert tables.verdicts.standing(uid, 1, Location(image.bucket, f"x{image.key}")) is None
    assert tables.verdicts.standing("2.25.9", 1, image) is None


def test_verdict_is_kept_with_the_image_s_place(tables: Tables) -> None:
    """A verdict says where the image lies now; its home stays where it was allocated."""
    (image,) = tables.place(1)
    uid = instance_path(1).sop_instance_uid
    tables.verdicts.record(uid, 1, GOOD, verdict="good", bucket=image.bucket)
    assert image.bucket == tables.bucket_now(1)
    tables.verdicts.record(uid, 1, BAD, verdict="low_quality", bucket=SUBOPTIMAL)
    assert SUBOPTIMAL == tables.bucket_now(1)
    assert Standing(SUBOPTIMAL, "CT", None) == tables.verdicts.standing(uid, 1, image)


def _name(number: int, frame: int = 1) -> ImageName:
    return ImageName(instance_path(number).sop_instance_uid, frame)


def test_images_are_found_by_key_and_by_its_end(tables: Tables) -> None:
    """Label files may name an image by s3 URL, whole key, or the key's last parts."""
    (image,) = tables.place(1)
    tables.place(2, frames=2)
    end = f"{instance_path(1).sop_instance_uid}/1.png"
    for name in (f"s3://{image.bucket}/{image.key}", image.key, f"/{image.key}", end, f"2.25.2/{end}"):
        assert {name: _name(1)} == tables.labels.find_images([name]), name
    assert {"2.png": _name(2, 2)} == tables.labels.find_images(["2.png"])


def test_name_of_several_images_is_ambiguous(tables: Tables) -> None:
    """A bare file name that several images have is told with their number."""
    for number in range(3):
        tables.place(number)
    assert {"1.png": Ambiguous(3)} == tables.labels.find_images(["1.png"])


@pytest.mark.parametrize(
    "name", ["9.png", "2.25.7/1.png", "5.1001/1.png", "%/1.png", "_/1.png", "s3://images", "", "/", "1.pn"]
)
def test_unknown_names_are_left_out(tables: Tables, name: str) -> None:
    """Names of no image, parts of names and wildcards find nothing."""
    tables.place(1)
    assert {} == tables.labels.find_images([name])


def _labels(tables: Tables, *names: str) -> list[ResolvedLabel]:
    found = tables.labels.find_images(names)
    return [
        ResolvedLabel(LabelRow(line, name, "fracture", 1.0), found.get(name))
        for line, name in enumerate(names, start=2)
    ]


def test_held_labels_are_applied_once_their_image_is_there(tables: Tables) -> None:
    """A label that came before its image is given it later; others stay held."""
    counts = {"accepted": 0, "held": 2, "refused": 0}
    key = instance_path(1).frame(1)
    tables.labels.keep(LABELS_FILE, _labels(tables, key, "2.25.9/1.png"), counts)
    assert 0 == tables.labels.apply_held()
    tables.place(1)
    assert 1 == tables.labels.apply_held()
    assert 0 == tables.labels.apply_held()


def test_same_file_again_keeps_no_second_import(tables: Tables) -> None:
    """A label file that was kept before a crash is not kept twice."""
    counts = {"accepted": 0, "held": 1, "refused": 0}
    for _ in range(2):
        tables.labels.keep(LABELS_FILE, _labels(tables, instance_path(1).frame(1)), counts)
    tables.place(1)
    assert 1 == tables.labels.apply_held()


def test_many_labels_are_kept_at_once(tables: Tables) -> None:
    """A file of thousands of labels is one import."""
    names = [instance_path(number).frame(1) for number in range(3000)]
    counts = {"accepted": 0, "held": len(names), "refused": 0}
    tables.labels.keep(LABELS_FILE, _labels(tables, *names), counts)
    tables.place(7)
    assert 1 == tables.labels.apply_held()
