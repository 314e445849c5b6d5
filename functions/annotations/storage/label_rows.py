"""Where labels are kept."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from psycopg import Cursor

from common.database import Database, Row, queries
from common.store.object_store import ObjectVersion
from functions.annotations.formats.json_rows import LABEL_STUDIO
from functions.annotations.formats.label_file import LabelFile
from functions.annotations.formats.table_columns import CHEST_XRAY_14
from functions.annotations.storage.direct_import import DirectImport, NotDirectError
from functions.annotations.storage.import_counts import ImportCounts, Report
from functions.annotations.storage.import_steps import Steps
from functions.annotations.storage.staged_import import import_staged

_SQL = queries(Path(__file__).with_suffix(".sql"))
_ANSWERS = {CHEST_XRAY_14, LABEL_STUDIO}  # forms whose rows say what was not chosen, too


class LabelRows(Protocol):
    """Where labels are kept."""

    def known(self, source: ObjectVersion) -> ImportCounts | None:
        """What came of this very file before, if it was imported."""

    def keep(
        self,
        source: ObjectVersion,
        read: Callable[[], LabelFile],
        *,
        renew: Callable[[], None],
        report: Report,
    ) -> ImportCounts:
        """All labels of a file or none, as one import; the same file again changes nothing.

        `read` begins to read the file, perhaps anew; `renew` is called now and then, `report` with
        the counts and what can't be taken, before anything is final.
        """

    def apply_held(self) -> int:
        """Give held labels the images that are known by now; returns how many."""


class PostgresLabelRows(LabelRows):
    """The rows in Postgres: copied straight to where they stay, or aside to be compared with each other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, source: ObjectVersion) -> ImportCounts | None:
        row = self._database.one(_SQL["known_import"], **_version(source))
        return None if row is None else _counts(row)

    def keep(
        self,
        source: ObjectVersion,
        read: Callable[[], LabelFile],
        *,
        renew: Callable[[], None],
        report: Report,
    ) -> ImportCounts:
        with self._database.transaction() as cursor:
            file, values = read(), _version(source)
            new = cursor.execute(_SQL["new_import"], {**values, "format": file.form}).fetchone()
            if new is None:  # another worker was faster
                return _counts(_one(cursor.execute(_SQL["known_import"], values)))
            step = Steps(cursor, renew)
            step("settings")
            counts = None
            if file.form not in _ANSWERS:
                counts = self._straight(step, new, file)
                file = file if counts else read()
            counts = counts or import_staged(step, new["id"], file)
            step("count_import", {"id": new["id"], **vars(counts)})
            report(counts, file.refused)
        return counts

    def _straight(self, step: Steps, new: Row, file: LabelFile) -> ImportCounts | None:
        """Keep the rows as they are read; None, and nothing is kept, if they have to be compared."""
        rows = DirectImport(self._database, import_id=new["id"], now=new["now"])
        with suppress(NotDirectError), step.all_or_nothing():
            step.copy("copy_straight", rows.batches(file.rows, step.renew))
            values = {"id": new["id"], "images": [] if rows.are_first else list(rows.images)}
            # Whoever labels for the first time takes the place of nothing.
            superseded = 0 if rows.are_first else step.one("straight_superseded", values)["number"]
            return ImportCounts(
                file.form, accepted=rows.number, superseded=superseded, refused=file.refused.number
            )
        return None

    def apply_held(self) -> int:
        with self._database.transaction() as cursor:
            step = Steps(cursor, lambda: None)
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


def _version(source: ObjectVersion) -> dict[str, str]:
    return {"key": source.location.key, "etag": source.etag}


def _one(cursor: Cursor[Row]) -> Row:
    row = cursor.fetchone()
    return row if row is not None else {}


def _counts(row: Row) -> ImportCounts:
    numbers = ("accepted", "repeated", "superseded", "held", "refused")
    return ImportCounts(row["format"], **{name: row[name] for name in numbers})
