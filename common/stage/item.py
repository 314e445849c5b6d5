"""What a stage works on, what its work gives, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from common.errors import UNKNOWN, Subject
from common.ledger.ledger import DatabaseCall, PixelRectangle
from common.store.object_key import RAW, Location
from common.store.object_store import ObjectVersion


@dataclass(frozen=True)
class Item:
    """One object version, claimed in the ledger."""

    id: int  # its number in the ledger
    version: ObjectVersion
    releases: int  # how often a person released it from the burned-in text gate
    heartbeat: Callable[[], None]  # to be called in long work: raises once another worker has the item
    blank: tuple[PixelRectangle, ...] = ()  # what a person wants to be made black


@dataclass(frozen=True)
class Outcome:
    """What the work made of an item."""

    outcome: str
    sop_instance_uid: str | None = None
    cause: str | None = None
    move_to: Location | None = None  # where the input is moved to; None: it stays
    overwrite: bool = False  # whether the move may replace an object that is there
    is_written: bool = False  # whether the work wrote what stands for the input at `move_to` itself
    database_call: DatabaseCall | None = None  # rows to write, in the statement that settles the item
    announces: tuple[tuple[str, ObjectVersion], ...] = ()  # functions, and the objects made for them
    subject: Subject = UNKNOWN
    details: Mapping[str, object] = field(default_factory=dict)  # for the answer


@dataclass(frozen=True)
class Result:
    """The answer to one event record, or about one item of the backlog."""

    body: Mapping[str, object]
    retry: bool = False
    attempt: int | None = None  # None: another worker had the item, or it was settled before
    source: str | None = None  # what the item came of: a file of the NAS, or an object put into raw


def answer(location: Location, status: str, *, retry: bool = False, **details: Any) -> Result:
    """The result for an object; details without a value are left out.

    A key in raw holds a NAS path, which may name a patient: the item's number stands for it.
    """
    shown = {"bucket": location.bucket} | ({} if location.bucket == RAW else {"key": location.key})
    known = {name: value for name, value in details.items() if value is not None}
    return Result({**shown, "status": str(status), **known}, retry=retry)
