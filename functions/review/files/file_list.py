"""The files in a state of the balance, the newest first: those of the NAS, then those put into raw directly.

They are told as numbers, causes and times; a path may name a patient.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, LiteralString

from common.database import Database, queries
from functions.review.access.form_fields import is_number

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAGE = 50  # files of one page
_SETTLED = frozenset({"extracted", "skipped", "erased"})  # settled_total counts them
_LAST = 2**63 - 1  # number that a file can have
# The states that the balance counts of files, except those that are states of items.
STATES = ("found", "waiting", "extracted", "skipped", "erased", "difference")


@dataclass(frozen=True)
class FileFilter:
    """Which files are listed."""

    state: str
    since: datetime | None = None  # found on the NAS from this hour on
    until: datetime | None = None  # and before this one

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "FileFilter | None":
        """The filter in the query of an address; None if there is no such state, or a time that is none."""
        state = values.get("state", "found")
        try:
            since, until = (_hour(values.get(name, "")) for name in ("since", "until"))
        except ValueError:
            return None
        return cls(state, since, until) if state in STATES else None

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        times = (("since", self.since), ("until", self.until))
        return {"state": self.state} | {name: f"{time:%Y-%m-%dT%H}" for name, time in times if time}

    @property
    def is_of_nas(self) -> bool:
        """Whether only files of the NAS are listed: those that arrived at some time."""
        return self.since is not None or self.until is not None


@dataclass(frozen=True)
class Place:
    """After which file a page begins; None is the beginning."""

    file: int | None = None  # of the NAS
    item: int | None = None  # of a file that was put into raw directly

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Place":
        """The place in the query of an address."""
        file, item = (values.get(name, "") for name in ("file", "item"))
        return cls(int(file) if is_number(file) else None, int(item) if is_number(item) else None)

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        return {
            name: str(number)
            for name, number in (("file", self.file), ("item", self.item))
            if number is not None
        }


def listed(database: Database, chosen: FileFilter, place: Place, *, most: int = PAGE) -> list[dict[str, Any]]:
    """The files after a place; the direct ones are only looked for when those of the NAS end."""
    files = _numbers(database, chosen, "nas", place.file, most) if place.item is None else []
    is_complete = len(files) == most or chosen.is_of_nas
    items = [] if is_complete else _numbers(database, chosen, "direct", place.item, most - len(files))
    shown = database.all(_SQL["shown"], files=files, items=items)
    return sorted(shown, key=lambda row: (row["file"] is not None, row["file"] or row["item"]), reverse=True)


def _numbers(database: Database, chosen: FileFilter, kind: str, before: int | None, most: int) -> list[int]:
    text = _SQL["arrived"] if chosen.is_of_nas else _query(kind, chosen.state)
    times = {"since": chosen.since, "until": chosen.until} if chosen.is_of_nas else {}
    rows = database.all(text, **times, before=_LAST if before is None else before, most=most)
    return [row["id"] for row in rows]


def _query(kind: str, state: str) -> LiteralString:
    """The query of the files of the NAS, or of those put into raw directly, in a state."""
    if state not in _SETTLED:
        return _SQL[f"{state}_{kind}"]
    source = ("nas_source", f"source_{state}") if kind == "nas" else ()
    parts = (f"{kind}_counted", f"counted_{state}", *source, f"{kind}_items", f"item_{state}", "end")
    return "\n".join(_SQL[part] for part in parts)


def place_of(row: Mapping[str, Any]) -> Place:
    """The place after a file."""
    return Place(file=row["file"]) if row["file"] is not None else Place(item=row["item"])


def _hour(text: str) -> datetime | None:
    """An hour in UTC, such as 2026-01-31T07."""
    return datetime.strptime(text, "%Y-%m-%dT%H").replace(tzinfo=UTC) if text else None


def hours_until(hour: datetime, hours: int) -> dict[str, str]:
    """The query of the files that were found in some hours, the last of which is `hour`."""
    end = hour.astimezone(UTC) + timedelta(hours=1)
    return FileFilter("found", end - timedelta(hours=hours), end).query
