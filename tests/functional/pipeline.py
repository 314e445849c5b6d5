"""The pipeline: all functions as they are served, on in-memory ports."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote_plus

from flask import Request, Response

from common.store.object_key import FIXED_BUCKETS, Location
from common.store.object_store import ObjectVersion
from infra.provision.store.store_setup import notifications_of
from tests.in_memory.clock import Clock
from tests.in_memory.image_allocation import InMemoryAllocation
from tests.in_memory.label_rows import InMemoryLabelRows
from tests.in_memory.ledger import LedgerTable, Row
from tests.in_memory.metadata_rows import InMemoryMetadataRows
from tests.in_memory.nas import InMemoryNas
from tests.in_memory.object_store import InMemoryObjectStore
from tests.in_memory.pending_database import PendingDatabase
from tests.in_memory.requests import request
from tests.in_memory.source_rows import InMemorySourceRows
from tests.in_memory.verdict_rows import InMemoryVerdictRows

Function = Callable[[Request], Response]


@dataclass
class Pipeline:
    """The functions, their ports, and the notifications that are not delivered yet."""

    functions: Mapping[str, Function]
    clock: Clock = field(default_factory=Clock)
    undelivered: list[tuple[str, bytes]] = field(default_factory=list)  # function and body
    answers: list[str] = field(default_factory=list)  # the bodies of all responses

    def __post_init__(self) -> None:
        self.store = InMemoryObjectStore(clock=self.clock, on_created=self._notify)
        for bucket in FIXED_BUCKETS:
            self.store.ensure_bucket(bucket, notifications_of(bucket))
        self.table = LedgerTable(self.clock)
        self.allocation = InMemoryAllocation(self.store)
        self.metadata = InMemoryMetadataRows()
        self.verdicts = InMemoryVerdictRows(self.allocation)
        self.labels = InMemoryLabelRows(self.allocation)
        self.sources = InMemorySourceRows(self.clock, ledger=self.table)
        self.nas = InMemoryNas()

    @cached_property
    def database(self) -> PendingDatabase:
        return PendingDatabase(self.table, self.allocation, self.verdicts, self.labels)

    def put(self, bucket: str, key: str, data: bytes) -> ObjectVersion:
        """Put an object like a client of the store."""
        return self.store.put(Location(bucket, key), data, content_type="application/octet-stream")

    def send(self, function: str, body: object = b"", **parts: Any) -> Response:
        """POST to a function."""
        response = self.functions[function](request(body, **parts))
        self.answers.append(response.get_data(as_text=True))
        return response

    def deliver(self) -> None:
        """Deliver notifications, and those that follow from them, until none is left."""
        while self.undelivered:
            function, body = self.undelivered.pop(0)
            self.send(function, body)

    def lose_notifications(self) -> None:
        """Drop the undelivered notifications, as a restart of MinIO may do."""
        self.undelivered.clear()

    def row(self, function: str) -> Row:
        """The only ledger row of a function."""
        (row,) = [row for row in self.table.rows.values() if row.function == function]
        return row

    def image_buckets(self) -> list[str]:
        return sorted(self.allocation.filled)

    def _notify(self, bucket: str, key: str, etag: str, size: int) -> None:
        for notification in self.store.notifications.get(bucket, ()):
            if key.startswith(notification.prefix) and key.endswith(notification.suffix):
                body = json.dumps(_event(bucket, key, etag, size)).encode()
                self.undelivered.append((notification.target, body))


def _event(bucket: str, key: str, etag: str, size: int) -> dict[str, Any]:
    found = {"key": quote_plus(key), "eTag": etag} | ({"size": size} if size else {})
    s3 = {"bucket": {"name": bucket}, "object": found}
    return {"Records": [{"eventName": "s3:ObjectCreated:Put", "s3": s3}]}
