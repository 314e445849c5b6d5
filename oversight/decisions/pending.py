"""Decisions on the page: stored at once, carried out some seconds later, and undone until then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from common.database import queries
from common.errors import ConflictError, ObjectMissingError
from common.ledger.ledger import PixelRectangle
from common.store.object_store import ObjectStore
from oversight.audit.audit_log import AuditEvent, record
from oversight.decisions.replay import choose_items, refuse, release

_SQL = queries(Path(__file__).with_suffix(".sql"))

Decision = Literal["release", "refuse"]


@dataclass(frozen=True)
class SeenItem:
    """A held item as the person saw it."""

    id: int
    held_since: datetime  # another value means that it was decided, and held again, meanwhile


@dataclass(frozen=True)
class PendingDecision:
    """A decision that was not carried out yet."""

    item_id: int
    decision: Decision
    blank: list[list[int]] | None
    who: str
    why: str


def decide(
    connection: psycopg.Connection[Any],
    item: SeenItem,
    decision: Decision,
    *,
    who: str,
    why: str,
    blank: Sequence[PixelRectangle] = (),
) -> None:
    """Store a decision about a held item; `blank` is made black in its pictures.

    Raises ConflictError if another person decided about it first, or if it is no longer held.
    """
    rectangles = [list(each) for each in blank]
    values = {"id": item.id, "held_since": item.held_since, "decision": decision, "who": who, "why": why}
    values["blank"] = Jsonb(rectangles) if rectangles else None
    if not connection.execute(_SQL["decide"], values).rowcount:
        connection.rollback()
        raise ConflictError(_who_was_first(connection, item.id))
    action: Any = f"decide {decision}"
    details = {"blank": rectangles} if rectangles else None
    record(connection, AuditEvent(who, "page", action, item_id=item.id, why=why, details=details))
    connection.commit()


def undo(connection: psycopg.Connection[Any], item_id: int, *, who: str) -> bool:
    """Take back a person's own decision; False if it was carried out already, or was another person's."""
    done = connection.execute(_SQL["undo"], {"id": item_id, "who": who}).rowcount > 0
    if done:
        record(connection, AuditEvent(who, "page", "undo", item_id=item_id))
    connection.commit()
    return done


def carry_out(connection: psycopg.Connection[Any], store: ObjectStore, *, after_seconds: float) -> int:
    """Carry out the decisions that are older than this; returns how many.

    It may be interrupted at any point and run again: an item that is no longer held has been decided.
    """
    rows = connection.cursor(row_factory=class_row(PendingDecision))
    number = 0
    for pending in rows.execute(_SQL["due"], {"seconds": after_seconds}).fetchall():
        number += _carried_out(connection, store, pending)
        connection.commit()
    return number


def _carried_out(connection: psycopg.Connection[Any], store: ObjectStore, pending: PendingDecision) -> bool:
    """Carry out one decision; False if it can't be done now, or the item is no longer held."""
    found = choose_items(connection, items=[pending.item_id], state="held")
    if not found:
        connection.execute(_SQL["delete"], {"id": pending.item_id})
        return False
    if pending.decision == "refuse":
        return refuse(connection, found[0], who=pending.who, why=pending.why, via="page")
    blank: list[Any] = [tuple(each) for each in pending.blank or ()]
    try:
        release(connection, store, found[0], who=pending.who, why=pending.why, blank=blank, via="page")
    except (ConflictError, ObjectMissingError):  # it is being moved; the next run tries again
        connection.rollback()
        return False
    return True


def _who_was_first(connection: psycopg.Connection[Any], item_id: int) -> str:
    row = connection.cursor(row_factory=dict_row).execute(_SQL["decided_by"], {"id": item_id}).fetchone()
    connection.commit()
    if row is None or row["who"] is None:
        return f"Item {item_id} is no longer held as you saw it: it was put back or read again meanwhile."
    return f"{row['who']} has decided about item {item_id} already ({row['decision']})."
