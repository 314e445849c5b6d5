"""The folders of the NAS a page at a time, and how far their files have come."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from pathlib import Path

from psycopg import Connection
from psycopg.rows import DictRow

from common.database import queries

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAGE, PAGE_FILES = 50, 10_000  # folders of a page; fewer if they have more files together
_WAITING = ("waiting", "held", "refused", "quarantined")


@dataclass
class Folder:
    """A folder of the NAS with the numbers of its files and images."""

    id: int
    name: str | None  # None for those who may not see it: it may name a patient
    processed_at: datetime | None
    cause: str | None  # why the folder itself is not copied
    files: int  # that were found
    numbers: "Counter[str]" = field(default_factory=Counter)  # of files by state, and of images
    waiting: list[DictRow] = field(default_factory=list)  # state, cause and number, the largest first


def listed(
    connection: Connection[DictRow], *, before: int | None, with_names: bool
) -> tuple[list[Folder], bool]:
    """A page of the folders with numbers below `before`, the newest first; and whether there are more."""
    rows = connection.execute(_SQL["listed"], {"before": before, "most": PAGE + 1}).fetchall()
    sums = accumulate(row["files"] for row in rows[:PAGE])
    shown = rows[: max(1, sum(number <= PAGE_FILES for number in sums))]
    folders = {row["id"]: Folder(**row | {"name": row["name"] if with_names else None}) for row in shown}
    for row in connection.execute(_SQL["numbers"], {"folders": list(folders)}):
        folder = folders[row["folder_id"]]
        folder.numbers[row["state"]] += row["number"]
        if row["state"] in _WAITING:
            folder.waiting.append(row)
    return list(folders.values()), len(rows) > len(shown)
