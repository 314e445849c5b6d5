"""Erasing a patient: remove everything from buckets and tables, and refuse their files from then on.

The order allows an interruption at any point, after which the erasure is run again. First the patient is
refused, then work claimed before that is waited for, then objects are deleted, then rows.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from common.database import queries
from common.errors import ObjectMissingError, TransientError
from common.store.minio_store import MinioStore
from common.store.object_key import HELD, INCOMING, LABELLING, METADATA, PROCESSED, QUARANTINE, RAW, Location
from common.store.object_store import ObjectStore
from infra.labelling.tasks import patient_prefixes
from infra.patients.erase_labels import empty_label_files

_SQL = queries(Path(__file__).with_suffix(".sql"))
_TOP_FOLDERS = (INCOMING, PROCESSED, HELD)
_DELETED = (  # in the order that foreign keys require
    *("label", "label_answer", "held_label", "group_label"),
    *("overruling", "verdict", "image", "instance", "series", "study", "patient"),
    *("image_allocation", "extraction", "ledger_item"),
)
_SCRUBBED = ("source_file", "archive", "ledger_item", "source_folder")
_POLL_SECONDS = 0.2


@dataclass
class Erasure:
    """What was found of a patient and erased."""

    patient: str
    objects: Counter[str] = field(default_factory=Counter)  # deleted, by bucket
    rows: Counter[str] = field(default_factory=Counter)  # by table; rows of originals only lose their names
    label_files: int = 0  # in which lines or tasks about the patient were emptied
    files_of_unknown_patients: int = 0  # set aside or unfinished, with a header that could not be read
    frozen_exports: list[str] = field(default_factory=list)  # that hold the patient; they are not changed


def erase_patient(
    url: str, store: MinioStore, patient: str, *, who: str, why: str, seconds: float = 600
) -> Erasure:
    """Erase a patient, by pseudonym; a second run finds nothing more to remove.

    Raises TransientError if work that was claimed before does not end within `seconds`.
    """
    erasure = Erasure(patient)
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute(_SQL["refuse"], {"patient": patient, "who": who, "why": why})
        connection.commit()
        deadline = time.monotonic() + seconds
        while True:
            _wait_for_claims(connection, deadline)
            # Work claimed meanwhile may have written rows again, so repeat until nothing is found.
            if not _erase_once(connection, store, erasure):
                break
        unknown = connection.execute(_SQL["unknown_patients"]).fetchone()
        erasure.files_of_unknown_patients = unknown["number"] if unknown else 0
        erasure.frozen_exports = frozen_exports(connection, patient)
    return erasure


def frozen_exports(connection: psycopg.Connection[DictRow], patient: str) -> list[str]:
    """The frozen versions of training sets that hold a patient; a person decides what happens to them."""
    rows = connection.execute(_SQL["frozen_exports"], {"patient": patient})
    return [f"{row['name']} v{row['number']}" for row in rows]


def _wait_for_claims(connection: psycopg.Connection[DictRow], deadline: float) -> None:
    leases = [row["lease"] for row in connection.execute(_SQL["running"])]
    connection.commit()
    while leases:
        row = connection.execute(_SQL["still_running"], {"leases": leases}).fetchone()
        connection.commit()
        if row is None or row["number"] == 0:
            return
        if time.monotonic() > deadline:
            raise TransientError("Files are still being processed; nothing was removed yet. Run it again.")
        time.sleep(_POLL_SECONDS)


def _erase_once(connection: psycopg.Connection[DictRow], store: MinioStore, erasure: Erasure) -> int:
    """Erase objects and rows; returns how many were found."""
    values: dict[str, Any] = {"patient": erasure.patient}
    values["instances"] = [row["sop_instance_uid"] for row in connection.execute(_SQL["instances"], values)]
    values["parents"] = [row["uid"] for row in connection.execute(_SQL["parents"], values)]
    lines = {row["key"]: set(row["lines"]) for row in connection.execute(_SQL["label_lines"], values)}
    originals = connection.execute(_SQL["originals"], values).fetchall()
    connection.commit()
    names = {erasure.patient, *values["instances"], *values["parents"]}
    label_files = sum(1 for _ in empty_label_files(store, names, lines))
    objects = Counter(_delete_objects(store, erasure.patient, originals))
    rows: Counter[str] = Counter()
    for table in _DELETED:
        rows[table] += connection.execute(_SQL[f"delete_{table}"], values).rowcount
    for table in _SCRUBBED:
        rows[table] += connection.execute(_SQL[f"scrub_{table}"], values).rowcount
    connection.commit()
    erasure.label_files += label_files
    erasure.objects += objects
    erasure.rows += rows
    return objects.total() + rows.total() + label_files


def _delete_objects(store: MinioStore, patient: str, originals: Sequence[DictRow]) -> Iterator[str]:
    """Delete the originals and every object below the patient's pseudonym; yields the bucket of each."""
    for row in originals:
        if _is_deleted(store, Location(row["bucket"], row["key"])):
            yield row["bucket"]
    for bucket in [bucket.name for bucket in store.client.list_buckets()]:
        for prefix in _prefixes(store, bucket, patient):
            for listed in store.list_prefix(bucket, prefix):
                store.delete(listed.version)
                yield bucket


def _prefixes(store: ObjectStore, bucket: str, patient: str) -> list[str]:
    """The prefixes of keys in a bucket that contain the pseudonym."""
    if bucket == RAW:
        return []  # its keys are paths of the NAS
    if bucket == METADATA:
        return [f"{folder}{patient}/" for folder in ("", *_TOP_FOLDERS)]
    if bucket == QUARANTINE:
        tops = [top for top in store.list_top(bucket) if top != f"{RAW}/"]
        return [f"{top}{folder}{patient}/" for top in tops for folder in ("", *_TOP_FOLDERS)]
    if bucket == LABELLING:
        return list(patient_prefixes(store, patient))
    return [f"{patient}/"]


def _is_deleted(store: ObjectStore, location: Location) -> bool:
    """Delete an object; returns whether there was one."""
    try:
        store.delete(store.stat(location))
    except ObjectMissingError:
        return False
    return True
