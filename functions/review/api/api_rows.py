"""What the JSON API answers, from the rows of the database."""

from pathlib import Path
from typing import Any

from common.database import Database, queries
from functions.review.overview.overview_numbers import read_overview

_SQL = queries(Path(__file__).with_suffix(".sql"))
_VERDICTS = ("good", "review", "black", "low_quality")
_OVERVIEW = ("balance", "functions", "arrivals", "aside", "buckets")


def overview(database: Database) -> dict[str, Any]:
    """The numbers of the overview, from one snapshot."""
    with database.snapshot() as connection:
        found = read_overview(connection)
    return {name: found[name] for name in _OVERVIEW}


def items_aside(database: Database, query: str, *, after: int, most: int) -> dict[str, Any]:
    """A page of held or quarantined items, and after which number the next page begins."""
    rows = database.all(_SQL[query], after=after, most=most + 1)
    return {"items": rows[:most], "next": rows[most - 1]["id"] if len(rows) > most else None}


def quality(database: Database) -> dict[str, Any]:
    """The verdicts of the models by week and modality, as numbers and as shares."""
    rows = database.all(_SQL["quality"])
    return {"weeks": [row | {"shares": _shares(row)} for row in rows]}


def item(database: Database, item_id: int) -> dict[str, Any] | None:
    """An item of the ledger with its earlier attempts; None if there is none."""
    row = database.one(_SQL["item"], id=item_id)
    return None if row is None else row | {"earlier_attempts": database.all(_SQL["attempts"], id=item_id)}


def _shares(row: dict[str, Any]) -> dict[str, float]:
    return {name: round(row[name] / row["images"], 6) if row["images"] else 0.0 for name in _VERDICTS}
