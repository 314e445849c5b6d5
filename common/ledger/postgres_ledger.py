"""The ledger in Postgres."""

import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import cache
from itertools import count
from pathlib import Path
from typing import LiteralString
from uuid import UUID, uuid4

import orjson

from common.database import Database, Row, queries
from common.errors import TextFound
from common.ledger.ledger import (
    LONGEST_SECONDS,
    NEWEST_EVERY,
    Claim,
    ExistingItem,
    Ledger,
    PendingDelete,
    Settlement,
    State,
)
from common.store.object_key import Location
from common.store.object_store import ObjectVersion

_SQL = queries(Path(__file__).with_name("ledger.sql"))
# Claims the item that became due last, so that a few files do not wait behind the thousands of pictures of
# another one. It is the same statement from the other end of its index.
_CLAIM_NEWEST = _SQL["claim_due"].replace("order by due_at", "order by due_at desc")
_HOST = socket.gethostname()


class PostgresLedger(Ledger):
    """One function's rows; the clock of the database decides what is due."""

    def __init__(
        self, database: Database, *, function: str, longest_seconds: float = LONGEST_SECONDS
    ) -> None:
        """If a lease or wait ends later than `longest_seconds` from now, the clock was moved back."""
        self._database = database
        self._function = function
        self._longest = longest_seconds
        self._claims = count(1)  # of due items

    def claim(self, version: ObjectVersion, *, lease_seconds: float) -> Claim | ExistingItem:
        lease = uuid4()
        item = self._item(version.location, version.etag)
        while True:
            row = self._database.one(
                _SQL["claim"],
                **item,
                **self._lease(lease, lease_seconds),
                size=version.size,
                longest=self._longest,
            )
            if row is not None:
                return _claim(lease, row)
            found = self._database.one(_SQL["find"], **item)
            # The row may have become free between the two statements; it is never deleted.
            if found is not None:
                return _existing_item(found)

    def claim_due(self, *, lease_seconds: float) -> tuple[Claim, ObjectVersion] | None:
        lease = uuid4()
        values = {"function": self._function, **self._lease(lease, lease_seconds)}
        is_newest = next(self._claims) % NEWEST_EVERY == 0
        row = self._database.one(_CLAIM_NEWEST if is_newest else _SQL["claim_due"], **values)
        if row is None:
            row = self._database.one(_SQL["claim_expired"], **values, longest=self._longest)
        if row is None:
            return None
        location = Location(row.pop("bucket"), row.pop("key"))
        version = ObjectVersion(location, row.pop("etag"), row.pop("size") or 0)
        return _claim(lease, row), version

    def announce(self, version: ObjectVersion) -> None:
        item = self._item(version.location, version.etag)
        self._database.run(_SQL["announce_one"], **item, size=version.size or None)

    def find(self, location: Location) -> ExistingItem | None:
        found = self._database.one(_SQL["find"], **self._item(location, None))
        return _existing_item(found) if found else None

    def renew(self, claim: Claim, *, lease_seconds: float) -> bool:
        values = {"id": claim.id, "lease": claim.lease, "seconds": lease_seconds}
        return self._database.run(_SQL["renew"], **values) == 1

    def settle(self, claim: Claim, settlement: Settlement) -> bool:
        moved_to = settlement.moved_to
        values = {
            "id": claim.id,
            "lease": claim.lease,
            "state": settlement.state,
            "outcome": settlement.outcome,
            "cause": settlement.cause,
            "next_step": settlement.next_step,
            "sop_instance_uid": settlement.sop_instance_uid,
            "patient_id": settlement.subject.patient_id,
            "device": settlement.subject.device,
            **_text_columns(settlement.text_found),
            "moved_to_bucket": moved_to.bucket if moved_to else None,
            "moved_to_key": moved_to.key if moved_to else None,
            "pending_delete": settlement.pending_delete,
        }
        call, announced = settlement.database_call, _announcement_columns(settlement.announces)
        query = _settle_query(call.call if call else None, is_announcing=bool(settlement.announces))
        arguments = call.values if call else {}
        return self._has_ended(self._database.run(query, **values, **arguments, **announced), claim)

    def pending_deletes(self, *, limit: int) -> list[PendingDelete]:
        rows = self._database.all(_SQL["pending_deletes"], function=self._function, limit=limit)
        return [
            PendingDelete(
                row["id"],
                ObjectVersion(Location(row["bucket"], row["key"]), row["etag"], 0),
                _moved_to(row),
            )
            for row in rows
        ]

    def mark_deleted(self, item_id: int) -> None:
        self._database.run(_SQL["mark_deleted"], id=item_id)

    def schedule_retry(self, claim: Claim, cause: str, *, seconds: float, crashed: bool) -> bool:
        values = {"id": claim.id, "lease": claim.lease, "cause": cause}
        changed_rows = self._database.run(_SQL["schedule_retry"], **values, seconds=seconds, crashed=crashed)
        return self._has_ended(changed_rows, claim)

    def has_due(self) -> bool:
        values = {"function": self._function, "longest": self._longest}
        return self._database.one(_SQL["has_due"], **values) is not None

    def unsettled(self, versions: Iterable[ObjectVersion]) -> set[ObjectVersion]:
        by_name = {(v.location, v.etag): v for v in versions}
        buckets = list({location.bucket for location, _ in by_name})
        keys = [location.key for location, _ in by_name]
        rows = self._database.all(_SQL["unsettled"], function=self._function, buckets=buckets, keys=keys)
        names = ((Location(row["bucket"], row["key"]), row["etag"]) for row in rows)
        return {by_name[name] for name in names if name in by_name}

    def ping(self) -> None:
        self._database.ping()

    def _has_ended(self, changed_rows: int, claim: Claim) -> bool:
        if changed_rows != 1:
            self._database.run(_SQL["uncount_crash"], id=claim.id, lease=claim.lease)
        return changed_rows == 1

    def _lease(self, lease: UUID, seconds: float) -> dict[str, object]:
        return {"lease": lease, "worker": f"{_HOST}:{os.getpid()}", "seconds": seconds}

    def _item(self, location: Location, etag: str | None) -> dict[str, str | None]:
        return {
            "function": self._function,
            "bucket": location.bucket,
            "key": location.key,
            "etag": etag,
        }


def _claim(lease: UUID, row: Row) -> Claim:
    blank = tuple((left, top, width, height) for left, top, width, height in row.pop("blank") or ())
    return Claim(lease=lease, blank=blank, **row)


def _text_columns(found: TextFound | None) -> dict[str, str | None]:
    if found is None:
        return {"text_finding": None, "text_boxes": None}
    boxes = orjson.dumps([asdict(box) for box in found.boxes]).decode() if found.boxes else None
    return {"text_finding": found.finding, "text_boxes": boxes}


def _existing_item(row: Row) -> ExistingItem:
    return ExistingItem(
        id=row["id"],
        state=State(row["state"]),
        outcome=row["outcome"],
        cause=row["cause"],
        moved_to=_moved_to(row),
        source=row["source"],
    )


def _moved_to(row: Row) -> Location | None:
    bucket, key = row["moved_to_bucket"], row["moved_to_key"]
    return Location(bucket, key) if bucket else None


@cache
def _settle_query(call: LiteralString | None, *, is_announcing: bool) -> LiteralString:
    """One statement that records, announces and settles: one round trip, and all or nothing."""
    query = _SQL["settle"]
    if call is None and not is_announcing:
        return query
    parts: list[LiteralString] = ["leased as (" + _SQL["leased"] + ")"]
    # The update refers to the other parts, so that these run first: after the update nobody has the lease.
    query += " and exists (select from leased)"
    if call is not None:
        parts.append(f"called as materialized (select {call} from leased)")
        query += " and exists (select from called)"
    if is_announcing:
        parts.append("announced as (" + _SQL["announce"] + ")")
    return "with " + ", ".join(parts) + "\n" + query


def _announcement_columns(announces: Sequence[tuple[str, ObjectVersion]]) -> dict[str, list[object]]:
    """The announcements as one list for each column; empty without announcements."""
    if not announces:
        return {}
    return {
        "functions": [function for function, _ in announces],
        "buckets": [made.location.bucket for _, made in announces],
        "keys": [made.location.key for _, made in announces],
        "etags": [made.etag for _, made in announces],
        "sizes": [made.size for _, made in announces],
    }
