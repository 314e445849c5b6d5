"""The rows of labels, in Postgres."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from psycopg import Cursor, Rollback

from common.database import Database, Row, queries
from common.store.object_store import ObjectVersion
from functions.annotations.formats.json_rows import LABEL_STUDIO
from functions.annotations.formats.label_file import LabelFile
from functions.annotations.formats.tables.table_columns import CHEST_XRAY_14
from functions.annotations.storage.direct_import import DirectImport, NotDirectError
from functions.annotations.storage.import_counts import ImportCounts, Report
from functions.annotations.storage.import_steps import Steps
from functions.annotations.storage.staged_import import import_staged

_SQL = queries(Path(__file__).with_suffix(".sql"))
_WITH_ANSWERS = {CHEST_XRAY_14, LABEL_STUDIO}  # forms that also say which labels were not chosen


@dataclass(frozen=True)
class LabelImport:
    """One label file to import."""

    source: ObjectVersion
    read: Callable[[], LabelFile]  # begins to read the file; may be called again to read it once more
    heartbeat: Callable[[], None]  # called regularly during the import
    report: Report  # called with the counts and the refused rows, before the import is committed


class LabelRows(Protocol):
    """The rows of labels."""

    def find_import(self, source: ObjectVersion) -> ImportCounts | None:
        """The counts of an earlier import of the same version of a file; None if there is none."""

    def import_file(self, label_import: LabelImport) -> ImportCounts:
        """Store all valid labels of a file in one transaction; the same file again changes nothing.

        Nor does a file of the same bytes under another name: its labels count as repeated.
        """

    def apply_held(self) -> int:
        """Apply held labels whose images are known by now; return their number."""


class PostgresLabelRows(LabelRows):
    """The rows in Postgres, stored by a direct import or else a staged one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find_import(self, source: ObjectVersion) -> ImportCounts | None:
        row = self._database.one(_SQL["find_import"], **_version(source))
        return None if row is None else _counts(row)

    def import_file(self, label_import: LabelImport) -> ImportCounts:
        with self._database.transaction() as cursor:
            file, values = label_import.read(), _version(label_import.source)
            new = cursor.execute(_SQL["insert_import"], {**values, "format": file.form}).fetchone()
            if new is None:  # another worker has imported it in the meantime
                return _counts(_one(cursor.execute(_SQL["find_import"], values)))
            step = Steps(cursor, label_import.heartbeat)
            step("set_work_mem")
            with step.savepoint():
                counts, file = self._import_rows(step, new, file, label_import)
                digest: str | None = file.digest()
                earlier = step("find_content", {"digest": digest}).fetchone()
                if earlier is not None:
                    # Its rows without a time would count as newer than labels that were given since.
                    number = earlier["number"]
                    counts, digest = ImportCounts(file.form, repeated=number, refused=counts.refused), None
                    raise Rollback
            step("update_counts", {"id": new["id"], "digest": digest, **vars(counts)})
            label_import.report(counts, file.refused)
        return counts

    def _import_rows(
        self, step: Steps, new: Row, file: LabelFile, label_import: LabelImport
    ) -> tuple[ImportCounts, LabelFile]:
        """Store the rows; return their counts and the file, which is read once more for a staged import."""
        if file.form not in _WITH_ANSWERS:
            counts = self._import_directly(step, new, file)
            if counts is not None:
                return counts, file
            file = label_import.read()
        return import_staged(step, new["id"], file), file

    def _import_directly(self, step: Steps, new: Row, file: LabelFile) -> ImportCounts | None:
        """Store the rows while they are read; None, and nothing is stored, if they need a staged import."""
        rows = DirectImport(self._database, import_id=new["id"], now=new["now"])
        with suppress(NotDirectError), step.savepoint():
            step.copy("copy_direct", rows.batches(file.rows, step.heartbeat))
            are_new = rows.are_annotators_new
            values = {"id": new["id"], "images": [] if are_new else list(rows.images)}
            # New annotators have no earlier labels that could be replaced.
            superseded = 0 if are_new else step.one("direct_superseded", values)["number"]
            return ImportCounts(
                file.form, accepted=rows.number, superseded=superseded, refused=file.refused.number
            )
        return None

    def apply_held(self) -> int:
        with self._database.transaction() as cursor:
            step = Steps(cursor, lambda: None)
            for name in (
                "set_work_mem",
                "lock_held",
                "find_applicable",
                "analyze_applicable",
                "create_answered",
                "held_answers",
            ):
                step(name)
            applied = step("apply_held").rowcount
            for name in ("count_applied", "remove_applied", "store_answers", "withdraw_labels"):
                step(name)
        return applied


def _version(source: ObjectVersion) -> dict[str, str]:
    return {"key": source.location.key, "etag": source.etag}


def _one(cursor: Cursor[Row]) -> Row:
    row = cursor.fetchone()
    return row if row is not None else {}


def _counts(row: Row) -> ImportCounts:
    numbers = ("accepted", "repeated", "superseded", "held", "refused")
    return ImportCounts(row["format"], **{name: row[name] for name in numbers})
