"""Putting items back into the line: replay after a mended cause, release by a person's decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import class_row

from common.database import queries
from common.errors import ConflictError, ObjectMissingError
from common.store.object_key import Location
from common.store.object_store import ObjectStore

_SQL = queries(Path(__file__).with_suffix(".sql"))


@dataclass(frozen=True)
class AsideItem:
    """A settled item of the ledger."""

    id: int
    function: str
    state: str
    bucket: str
    key: str
    etag: str
    moved_to_bucket: str | None
    moved_to_key: str | None

    @property
    def place(self) -> Location:
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
) -> list[AsideItem]:
    """Settled items by number, function, state, cause and device; what is not given is not asked for."""
    rows = connection.cursor(row_factory=class_row(AsideItem))
    values = {
        "items": list(items) or None,
        "function": function,
        "state": state,
        "cause": cause,
        "device": device,
    }
    return rows.execute(_SQL["choose"], values).fetchall()


def choose_older_recipe(connection: psycopg.Connection, version: int) -> list[AsideItem]:
    """Raw objects whose pictures were drawn by an older recipe."""
    rows = connection.cursor(row_factory=class_row(AsideItem))
    return rows.execute(_SQL["choose_older_recipe"], {"version": version}).fetchall()


def put_back(connection: psycopg.Connection, store: ObjectStore, item: AsideItem) -> None:
    """Open an item again and move its object back; the object's event starts the work.

    First the ledger, so that the event is not taken for a late one; what stays where it is
    is sent again by the next sweep.
    """
    moved_to = item.moved_to
    source = store.stat(moved_to) if moved_to else None
    if source is not None and not _is_free(store, item.place, source.etag):
        raise ConflictError(f"Item {item.id} can't go back yet: another object lies in its place.")
    etag = source.etag if source else item.etag
    connection.execute(_SQL["forget_followers"], {"id": item.id})
    if not connection.execute(_SQL["reopen"], {"id": item.id, "etag": etag}).rowcount:
        connection.rollback()
        # Whoever finishes the move would take what is put back for its leftover.
        raise ConflictError(f"Item {item.id} can't go back yet: it is still being moved. Try again.")
    connection.commit()
    if source is not None and moved_to is not None and moved_to != item.place:
        store.copy(source, item.place, overwrite=False)
        store.delete(source)


def _is_free(store: ObjectStore, place: Location, etag: str) -> bool:
    try:
        return store.stat(place).etag == etag
    except ObjectMissingError:
        return True


def release(
    connection: psycopg.Connection, store: ObjectStore, item: AsideItem, *, who: str, why: str
) -> None:
    """Let a held item pass, and keep who decided it and why."""
    connection.execute(_SQL["release"], {"id": item.id, "who": who, "why": why})
    put_back(connection, store, item)
