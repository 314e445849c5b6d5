"""Metadata and verdict rows: their contract, in memory and in Postgres."""

from dataclasses import replace

import pytest

from common.errors import ConflictError
from common.ledger.ledger import Claim, Settlement, State
from common.metadata_document import MetadataDocument, parse_metadata
from common.store.object_key import SUBOPTIMAL, Location
from common.store.object_store import ObjectVersion
from functions.quality.verdict_rows import ImageState
from model.judgement import Judgement
from tests.contract.conftest import KINDS
from tests.contract.tables import PATIENT, Tables, instance_path, make_tables
from tests.support.documents import make_document

GOOD = Judgement("good", 0.1, 0.5, 100.0, {"sharpness": 1.5}, (), "normal", "m1")
BAD = Judgement("low_quality", 0.9, 0.5, 90.0, {}, ("blurred", "noisy"), "low", "m2")


@pytest.fixture(params=KINDS)
def tables(request: pytest.FixtureRequest) -> Tables:
    return make_tables(request, capacity=400)


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
    """A document that comes again leaves one row of each."""
    for _ in range(2):
        tables.write(tables.metadata.record(_document()))
    for table in ("patient", "study", "series", "instance", "image"):
        assert 1 == len(tables.rows(table))


def test_what_a_later_document_leaves_out_stays(tables: Tables) -> None:
    """A patient's, study's or series' value is kept if another instance of it lacks it."""
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
    """An instance that was made anew has the newer values, absent ones included."""
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


def test_rows_come_with_their_settlement(tables: Tables) -> None:
    """A worker that has lost its lease writes and announces nothing; who has the item does as it settles."""
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


def test_rows_that_contradict_leave_the_item_open(tables: Tables) -> None:
    """Nothing is written and nothing announced; the claim stands, and may end otherwise."""
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
        tables.verdicts.record(uid, 1, judgement, verdict=judgement.verdict, bucket=bucket, picture_hash=None)
    )


def test_image_is_placed_only_where_it_was_allocated(tables: Tables) -> None:
    """An image counts as placed in its own bucket under its own key, and nowhere else."""
    (image,) = tables.place(1)
    uid = instance_path(1).sop_instance_uid
    assert ImageState(image.bucket, "CT", None) == tables.verdicts.image_state(uid, 1, image)
    assert tables.verdicts.image_state(uid, 2, image) is None
    assert tables.verdicts.image_state(uid, 1, Location("images-other", image.key)) is None
    assert tables.verdicts.image_state(uid, 1, Location(image.bucket, f"x{image.key}")) is None
    assert tables.verdicts.image_state("2.25.9", 1, image) is None


def test_verdict_is_kept_with_the_image_s_place(tables: Tables) -> None:
    """A verdict says where the image lies now; its home stays where it was allocated."""
    (image,) = tables.place(1)
    uid = instance_path(1).sop_instance_uid
    _judge(tables, GOOD, bucket=image.bucket)
    assert image.bucket == tables.bucket_now(1)
    _judge(tables, BAD, bucket=SUBOPTIMAL)
    assert SUBOPTIMAL == tables.bucket_now(1)
    assert ImageState(SUBOPTIMAL, "CT", None) == tables.verdicts.image_state(uid, 1, image)
