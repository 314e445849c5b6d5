"""Where labels are kept."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from psycopg import Cursor

from common.database import Database, Row, queries
from common.object_store import ObjectVersion
from functions.annotations.label_file import LabelFile
from functions.annotations.refused_row import Refusals, RefusedRow
from functions.annotations.told_rows import ToldRows

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class ImportCounts:
    """What became of a label file's rows, one for each label of an image."""

    form: str  # as the file was recognised
    accepted: int = 0  # labels now on images
    repeated: int = 0  # said before in the same file
    superseded: int = 0  # labels of the same annotators that these took the place of
    held: int = 0  # labels of images that aren't known yet
    refused: int = 0


class LabelRows(Protocol):
    """Where labels are kept."""

    def known(self, source: ObjectVersion) -> ImportCounts | None:
        """What came of this very file before, if it was imported."""

    def keep(
        self,
        source: ObjectVersion,
        file: LabelFile,
        *,
        renew: Callable[[], None],
        report: Callable[[ImportCounts], None],
    ) -> ImportCounts:
        """All labels of a file or none, as one import; the same file again changes nothing.

        `renew` is called now and then, `report` with the counts before anything is final. What
        can't be taken is added to the file's refusals.
        """

    def apply_held(self) -> int:
        """Give held labels the images that are known by now; returns how many."""


class PostgresLabelRows(LabelRows):
    """The rows in Postgres: copied into a temporary table, then resolved and kept set by set."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, source: ObjectVersion) -> ImportCounts | None:
        row = self._database.one(_SQL["known_import"], **_version(source))
        return None if row is None else _counts(row)

    def keep(
        self,
        source: ObjectVersion,
        file: LabelFile,
        *,
        renew: Callable[[], None],
        report: Callable[[ImportCounts], None],
    ) -> ImportCounts:
        with self._database.transaction() as cursor:
            new = cursor.execute(_SQL["new_import"], {**_version(source), "format": file.form}).fetchone()
            if new is None:  # another worker was faster
                return _counts(_one(cursor.execute(_SQL["known_import"], _version(source))))
            cursor.execute(_SQL["settings"])
            told = ToldRows()
            cursor.execute(_SQL["told"])
            with cursor.copy(_SQL["copy_told"]) as copy:
                for batch in told.batches(file.rows, renew):
                    copy.write(batch)
            renew()
            cursor.execute("analyze told")
            counts = _kept(cursor, new["id"], told, ImportCounts(file.form), file.refused)
            cursor.execute(_SQL["count_import"], {"id": new["id"], **vars(counts)})
            report(counts)
        return counts

    def apply_held(self) -> int:
        with self._database.transaction() as cursor:
            for name in ("settings", "lock_held", "applicable", "answered", "held_answers"):
                cursor.execute(_SQL[name])
            applied = cursor.execute(_SQL["apply_held"]).rowcount
            for name in ("count_applied", "remove_applied", "keep_answers", "withdraw"):
                cursor.execute(_SQL[name])
        return applied


def _kept(
    cursor: Cursor[Row], number: int, told: ToldRows, counts: ImportCounts, refused: Refusals
) -> ImportCounts:
    """Resolve what was copied, refuse what can't be, and keep the rest."""
    cursor.execute(_SQL["told_image"])
    _refuse(cursor, "refused_names", "remove_refused_names", refused)
    repeated = _said_twice(cursor, refused)
    values = {
        "id": number,
        "labels": _ids(cursor, "labels", told.labels.names),
        "annotators": _ids(cursor, "annotators", told.annotators.names),
        "controls": _ids(cursor, "controls", told.controls.names),
    }
    superseded = 0
    if _one(cursor.execute(_SQL["has_labels"]))["there"]:
        superseded = _one(cursor.execute(_SQL["superseded"], values))["number"]
    accepted = cursor.execute(_SQL["accept"], values).rowcount
    cursor.execute(_SQL["hold"], values)
    held = _one(cursor.execute(_SQL["held"], values))["number"]
    groups = cursor.execute(_SQL["accept_groups"], values).rowcount
    known = _one(cursor.execute(_SQL["known_groups"], values))["number"]
    if told.controls.names:
        superseded += _withdrawn(cursor, values)
    return replace(
        counts,
        accepted=accepted + known,
        repeated=repeated,
        superseded=superseded,
        held=held + groups - known,
        refused=refused.number,
    )


def _refuse(cursor: Cursor[Row], found: str, remove: str, refused: Refusals) -> None:
    rows = cursor.execute(_SQL[found]).fetchall()
    if rows:
        refused.extend(rows[0]["number"], [RefusedRow(row["line"], row["cause"]) for row in rows])
    cursor.execute(_SQL[remove])


def _said_twice(cursor: Cursor[Row], refused: Refusals) -> int:
    """Refuse what contradicts another row of the file; returns how many rows only repeat one."""
    doubled = cursor.execute(_SQL["said_twice"]).rowcount
    if _one(cursor.execute(_SQL["answers"]))["there"]:
        doubled += cursor.execute(_SQL["answered_twice"]).rowcount
    if not doubled:
        return 0
    cursor.execute(_SQL["contradictions"])
    _refuse(cursor, "refused_contradictions", "remove_contradictions", refused)
    return cursor.execute(_SQL["remove_repeats"]).rowcount


def _withdrawn(cursor: Cursor[Row], values: dict[str, Any]) -> int:
    cursor.execute(_SQL["answered"])
    cursor.execute(_SQL["told_answers"], values)
    cursor.execute(_SQL["keep_answers"])
    return cursor.execute(_SQL["withdraw"]).rowcount


def _ids(cursor: Cursor[Row], kind: str, names: list[str]) -> list[int]:
    """The numbers of names in the database, new ones included."""
    cursor.execute(_SQL[f"new_{kind}"], {"names": names})
    return _one(cursor.execute(_SQL[kind], {"names": names}))["ids"] or []


def _version(source: ObjectVersion) -> dict[str, str]:
    return {"key": source.location.key, "etag": source.etag}


def _one(cursor: Cursor[Row]) -> Row:
    row = cursor.fetchone()
    return row if row is not None else {}


def _counts(row: Row) -> ImportCounts:
    numbers = ("accepted", "repeated", "superseded", "held", "refused")
    return ImportCounts(row["format"], **{name: row[name] for name in numbers})
