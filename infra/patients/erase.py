"""Everything of one patient out of buckets and tables, and nothing of them taken again.

In an order that may be cut off anywhere and begun again: first what comes of the patient is
refused, then those who claimed before are waited for, then objects go, then rows.
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
from infra.labelling.labelling_tasks import patient_prefixes
from infra.patients.erase_labels import emptied_label_files

_SQL = queries(Path(__file__).with_suffix(".sql"))
_PLACES = (INCOMING, PROCESSED, HELD)
_ROWS = (
    *("label", "label_answer", "held_label", "group_label"),
    *("overruling", "verdict", "image", "instance", "series", "study", "patient"),
    *("image_allocation", "extraction", "ledger_item"),
)
_SCRUBBED = ("source_file", "archive", "ledger_item", "source_folder")
_LOOK_SECONDS = 0.2


@dataclass
class Erasure:
    """What was found of a patient and is gone."""

    patient: str
    objects: Counter[str] = field(default_factory=Counter)  # by bucket
    rows: Counter[str] = field(default_factory=Counter)  # by table; of originals' rows only names are gone
    label_files: int = 0  # whose lines or tasks about the patient were emptied
    files_of_unknown_patients: int = 0  # aside or under way, with a header that could not be read
    frozen_exports: list[str] = field(default_factory=list)  # that hold the patient; they stay as they are


def erase_patient(
    url: str, store: MinioStore, patient: str, *, who: str, why: str, seconds: float = 600
) -> Erasure:
    """Remove a patient, by pseudonym; a second time there is nothing left to remove.

    Raises TransientError if work that began before did not end within so many seconds.
    """
    erasure = Erasure(patient)
    with psycopg.connect(url, row_factory=dict_row) as connection:
        connection.execute(_SQL["refuse"], {"patient": patient, "who": who, "why": why})
        connection.commit()
        deadline = time.monotonic() + seconds
        while True:
            _wait_for_claims(connection, deadline)
            # What was claimed in between may have made rows again: until nothing is found.
            if not _erased_once(connection, store, erasure):
                break
        unknown = connection.execute(_SQL["unknown"]).fetchone()
        erasure.files_of_unknown_patients = unknown["number"] if unknown else 0
        erasure.frozen_exports = frozen_exports(connection, patient)
    return erasure


def frozen_exports(connection: psycopg.Connection[DictRow], patient: str) -> list[str]:
    """The frozen versions of training sets that hold a patient; a person decides what becomes of them."""
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
            raise TransientError("Files are still being worked on; nothing was removed yet. Run it again.")
        time.sleep(_LOOK_SECONDS)


def _erased_once(connection: psycopg.Connection[DictRow], store: MinioStore, erasure: Erasure) -> int:
    """One pass over objects and rows; how many were found."""
    values: dict[str, Any] = {"patient": erasure.patient}
    values["instances"] = [row["sop_instance_uid"] for row in connection.execute(_SQL["instances"], values)]
    values["greater"] = [row["uid"] for row in connection.execute(_SQL["greater"], values)]
    lines = {row["key"]: set(row["lines"]) for row in connection.execute(_SQL["label_lines"], values)}
    originals = connection.execute(_SQL["originals"], values).fetchall()
    connection.commit()
    names = {erasure.patient, *values["instances"], *values["greater"]}
    emptied = sum(1 for _ in emptied_label_files(store, names, lines))
    removed = Counter(_removed(store, erasure.patient, originals))
    touched: Counter[str] = Counter()
    for table in _ROWS:
        touched[table] += connection.execute(_SQL[f"delete_{table}"], values).rowcount
    for table in _SCRUBBED:
        touched[table] += connection.execute(_SQL[f"scrub_{table}"], values).rowcount
    connection.commit()
    erasure.label_files += emptied
    erasure.objects += removed
    erasure.rows += touched
    return removed.total() + touched.total() + emptied


def _removed(store: MinioStore, patient: str, originals: Sequence[DictRow]) -> Iterator[str]:
    """Delete the originals and everything under the patient's pseudonym; the bucket of each."""
    for row in originals:
        if _is_deleted(store, Location(row["bucket"], row["key"])):
            yield row["bucket"]
    for bucket in [bucket.name for bucket in store.client.list_buckets()]:
        for prefix in _prefixes(store, bucket, patient):
            for listed in store.list_prefix(bucket, prefix):
                store.delete(listed.version)
                yield bucket


def _prefixes(store: ObjectStore, bucket: str, patient: str) -> list[str]:
    """Where keys in a bucket may begin with the pseudonym."""
    if bucket == RAW:
        return []  # its keys are paths of the NAS
    if bucket == METADATA:
        return [f"{place}{patient}/" for place in ("", *_PLACES)]
    if bucket == QUARANTINE:
        tops = [top for top in store.list_top(bucket) if top != f"{RAW}/"]
        return [f"{top}{place}{patient}/" for top in tops for place in ("", *_PLACES)]
    if bucket == LABELLING:
        return list(patient_prefixes(store, patient))
    return [f"{patient}/"]


def _is_deleted(store: ObjectStore, location: Location) -> bool:
    try:
        store.delete(store.stat(location))
    except ObjectMissingError:
        return False
    return True
