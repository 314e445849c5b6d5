"""The contract of metadata and verdict rows, in memory and in Postgres."""

from dataclasses import replace

import pytest
from pydicom.dataset import Dataset

from common.database import Database
from common.errors import ConflictError
from common.ledger.ledger import Claim, Settlement, State
from common.metadata_document import MetadataDocument, parse_metadata
from common.store.object_key import SUBOPTIMAL, Location
from common.store.object_store import ObjectVersion
from deidentification.header.value_rules import printable
from functions.extract.instance_metadata import to_json_values
from functions.quality.verdict_rows import ImageRow, ImageVerdict
from model.limits import Limits
from model.verdict import Judgement
from tests.contract.tables import PATIENT, Tables, instance_path
from tests.support.code_points import CODE_POINTS
from tests.support.documents import make_document

GOOD = Judgement("good", 0.1, 0.3, 0.5, 100.0, {"sharpness": 1.5}, (), "normal", "m1")
BAD = Judgement("low_quality", 0.9, 0.3, 0.5, 90.0, {}, ("blurred", "noisy"), "low", "m2")


def _document(**changes: dict) -> MetadataDocument:
    return parse_metadata(make_document(**changes).to_json())


def test_document_becomes_rows_of_each_level(tables: Tables) -> None:
    """One document gives one patient, study, series and instance, and a row for each image."""
    tables.write(tables.metadata.record(_document()))
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
    """Storing a document twice leaves one row of each kind."""
    for _ in range(2):
        tables.write(tables.metadata.record(_document()))
    for table in ("patient", "study", "series", "instance", "image"):
        assert 1 == len(tables.rows(table))


def test_missing_values_of_a_later_document_change_nothing(tables: Tables) -> None:
    """A value of a patient, study or series stays if a later instance does not have it."""
    tables.write(tables.metadata.record(_document()))
    other = _document(
        patient={"sex": None},
        series={"modality": None, "body_part": "CHEST"},
        instance={"sop_instance_uid": "2.25.1002"},
    )
    tables.write(tables.metadata.record(other))
    (patient,), (series,) = tables.rows("patient"), tables.rows("series")
    assert ("F", "CT", "CHEST") == (patient["sex"], series["modality"], series["body_part"])
    assert 2 == len(tables.rows("instance"))


def test_newer_document_of_an_instance_replaces_it(tables: Tables) -> None:
    """An instance extracted again has the newer values, including missing ones."""
    tables.write(tables.metadata.record(_document()))
    tables.write(tables.metadata.record(_document(instance={"rows": 64, "kvp": None})))
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
    tables.write(tables.metadata.record(_document()))
    before = {table: tables.rows(table) for table in ("patient", "study", "series", "instance", "image")}
    with pytest.raises(ConflictError):
        tables.write(tables.metadata.record(_document(**changes)))
    assert before == {table: tables.rows(table) for table in before}


def test_rows_are_written_with_their_settlement(tables: Tables) -> None:
    """A worker without its lease writes and announces nothing; the worker with the lease does."""
    ledger, version = (
        tables.ledger("store_metadata"),
        ObjectVersion(Location("metadata", "a.json"), "etag", 1),
    )
    announced = (("store_metadata", replace(version, etag="x")),)
    settlement = Settlement(
        State.DONE, database_call=tables.metadata.record(_document()), announces=announced
    )
    lost = ledger.claim(version, lease_seconds=0)
    claim = ledger.claim(version, lease_seconds=60)
    assert isinstance(lost, Claim)
    assert isinstance(claim, Claim)
    assert not ledger.settle(lost, settlement)
    assert ([], False) == (tables.rows("instance"), ledger.has_due())
    assert ledger.settle(claim, settlement)
    assert (1, True) == (len(tables.rows("instance")), ledger.has_due())


def test_contradicting_rows_leave_the_item_claimed(tables: Tables) -> None:
    """Nothing is written or announced, and the claim can still be settled in another way."""
    tables.write(tables.metadata.record(_document()))
    ledger, version = (
        tables.ledger("store_metadata"),
        ObjectVersion(Location("metadata", "a.json"), "etag", 1),
    )
    claim = ledger.claim(version, lease_seconds=60)
    assert isinstance(claim, Claim)
    other = _document(patient={"patient_id": "P" + "f" * 20})
    settlement = Settlement(
        State.DONE,
        database_call=tables.metadata.record(other),
        announces=(("store_metadata", replace(version, etag="x")),),
    )
    with pytest.raises(ConflictError, match="The study's UID is already stored under another patient"):
        ledger.settle(claim, settlement)
    assert ledger.claim_due(lease_seconds=60) is None
    assert 1 == len(tables.rows("patient"))
    assert ledger.settle(claim, Settlement(State.QUARANTINED))


def _judge(tables: Tables, judgement: Judgement, *, bucket: str) -> None:
    uid = instance_path(1).sop_instance_uid
    tables.write(
        tables.verdicts.record(ImageVerdict(uid, 1, judgement, judgement.verdict, bucket, picture_hash=None))
    )


def _find(tables: Tables, uid: str, frame: int, image: Location) -> ImageRow | None:
    return tables.verdicts.find_image(uid, frame, image, model_version="m1")


def test_image_is_found_only_at_its_allocated_location(tables: Tables) -> None:
    """An image is found by its allocated bucket and key, and by no other location."""
    (image,) = tables.allocate(1)
    uid = instance_path(1).sop_instance_uid
    assert ImageRow(image.bucket, "CT", None) == _find(tables, uid, 1, image)
    assert _find(tables, uid, 2, image) is None
    assert _find(tables, uid, 1, Location("images-other", image.key)) is None
    assert _find(tables, uid, 1, Location(image.bucket, f"x{image.key}")) is None
    assert _find(tables, "2.25.9", 1, image) is None


def test_verdict_is_stored_with_the_bucket_of_its_image(tables: Tables) -> None:
    """A verdict sets the bucket where the image is now; the allocated bucket stays."""
    (image,) = tables.allocate(1)
    uid = instance_path(1).sop_instance_uid
    _judge(tables, GOOD, bucket=image.bucket)
    assert image.bucket == tables.bucket_now(1)
    _judge(tables, BAD, bucket=SUBOPTIMAL)
    assert SUBOPTIMAL == tables.bucket_now(1)
    assert ImageRow(SUBOPTIMAL, "CT", None) == _find(tables, uid, 1, image)


def test_the_newest_calibrated_limits_of_the_model_are_found(database: Database) -> None:
    """Limits are those of the image's modality and of the model; forgotten ones are none."""
    tables = Tables(database)
    (image,) = tables.allocate(1)
    for modality, model, limits in (
        ("MR", "m1", (0.1, 0.2)),
        ("CT", "m2", (0.3, 0.4)),
        ("CT", "m1", (0.5, 0.6)),
        ("CT", "m1", (0.7, 2.0)),
        ("CT", "m1", (None, None)),
    ):
        database.run(
            "insert into site_limits (modality, model_version, review_from, reject_from, patients, why, "
            "decided_by) values (%(modality)s, %(model)s, %(low)s, %(high)s, 1, 'w', 'd')",
            modality=modality,
            model=model,
            low=limits[0],
            high=limits[1],
        )
        found = _find(tables, instance_path(1).sop_instance_uid, 1, image)
        is_valid = (modality, model) == ("CT", "m1") and limits[0] is not None
        assert found is not None
        assert found.site == (Limits(*limits) if is_valid else None)


@pytest.mark.parametrize("kind", CODE_POINTS)
def test_texts_that_extract_lets_through_are_stored(kind: str, tables: Tables) -> None:
    """A text with any character is stored as extract writes it, in columns and in the attributes."""
    ds = Dataset()
    ds.add_new("StudyDescription", "LO", f"Head {CODE_POINTS[kind]} CT")
    ds.add_new("ConvolutionKernel", "SH", ["STANDARD", f"B{CODE_POINTS[kind]}"])
    attributes = to_json_values(ds)
    name = printable(f"S{CODE_POINTS[kind]}")
    document = _document(series={"manufacturer": name}, instance={"attributes": attributes})
    tables.write(tables.metadata.record(document))
    (series,), (instance,) = tables.rows("series"), tables.rows("instance")
    assert (name, attributes) == (series["manufacturer"], instance["attributes"])
