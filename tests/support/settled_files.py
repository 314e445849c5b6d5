"""A database with many settled files, and the pipeline's frequent operations on it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg

from common.database import Database
from common.ledger.ledger import Claim, Settlement, State
from common.ledger.postgres_ledger import PostgresLedger
from common.store.minio_store import MinioStore
from common.store.object_key import Location
from common.store.object_store import ObjectVersion
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from functions.poll_nas.source_rows import Copy, ListedFile
from functions.sweep.pending_items import PendingItems
from functions.sweep.resend import sweep_once
from infra.health.status import read_status
from oversight.trace.trace import trace
from tests.support.own_database import create_migrated_database, function_urls

_SETTLED = """
update ledger_item set state = 'done', outcome = 'skipped', due_at = null, settled_at = now(), attempts = 1
where function = 'extract' and bucket = 'raw' and key = any(%(keys)s)
"""
_DUE = """
insert into ledger_item (function, bucket, key, etag, size, state, attempts, due_at)
select 'extract', 'raw', 'incoming/' || number, 'e', 1, 'retry', 0,
    now() - make_interval(secs => %(number)s - number)
from generate_series(1, %(number)s) number
"""
_FILL = Path(__file__).with_suffix(".sql")


@dataclass
class PipelineOnDatabase:
    """The pipeline's ports on one database, with the operations that run frequently.

    Each function has its own rights: row policies take part in the plan of a query.
    """

    url: str
    store: MinioStore
    numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.operator = Database(self.url)
        self.databases = {name: Database(url) for name, url in function_urls(self.url).items()}
        self.rows = PostgresSourceRows(self.databases["poll_nas"])
        self.pending = PendingItems(
            store=self.store,
            database=self.databases["sweep"],
            ledger=lambda function: PostgresLedger(self.databases["sweep"], function=function),
            grace_seconds=0,
            attempt_days=90,
        )

    def close(self) -> None:
        """End all sessions."""
        for database in (self.operator, *self.databases.values()):
            database.close()

    def ledger(self, function: str) -> PostgresLedger:
        """The ledger as a function has it."""
        return PostgresLedger(self.databases[function], function=function)

    def event(self) -> None:
        """Claim and settle one item of extract, store_metadata and quality each."""
        number = next(self.numbers)
        path = f"P/1/2/9.{number}"
        for function, bucket, key in (
            ("extract", "raw", f"nas/bench/{number}.dcm"),
            ("store_metadata", "metadata", f"{path}.json"),
            ("quality", "images-1", f"{path}/1.png"),
        ):
            ledger = self.ledger(function)
            claim = ledger.claim(ObjectVersion(Location(bucket, key), "e", 1), lease_seconds=60)
            assert isinstance(claim, Claim)
            assert ledger.settle(claim, Settlement(State.DONE, outcome="skipped"))

    def sweep(self) -> None:
        """Run a sweep that finds nothing."""
        sweep_once(self.pending, _NoSender(), limit=1000, concurrency=1)

    def poll(self) -> None:
        """Run the queries of a poll of 20 folders, one of them new with 20 files."""
        number = next(self.numbers)
        name = f"new {number}"
        self.rows.planned_marks()
        self.rows.known_folders(["", name, *(f"other {other}" for other in range(20))])
        folder = self.rows.folder(name)
        now = datetime.now(UTC)
        files = [ListedFile(f"{each}.dcm", 1, now) for each in range(20)]
        for _ in range(2):  # files are copied once two visits have found the same
            self.rows.record_listing(folder, files, listed_time=now)
        for piece in self.rows.waiting(folder):
            copies = [Copy(row.id, f"nas/{name}/{row.path}", "e", "0") for row in piece]
            self.rows.plan_copies((copy.file_id, copy.raw_key) for copy in copies)
            self.rows.record_copies(copies)
            # Settle them like extract, so that nothing stays due.
            self.operator.run(_SETTLED, keys=[copy.raw_key for copy in copies])
        self.rows.plan_mark(folder, mark=f"{name}_processed")
        self.rows.record_processed(folder, mark=f"{name}_processed")

    def status(self) -> None:
        """Run the query of `dcm2set status`."""
        read_status(self.url, self.store)

    def trace(self) -> None:
        """Read the traces of one file, one item and one image."""
        with self.operator.snapshot() as connection:
            for name in ("file-7", "item-8", "2.25.9/1"):
                assert trace(connection, name)["items"]


class _NoSender:
    def send(self, function: str, event: object) -> str:
        raise AssertionError(f"{function} has {event} pending")

    def drain(self, function: str) -> dict[str, int]:
        raise AssertionError(f"{function} has items that are due")


def database_with_settled_files(operator: str, files: int, *, due: int = 0) -> str:
    """Create a database with the current schema, `files` settled files and `due` ones; return its URL."""
    url = create_migrated_database(operator)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")  # inserts the rows without triggers
        for statement in _FILL.read_text(encoding="utf-8").replace(":files", str(files)).split(";\n"):
            connection.execute(statement.encode())
        connection.execute(_DUE, {"number": due})
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
    return url
