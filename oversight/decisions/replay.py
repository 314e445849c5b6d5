"""Putting items back into the pipeline: replay after the cause was fixed, release by a person's decision."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import class_row, tuple_row
from psycopg.types.json import Jsonb

from common.database import queries
from common.errors import ConflictError, ObjectMissingError
from common.ledger.ledger import PixelRectangle
from common.store.object_key import Location
from common.store.object_store import ObjectStore
from oversight.audit.audit_log import AuditEvent, Via, record

_SQL = queries(Path(__file__).with_suffix(".sql"))


REFUSED = (
    "A person refused item {id}; dcm2set trace item-{id} shows why. To decide again, have it held first: "
    "dcm2set refuse --undo --item {id} --why '…'"
)
_WORKER_SECONDS = 60.0
WITHDRAWN = "withdrawn"  # the outcome of an item for which a person chose another one


@dataclass(frozen=True)
class SettledItem:
    """A settled item of the ledger."""

    id: int
    function: str
    state: str
    outcome: str | None
    bucket: str
    key: str
    etag: str
    moved_to_bucket: str | None
    moved_to_key: str | None

    @property
    def location(self) -> Location:
        return Location(self.bucket, self.key)

    @property
    def moved_to(self) -> Location | None:
        if self.moved_to_bucket is None or self.moved_to_key is None:
            return None
        return Location(self.moved_to_bucket, self.moved_to_key)


def choose_items(
    connection: psycopg.Connection,
    *,
    items: Sequence[int] = (),
    function: str | None = None,
    state: str | None = None,
    cause: str | None = None,
    device: str | None = None,
    nothing_found: bool = False,
) -> list[SettledItem]:
    """Settled items by number, function, state, cause and device; what is not given is no condition.

    With `nothing_found`, only those in whose pictures the search found no text.
    """
    rows = connection.cursor(row_factory=class_row(SettledItem))
    values = {
        "items": list(items) or None,
        "function": function,
        "state": state,
        "cause": cause,
        "device": device,
        "nothing_found": nothing_found,
    }
    return rows.execute(_SQL["choose"], values).fetchall()


def choose_older_recipe(connection: psycopg.Connection, version: int) -> list[SettledItem]:
    """Items of raw objects whose images were rendered by a recipe older than `version`."""
    rows = connection.cursor(row_factory=class_row(SettledItem))
    return rows.execute(_SQL["choose_older_recipe"], {"version": version}).fetchall()


def put_back(connection: psycopg.Connection, store: ObjectStore, item: SettledItem) -> None:
    """Reopen an item and move its object back; the event of the object starts the work.

    The ledger is changed first, so that the event is not taken for a late one. If the object was not
    moved, there is no event, and the next sweep sends the item again. Raises ConflictError if another
    object lies at the item's location, or if the item is still being moved or worked on.
    """
    moved_to = item.moved_to
    source = store.stat(moved_to) if moved_to else None
    if source is not None and not _is_free(store, item.location, source.etag):
        raise ConflictError(f"Item {item.id} can't be put back yet: another object lies at its location.")
    etag = source.etag if source else item.etag
    connection.execute(_SQL["outdate_later_items"], {"id": item.id})
    if not connection.execute(_SQL["reopen"], {"id": item.id, "etag": etag, "state": item.state}).rowcount:
        connection.rollback()
        # The pending delete would remove the object that is put back.
        raise ConflictError(
            f"Item {item.id} can't be put back yet: it is being moved, or was decided just now. Try again."
        )
    connection.commit()
    move_back(connection, store, item)


def move_back(connection: psycopg.Connection, store: ObjectStore, item: SettledItem) -> None:
    """Move the object of a reopened item back to where it arrived, unless that is done.

    The item's row is locked meanwhile, so that nobody can claim the item. Otherwise a worker could be done
    before the object is deleted here: it would take that object for its own copy, and none would be left.
    """
    if _is_locked(connection, item) and item.moved_to is not None and item.moved_to != item.location:
        with suppress(ObjectMissingError):
            source = store.stat(item.moved_to)
            store.copy(source, item.location, overwrite=False)
            store.delete(source)
        connection.execute(_SQL["make_due"], {"id": item.id})
    connection.commit()


def _is_locked(connection: psycopg.Connection, item: SettledItem) -> bool:
    """Lock the row of a reopened item; False if the item is settled already.

    A worker that a late event gave the item finds no object, and soon lets it go.
    """
    deadline = time.monotonic() + _WORKER_SECONDS
    rows = connection.cursor(row_factory=tuple_row)
    # The page's role may lock no row that is being worked on, but read it.
    while rows.execute(_SQL["lock"], {"id": item.id}).fetchone() is None:
        found = rows.execute(_SQL["state"], {"id": item.id}).fetchone()
        connection.rollback()
        if found is None or found[0] not in {"running", "retry"}:
            return False
        if time.monotonic() > deadline:
            raise ConflictError(f"Item {item.id} can't be put back yet: it is being worked on. Try again.")
        time.sleep(0.1)
    return True


def _is_free(store: ObjectStore, location: Location, etag: str) -> bool:
    """Whether nothing, or already the same content, lies at a location."""
    try:
        return store.stat(location).etag == etag
    except ObjectMissingError:
        return True


def replay(
    connection: psycopg.Connection, store: ObjectStore, item: SettledItem, *, who: str, via: Via = "shell"
) -> None:
    """Put a quarantined or settled item back into the pipeline, and store who did it."""
    record(connection, AuditEvent(who, via, "replay", item_id=item.id, details={"state": item.state}))
    put_back(connection, store, item)


def release(
    connection: psycopg.Connection,
    store: ObjectStore,
    item: SettledItem,
    *,
    who: str,
    why: str,
    blank: Sequence[PixelRectangle] = (),
    via: Via = "shell",
) -> None:
    """Let a held item pass, and store who decided it and why; `blank` is made black in its pictures."""
    rectangles = [list(each) for each in blank]
    values = {"id": item.id, "who": who, "why": why, "blank": Jsonb(rectangles) if rectangles else None}
    connection.execute(_SQL["release"], values)
    details = {"blank": rectangles} if rectangles else None
    record(connection, AuditEvent(who, via, "release", item_id=item.id, why=why, details=details))
    put_back(connection, store, item)


def refuse(
    connection: psycopg.Connection, item: SettledItem, *, who: str, why: str, via: Via = "shell"
) -> bool:
    """Keep a held item out; its original stays where it is. False if the item is no longer held."""
    return _decided(connection, "refuse", AuditEvent(who, via, "refuse", item_id=item.id, why=why))


def undo_refusal(
    connection: psycopg.Connection, item: SettledItem, *, who: str, why: str, via: Via = "shell"
) -> bool:
    """Hold a refused item again. False if it is no longer refused."""
    return _decided(
        connection, "undo_refusal", AuditEvent(who, via, "undo refusal", item_id=item.id, why=why)
    )


def _decided(connection: psycopg.Connection, query: str, event: AuditEvent) -> bool:
    done = connection.execute(_SQL[query], {"id": event.item_id, "who": event.who, "why": event.why}).rowcount
    if done:
        record(connection, event)
    connection.commit()
    return done > 0


def extracted_before(connection: psycopg.Connection, items: Sequence[SettledItem]) -> int:
    """How many of the items were extracted before they were held, so that images of them are there."""
    rows = connection.cursor(row_factory=tuple_row)
    found = rows.execute(_SQL["extracted_before"], {"items": [item.id for item in items]}).fetchone()
    return int(found[0]) if found else 0
