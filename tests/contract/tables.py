"""The ports that store rows, in memory and in Postgres, on one set of tables."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from common.database import Database
from common.ledger.ledger import Claim, DatabaseCall, Ledger
from common.ledger.postgres_ledger import PostgresLedger
from common.settings import Settings
from common.store.object_key import ImagePath, Location
from common.store.object_store import ObjectVersion
from functions.annotations.storage.label_rows import LabelRows, PostgresLabelRows
from functions.extract.image_allocation import Allocation, AllocationRequest, PostgresAllocation
from functions.quality.verdict_rows import PostgresVerdictRows, VerdictRows
from functions.store_metadata.metadata_rows import MetadataRows, PostgresMetadataRows
from tests.in_memory.database_call import InMemoryCall
from tests.in_memory.image_allocation import InMemoryAllocation
from tests.in_memory.label_rows import InMemoryLabelRows
from tests.in_memory.ledger import InMemoryLedger
from tests.in_memory.metadata_rows import InMemoryMetadataRows
from tests.in_memory.object_store import InMemoryObjectStore
from tests.in_memory.verdict_rows import InMemoryVerdictRows
from tests.support.factories import PSEUDONYMS
from tests.support.own_database import run_database_call
from tests.support.uids import uid

PATIENT = "P0123456789abcdef0123"


def instance_path(number: int) -> ImagePath:
    """The pseudonymous path of a numbered instance."""
    return ImagePath(PATIENT, uid(1), uid(2), uid(1000 + number))


@dataclass
class Tables:
    """Ports that share their tables; `database` is None for the ports in memory."""

    database: Database | None
    capacity: int = 5

    def __post_init__(self) -> None:
        self.store = InMemoryObjectStore()
        self._items = 0

    @cached_property
    def allocation(self) -> Allocation:
        if self.database is None:
            return InMemoryAllocation(self.store, capacity=self.capacity)
        settings = Settings(images_per_bucket=self.capacity)
        return PostgresAllocation(
            self.database, store=self.store, settings=settings, key_check=PSEUDONYMS.key_check
        )

    @cached_property
    def metadata(self) -> MetadataRows:
        return InMemoryMetadataRows() if self.database is None else PostgresMetadataRows()

    @cached_property
    def verdicts(self) -> VerdictRows:
        if self.database is None:
            return InMemoryVerdictRows(self.allocation)  # type: ignore[arg-type]
        return PostgresVerdictRows(self.database)

    @cached_property
    def labels(self) -> LabelRows:
        if self.database is None:
            return InMemoryLabelRows(self.allocation)  # type: ignore[arg-type]
        return PostgresLabelRows(self.database)

    def new_item(self) -> int:
        """The id of a new ledger item for a raw object."""
        self._items += 1
        if self.database is None:
            return self._items
        version = ObjectVersion(Location("raw", f"incoming/{self._items}"), "etag", 1)
        claim = PostgresLedger(self.database, function="extract").claim(version, lease_seconds=60)
        assert isinstance(claim, Claim)
        return claim.id

    def request(
        self, number: int, *, digest: str | None = None, frames: int = 1, item_id: int | None = None
    ) -> AllocationRequest:
        """A request for the images of a numbered instance, of a new ledger item unless one is given."""
        return AllocationRequest(
            instance_path(number),
            item_id=self.new_item() if item_id is None else item_id,
            content_digest=digest or f"digest-{number}",
            number_of_frames=frames,
            modality="CT",
        )

    def allocate(self, number: int, *, frames: int = 1) -> tuple[Location, ...]:
        """Allocate the images of a numbered instance."""
        return self.allocation.allocate(self.request(number, frames=frames)).locations

    def ledger(self, function: str) -> Ledger:
        """The function's rows of the ledger."""
        if self.database is None:
            return InMemoryLedger(function)
        return PostgresLedger(self.database, function=function)

    def write(self, call: DatabaseCall) -> None:
        """Make a call that a settlement would make."""
        if isinstance(call, InMemoryCall):
            call.write()
        else:
            assert self.database is not None
            run_database_call(self.database, call)

    def bucket_now(self, number: int, frame: int = 1) -> str:
        """The bucket that an image is in now, by its row."""
        uid = instance_path(number).sop_instance_uid
        if self.database is None:
            return self.allocation.images[uid, frame].bucket  # type: ignore[attr-defined]
        row = self.database.one(
            "select bucket from image_allocation where sop_instance_uid = %(uid)s and frame = %(frame)s",
            uid=uid,
            frame=frame,
        )
        assert row is not None
        return str(row["bucket"])

    def rows(self, table: str) -> list[dict[str, Any]]:
        """The metadata rows of a table."""
        if self.database is None:
            return list(self.metadata.tables[table].values())  # type: ignore[attr-defined]
        return self.database.all(f"select * from {table} order by 1")  # type: ignore[arg-type]
