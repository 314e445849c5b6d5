"""Erasing a patient: remove everything from buckets and tables, and refuse their files from then on.

The order allows an interruption at any point, after which the erasure is run again. First the patient is
refused, then work claimed before that is waited for, then objects are deleted, then rows.
"""

import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import DictRow, dict_row

from common.database import connect, queries
from common.errors import TransientError
from common.store.minio_store import MinioStore
from infra.erasure.erase_labels import empty_label_files
from infra.erasure.erase_objects import delete_objects
from infra.erasure.instance_rows import INSTANCE_TABLES
from infra.erasure.label_versions import delete_label_versions
from infra.erasure.object_versions import ObjectVersions, bucket_names
from infra.provision.store.store_copies import bucket_copies
from oversight.erasure.erasure import Erasure

_SQL = queries(Path(__file__).with_suffix(".sql"))
_DELETED = (  # in the order that foreign keys require
    *("reconcile_finding", "held_label", "group_label", *INSTANCE_TABLES),
    *("series", "study", "patient", "item_conflict", "known_parent", "ledger_item"),
)
_SCRUBBED = ("reconcile_pass", "source_file", "archive", "ledger_item", "locked_item", "source_folder")
_POLL_SECONDS = 0.2
STILL_PROCESSED = "Files are still being processed; nothing was removed yet."


def erase_patient(
    url: str, store: MinioStore, erasure: Erasure, *, who: str, why: str, seconds: float = 600
) -> None:
    """Erase the patient of an erasure, by pseudonym, and add what is found; a second run finds nothing more.

    Raises TransientError if work that was claimed before does not end within `seconds`.
    """
    patient = erasure.patient
    with connect(url, row_factory=dict_row) as connection:
        connection.execute(_SQL["refuse"], {"patient": patient, "who": who, "why": why})
        connection.commit()
        deadline = time.monotonic() + seconds
        while True:
            wait_for_claims(connection, deadline)
            # Work claimed meanwhile may have written rows again, so repeat until nothing is found.
            if not _erase_once(connection, store, erasure):
                break
        unknown = connection.execute(_SQL["unknown_patients"]).fetchone()
        erasure.files_of_unknown_patients = unknown["number"] if unknown else 0
        erasure.frozen_exports = frozen_exports(connection, patient)
        erasure.backups = connection.execute(_SQL["backups"], {"patient": patient}).fetchall()
        spaces = connection.execute(_SQL["other_spaces"], {"patient": patient})
        erasure.other_spaces = [row["name"] for row in spaces]
    copies = [bucket_copies(store, name) for name in bucket_names(store)]
    erasure.copied_elsewhere = [each.bucket for each in copies if each.is_replicated or each.is_moved]


def frozen_exports(connection: psycopg.Connection[DictRow], patient: str) -> list[str]:
    """The frozen versions of training sets that hold a patient; a person decides what happens to them."""
    rows = connection.execute(_SQL["frozen_exports"], {"patient": patient})
    return [f"{row['name']} v{row['number']}" for row in rows]


def wait_for_claims(connection: psycopg.Connection[DictRow], deadline: float) -> None:
    """Wait for everything that is claimed now; raises TransientError at the deadline (monotonic)."""
    leases = [row["lease"] for row in connection.execute(_SQL["running"])]
    connection.commit()
    while leases:
        row = connection.execute(_SQL["still_running"], {"leases": leases}).fetchone()
        connection.commit()
        if row is None or row["number"] == 0:
            return
        if time.monotonic() > deadline:
            raise TransientError(STILL_PROCESSED)
        time.sleep(_POLL_SECONDS)


def _erase_once(connection: psycopg.Connection[DictRow], store: MinioStore, erasure: Erasure) -> int:
    """Erase objects and rows; returns how many were found."""
    values: dict[str, Any] = {"patient": erasure.patient}
    values["instances"] = [row["sop_instance_uid"] for row in connection.execute(_SQL["instances"], values)]
    values["parents"] = [row["uid"] for row in connection.execute(_SQL["parents"], values)]
    label_rows = connection.execute(_SQL["label_lines"], values).fetchall()
    lines = {row["key"]: set(row["lines"]) for row in label_rows}
    known_keys = {key for row in label_rows for key in (row["key"], row["arrived_key"])}
    originals = connection.execute(_SQL["originals"], values).fetchall()
    refused = connection.execute(_SQL["refused_originals"]).fetchall()
    connection.commit()
    names = {erasure.patient, *values["instances"], *values["parents"]}
    label_files = sum(1 for _ in empty_label_files(store, names, lines))
    versions = ObjectVersions(store)
    deleted = delete_objects(versions, erasure.patient, [*originals, *refused])
    deleted.by_bucket += Counter(delete_label_versions(versions, names, known_keys))
    values["locked"] = sorted(deleted.locked_items)
    rows: Counter[str] = Counter()
    for table in _DELETED:
        rows[table] += connection.execute(_SQL[f"delete_{table}"], values).rowcount
    for table in _SCRUBBED:
        rows[table] += connection.execute(_SQL[f"scrub_{table}"], values).rowcount
    connection.commit()
    erasure.label_files += label_files
    erasure.objects += deleted.by_bucket
    erasure.rows += rows
    erasure.locked = [asdict(found) for found in versions.retained.values()]
    return deleted.by_bucket.total() + rows.total() + label_files
