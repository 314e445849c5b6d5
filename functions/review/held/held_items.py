"""The held items as the page lists them, and one item with everything that a decision needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from common.database import Database, queries
from common.store.object_key import Location
from functions.review.pictures.held_pictures import Original

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAGE = 50  # items of one page of the list
SHEET = 60  # items of one contact sheet


@dataclass(frozen=True)
class Filter:
    """What the listed items have in common; None is no condition."""

    cause: str | None = None
    device: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Filter":
        """The filter in the query of an address, or in a form."""
        return cls(values.get("cause") or None, values.get("device") or None)

    @property
    def query(self) -> dict[str, str]:
        """The same for an address."""
        return {name: value for name, value in (("cause", self.cause), ("device", self.device)) if value}


@dataclass(frozen=True)
class HeldItem:
    """A held item."""

    id: int
    cause: str
    device: str | None
    folder: int | None  # number of its NAS folder
    held_since: datetime
    size: int
    releases: int
    text_finding: str | None
    text_boxes: tuple[Mapping[str, int], ...]
    original: Original

    def boxes_of(self, frame: int) -> list[Mapping[str, int]]:
        """The places of text in a frame."""
        return [box for box in self.text_boxes if box["frame"] == frame]


class HeldItems:
    """Reads held items; those with a decision that can still be undone are left out."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, chosen: Filter, *, after: int = 0, most: int = PAGE) -> list[HeldItem]:
        """Items in order of their numbers, from the first one after `after`."""
        rows = self._database.all(_SQL["listed"], **_values(chosen), after=after, most=most)
        return [_item(row) for row in rows]

    def groups(self) -> list[dict[str, Any]]:
        """The number of held items by cause and device, the largest first."""
        return self._database.all(_SQL["groups"])

    def number(self, chosen: Filter) -> int:
        """How many items there are, at most 1,000: more are not counted."""
        row = self._database.one(_SQL["number"], **_values(chosen))
        return int(row["number"]) if row else 0

    def one(self, item_id: int) -> HeldItem | None:
        """A held item; None if it is not held, or was decided."""
        rows = self._database.all(_SQL["one"], id=item_id)
        return _item(rows[0]) if rows else None

    def next_after(self, item_id: int, chosen: Filter, *, most: int = 1) -> list[HeldItem]:
        """The items that follow one, and then those from the beginning."""
        found = self.listed(chosen, after=item_id, most=most)
        if len(found) < most:
            known = {item.id for item in found} | {item_id}
            found += [item for item in self.listed(chosen, most=most) if item.id not in known]
        return found[:most]

    def previous(self, item_id: int, chosen: Filter) -> int | None:
        """The number of the item before one; None at the beginning."""
        row = self._database.one(_SQL["previous"], **_values(chosen), before=item_id)
        return None if row is None else int(row["id"])

    def decisions_of(self, who: str) -> list[dict[str, Any]]:
        """The decisions of a user that can still be undone, the last first."""
        return self._database.all(_SQL["decisions_of"], who=who)

    def last_reason(self, who: str) -> str:
        """The reason that a user gave last."""
        row = self._database.one(_SQL["last_reason"], who=who)
        return "" if row is None else str(row["why"])

    def unseen(self, who: str, items: list[int]) -> list[int]:
        """Those of the items that a user has not looked at since they are held."""
        return [int(row["id"]) for row in self._database.all(_SQL["unseen"], who=who, items=items)]


def _values(chosen: Filter) -> dict[str, Any]:
    return {"cause": chosen.cause, "device": chosen.device}


def _item(row: dict[str, Any]) -> HeldItem:
    boxes = tuple(row["text_boxes"] or ())
    original = Original(
        row["id"],
        Location(row["bucket"], row["key"]),
        row["etag"],
        row["releases"],
        tuple(tuple(each) for each in row["blank"] or ()),
        tuple(sorted({box["frame"] for box in boxes})),
    )
    names = ("id", "cause", "device", "folder", "held_since", "size", "releases", "text_finding")
    return HeldItem(**{name: row[name] for name in names}, text_boxes=boxes, original=original)
