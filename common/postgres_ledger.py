"""The ledger in Postgres."""

import os
import socket
from collections.abc import Iterable
from pathlib import Path
from uuid import uuid4

from common.database import Database, Row, queries
from common.ledger import LONGEST_SECONDS, Claim, Known, Ledger, Settlement, State
from common.object_key import Location
from common.object_store import ObjectVersion

_SQL = queries(Path(__file__).with_name("sql") / "ledger.sql")
_HOST = socket.gethostname()


class PostgresLedger(Ledger):
    """One function's rows; the database's own clock decides what is due."""

    def __init__(
        self, database: Database, *, function: str, longest_seconds: float = LONGEST_SECONDS
    ) -> None:
        """`longest_seconds`: no lease and no wait is longer, unless the clock was moved meanwhile."""
        self._database = database
        self._function = function
        self._longest = longest_seconds

    def claim(self, version: ObjectVersion, *, lease_seconds: float) -> Claim | Known:
        lease = uuid4()
        item = self._item(version.location, version.etag)
        while True:
            row = self._database.one(
                _SQL["claim"],
                **item,
                lease=lease,
                worker=f"{_HOST}:{os.getpid()}",
                seconds=lease_seconds,
                longest=self._longest,
            )
            if row is not None:
                return Claim(lease=lease, **row)
            found = self._database.one(_SQL["known"], **item)
            # Between the two statements the row may have become free, but it is never deleted.
            if found is not None:
                return _known(found)

    def expect(self, version: ObjectVersion) -> None:
        self._database.run(_SQL["expect"], **self._item(version.location, version.etag))

    def find(self, location: Location) -> Known | None:
        found = self._database.one(_SQL["known"], **self._item(location, None))
        return _known(found) if found else None

    def renew(self, claim: Claim, *, lease_seconds: float) -> bool:
        values = {"id": claim.id, "lease": claim.lease, "seconds": lease_seconds}
        return self._database.run(_SQL["renew"], **values) == 1

    def settle(self, claim: Claim, settlement: Settlement) -> bool:
        moved_to = settlement.moved_to
        touched = self._database.run(
            _SQL["settle"],
            id=claim.id,
            lease=claim.lease,
            state=settlement.state,
            outcome=settlement.outcome,
            cause=settlement.cause,
            next_step=settlement.next_step,
            sop_instance_uid=settlement.sop_instance_uid,
            patient_id=settlement.subject.patient_id,
            device=settlement.subject.device,
            moved_to_bucket=moved_to.bucket if moved_to else None,
            moved_to_key=moved_to.key if moved_to else None,
        )
        return self._has_ended(touched, claim)

    def retry_later(self, claim: Claim, cause: str, *, seconds: float, crashed: bool) -> bool:
        values = {"id": claim.id, "lease": claim.lease, "cause": cause}
        touched = self._database.run(_SQL["retry_later"], **values, seconds=seconds, crashed=crashed)
        return self._has_ended(touched, claim)

    def due(self, *, limit: int) -> list[ObjectVersion]:
        rows = self._database.all(_SQL["due"], function=self._function, limit=limit, longest=self._longest)
        return [_version(row) for row in rows]

    def busy(self, versions: Iterable[ObjectVersion]) -> set[ObjectVersion]:
        by_name = {(v.location, v.etag): v for v in versions}
        keys = [location.key for location, _ in by_name]
        rows = self._database.all(_SQL["busy"], function=self._function, keys=keys, longest=self._longest)
        found = (_version(row) for row in rows)
        return {by_name[name] for v in found if (name := (v.location, v.etag)) in by_name}

    def ping(self) -> None:
        self._database.ping()

    def _has_ended(self, touched: int, claim: Claim) -> bool:
        if touched != 1:
            self._database.run(_SQL["not_lost"], id=claim.id, lease=claim.lease)
        return touched == 1

    def _item(self, location: Location, etag: str | None) -> dict[str, str | None]:
        return {
            "function": self._function,
            "bucket": location.bucket,
            "key": location.key,
            "etag": etag,
        }


def _known(row: Row) -> Known:
    bucket, key = row["moved_to_bucket"], row["moved_to_key"]
    return Known(
        id=row["id"],
        state=State(row["state"]),
        outcome=row["outcome"],
        cause=row["cause"],
        moved_to=Location(bucket, key) if bucket else None,
        source=row["source"],
    )


def _version(row: Row) -> ObjectVersion:
    return ObjectVersion(Location(row["bucket"], row["key"]), row["etag"], 0)
