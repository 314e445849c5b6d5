"""Rows of the audit, written in the same transaction as what they tell."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from psycopg.types.json import Jsonb

from common.database import Database, queries

_SQL = queries(Path(__file__).with_suffix(".sql"))

Action = Literal[
    "sign in", "sign in failed", "sign out", "add user", "change user",
    "view held picture", "view contact sheet", "write held pictures",
    "decide release", "decide refuse", "undo", "release", "refuse", "undo refusal",
    "overrule", "replay", "resolve", "ask erasure", "withdraw erasure", "erase", "download audit",
]  # fmt: skip
Via = Literal["page", "shell"]


class Executor(Protocol):
    """A connection or cursor of psycopg."""

    def execute(self, query: Any, params: Any = None, /) -> Any: ...


@dataclass(frozen=True)
class AuditEvent:
    """One row of the audit."""

    who: str
    via: Via
    action: Action
    item_id: int | None = None
    sop_instance_uid: str | None = None
    frame: int | None = None
    why: str | None = None
    details: Mapping[str, object] | None = None


def record(connection: Executor, event: AuditEvent) -> None:
    """Write one row; it counts when the caller commits."""
    details = Jsonb(dict(event.details)) if event.details is not None else None
    connection.execute(_SQL["record"], asdict(event) | {"details": details})


def record_alone(database: Database, event: AuditEvent) -> None:
    """Write one row in a transaction of its own, before what it tells can be seen."""
    with database.transaction() as cursor:
        record(cursor, event)


def record_views(connection: Executor, event: AuditEvent, items: Sequence[int]) -> None:
    """Write a row for each of several items that are shown together."""
    connection.execute(_SQL["record_views"], asdict(event) | {"items": list(items), "details": None})
