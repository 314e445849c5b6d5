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
            told, step = ToldRows(), _Steps(cursor, renew)
            step("settings")
            step("told")
            with cursor.copy(_SQL["copy_told"]) as copy:
                for batch in told.batches(file.rows, renew):
                    copy.write(batch)
            step("analyze_told")
            counts = _kept(step, new["id"], told, ImportCounts(file.form), file.refused)
            step("count_import", {"id": new["id"], **vars(counts)})
            report(counts)
        return counts

    def apply_held(self) -> int:
        with self._database.transaction() as cursor:
            step = _Steps(cursor, lambda: None)
            for name in (
                "settings",
                "lock_held",
                "applicable",
                "analyze_applicable",
                "answered",
                "held_answers",
            ):
                step(name)
            applied = step("apply_held").rowcount
            for name in ("count_applied", "remove_applied", "keep_answers", "withdraw"):
                step(name)
        return applied


class _Steps:
    """The statements of one transaction; whoever waits for it is told in between that it goes on."""

    def __init__(self, cursor: Cursor[Row], renew: Callable[[], None]) -> None:
        self._cursor, self._renew = cursor, renew

    def __call__(self, name: str, values: dict[str, Any] | None = None) -> Cursor[Row]:
        done = self._cursor.execute(_SQL[name], values)
        self._renew()
        return done

    def one(self, name: str, values: dict[str, Any] | None = None) -> Row:
        """The row of a statement that has one."""
        return _one(self(name, values))


def _kept(step: _Steps, number: int, told: ToldRows, counts: ImportCounts, refused: Refusals) -> ImportCounts:
    """Resolve what was copied, refuse what can't be, and keep the rest."""
    step("told_image")
    step("analyze_told_image")
    names = step.one("names")
    if names["refused"]:
        _refuse(step, "refused_names", "remove_refused_names", refused)
    repeated = 0 if told.is_once and names["once"] else _said_twice(step, refused)
    labels, _ = _ids(step, "labels", told.labels.names)
    annotators, are_new = _ids(step, "annotators", told.annotators.names)
    controls, _ = _ids(step, "controls", told.controls.names)
    values = {"id": number, "labels": labels, "annotators": annotators, "controls": controls}
    # Whoever labels for the first time takes the place of nothing.
    superseded = 0 if are_new else step.one("superseded", values)["number"]
    accepted = step("accept", values).rowcount
    held = groups = known = 0
    if names["unknown"]:
        step("hold", values)
        held = step.one("held", values)["number"]
    if names["groups"]:
        groups = step("accept_groups", values).rowcount
        known = step.one("known_groups", values)["number"]
    if told.controls.names:
        superseded += _withdrawn(step, values)
    return replace(
        counts,
        accepted=accepted + known,
        repeated=repeated,
        superseded=superseded,
        held=held + groups - known,
        refused=refused.number,
    )


def _refuse(step: _Steps, found: str, remove: str, refused: Refusals) -> None:
    rows = step(found).fetchall()
    if rows:
        refused.extend(rows[0]["number"], [RefusedRow(row["line"], row["cause"]) for row in rows])
    step(remove)


def _said_twice(step: _Steps, refused: Refusals) -> int:
    """Refuse what contradicts another row of the file; returns how many rows only repeat one."""
    doubled = step("said_twice").rowcount
    if step.one("answers")["there"]:
        doubled += step("answered_twice").rowcount
    if not doubled:
        return 0
    for name in ("analyze_said_twice", "contradictions", "analyze_contradictions"):
        step(name)
    _refuse(step, "refused_contradictions", "remove_contradictions", refused)
    return step("remove_repeats").rowcount


def _withdrawn(step: _Steps, values: dict[str, Any]) -> int:
    step("answered")
    step("told_answers", values)
    step("analyze_answered")
    step("keep_answers")
    return step("withdraw").rowcount


def _ids(step: _Steps, kind: str, names: list[str]) -> tuple[list[int], bool]:
    """The numbers of names in the database, new ones included; and whether all of them are new."""
    added = step(f"new_{kind}", {"names": names}).rowcount
    return step.one(kind, {"names": names})["ids"] or [], added == len(names)


def _version(source: ObjectVersion) -> dict[str, str]:
    return {"key": source.location.key, "etag": source.etag}


def _one(cursor: Cursor[Row]) -> Row:
    row = cursor.fetchone()
    return row if row is not None else {}


def _counts(row: Row) -> ImportCounts:
    numbers = ("accepted", "repeated", "superseded", "held", "refused")
    return ImportCounts(row["format"], **{name: row[name] for name in numbers})
