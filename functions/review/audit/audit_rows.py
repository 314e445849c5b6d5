"""The rows of the audit, filtered, the newest first; on pages and as a CSV file."""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from common.database import Database, queries
from common.errors import PermanentError
from functions.review.access.form_fields import is_number
from oversight.audit.audit_log import Action
from oversight.audit.spreadsheet import cell

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAGE = 100  # rows
ACTIONS: tuple[str, ...] = get_args(Action)
_CSV_ROWS = 1000  # read at a time
_COLUMNS = ("at", "who", "via", "action", "item_id", "sop_instance_uid", "frame", "why", "details")


@dataclass(frozen=True)
class AuditFilter:
    """Which rows are shown; None is no condition. Days are those of UTC."""

    who: str | None = None
    action: str | None = None
    item: int | None = None
    since: date | None = None  # first day
    until: date | None = None  # last day

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "AuditFilter":
        """The filter in the query of an address; raises PermanentError for what is no number or day."""
        action, item = values.get("action") or None, values.get("item", "").strip()
        if action is not None and action not in ACTIONS:
            raise PermanentError("There is no such action.")
        if item and not is_number(item):
            raise PermanentError("An item is a number.")
        return cls(
            who=values.get("who", "").strip() or None,
            action=action,
            item=int(item) if item else None,
            since=_day(values.get("since", "")),
            until=_day(values.get("until", "")),
        )

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        return {name: str(value) for name, value in asdict(self).items() if value is not None}


def listed(
    database: Database, chosen: AuditFilter, *, before: int | None = None, most: int = PAGE
) -> list[dict[str, Any]]:
    """Rows older than the row `before`, the newest first."""
    text = _SQL["listed"]
    for name in (*chosen.query, *(["before"] if before is not None else [])):
        text += "\n" + _SQL[name]
    values = asdict(chosen) | {"since": _midnight(chosen.since), "until": _midnight(chosen.until, days=1)}
    return database.all(f"{text}\n{_SQL['order']}", **values, before=before, most=most)


def csv_lines(database: Database, chosen: AuditFilter) -> Iterator[str]:
    """All rows of a filter as CSV; read a thousand at a time, so that a slow reader holds no connection."""
    yield _line(_COLUMNS)
    before = None
    while rows := listed(database, chosen, before=before, most=_CSV_ROWS):
        for row in rows:
            details = json.dumps(row["details"], ensure_ascii=False) if row["details"] is not None else None
            shown = row | {"at": row["at"].astimezone(UTC).isoformat(), "details": details}
            yield _line([cell(shown[name]) for name in _COLUMNS])
        before = rows[-1]["id"]


def _line(values: Any) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise PermanentError("A day is YEAR-MONTH-DAY, such as 2026-01-31.") from None


def _midnight(day: date | None, *, days: int = 0) -> datetime | None:
    """The beginning of a day in UTC, or of one some days later."""
    if day is None:
        return None
    try:
        return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=days)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
