"""The folders of the NAS a page at a time, and how far their files have come."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import Connection
from psycopg.rows import DictRow

from common.database import queries

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAGE = 50  # folders
_FILES = ("found", "extracted", "skipped", "waiting", "held", "refused", "quarantined", "erased")
_IMAGES = ("images", "good", "labelled")


@dataclass(frozen=True)
class Folder:
    """A folder of the NAS with the numbers of its files and images."""

    id: int
    name: str | None  # None for those who may not see it: it may name a patient
    looked_at: datetime
    processed_at: datetime | None
    cause: str | None  # why the folder itself is not copied
    files: dict[str, int]
    images: dict[str, int]
    causes: list[DictRow]  # of what waits: state, cause, files


def listed(connection: Connection[DictRow], *, before: int | None, with_names: bool) -> list[Folder]:
    """The folders with numbers below `before`, the newest first: a page and one more if there is one."""
    rows = connection.execute(_SQL["listed"], {"before": before, "most": PAGE + 1}).fetchall()
    values = {"folders": [row["id"] for row in rows[:PAGE]]}
    files = {row["folder_id"]: row for row in connection.execute(_SQL["files"], values)}
    images = {row["folder_id"]: row for row in connection.execute(_SQL["images"], values)}
    causes: dict[int, list[DictRow]] = {}
    for row in connection.execute(_SQL["causes"], values):
        causes.setdefault(row["folder_id"], []).append(row)
    return [
        Folder(
            id=row["id"],
            name=row["name"] if with_names else None,
            looked_at=row["looked_at"],
            processed_at=row["processed_at"],
            cause=row["cause"],
            files=_numbers(files.get(row["id"], {}), _FILES),
            images=_numbers(images.get(row["id"], {}), _IMAGES),
            causes=causes.get(row["id"], []),
        )
        for row in rows
    ]


def _numbers(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, int]:
    return {name: int(row.get(name, 0)) for name in names}
