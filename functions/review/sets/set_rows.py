"""The rows of frozen versions."""

from pathlib import Path
from typing import Any

from common.database import Database, queries
from training_set.versions.set_list import list_versions

_SQL = queries(Path(__file__).with_suffix(".sql"))
MOST = 200  # versions of one page of the list
_LARGEST = 2**31 - 1


def listed(database: Database, after: tuple[str, int], *, most: int = MOST) -> list[dict[str, Any]]:
    """Versions in order of set and number, from the first one after `after`."""
    with database.snapshot() as connection:
        return list_versions(connection, after=after, most=most)


def find_version(database: Database, name: str, number: int) -> dict[str, Any] | None:
    """The row of a version; None if there is none."""
    return database.one(_SQL["version"], name=name, number=min(number, _LARGEST))


def numbers_of(database: Database, name: str) -> list[int]:
    """The numbers of a set's newest versions, the newest first."""
    return [int(row["number"]) for row in database.all(_SQL["numbers"], name=name)]
