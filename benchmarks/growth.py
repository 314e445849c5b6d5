"""What an event, a sweep, a poll and `status` cost with a million settled files, beside none.

Two databases on one server, one empty and one filled; each operation runs on both in turn, so that whatever
else the machine does falls on both. `--quick` fills in fewer files.
"""

import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg

# The tests' running home serves here too.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.idle_memory import memory_figures
from benchmarks.report import Figure, report
from common.database import Database
from common.json_log import logger
from common.ledger import Claim, Settlement, State
from common.minio_store import MinioStore
from common.object_key import Location
from common.object_store import ObjectVersion
from common.postgres_ledger import PostgresLedger
from functions.poll_nas.postgres_source_rows import PostgresSourceRows
from functions.poll_nas.source_rows import Copy, ListedFile
from functions.sweep.pending_items import PendingItems
from functions.sweep.resend import sweep_once
from infra.status import read_status
from tests.local_home import RunningHome
from tests.own_database import create_migrated_database

_MOST = 1.2
_FILES, _QUICK_FILES = 1_000_000, 50_000
_FILL = Path(__file__).with_suffix(".sql")
_SLOW = {"DCM2SET_SWEEP_SECONDS": "86400"}  # nothing but the benchmark is at work


@dataclass
class Line:
    """The ports of the line on one database, and what is asked of them all the time."""

    url: str
    store: MinioStore
    numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.database = Database(self.url)
        self.rows = PostgresSourceRows(self.database)
        self.pending = PendingItems(
            store=self.store,
            database=self.database,
            ledger=lambda function: PostgresLedger(self.database, function=function),
            grace_seconds=0,
            attempt_days=90,
        )

    def event(self) -> None:
        """Claim and settle, as extract, store_metadata and quality do."""
        number = next(self.numbers)
        path = f"P/1/2/9.{number}"
        for function, bucket, key in (
            ("extract", "raw", f"incoming/bench/{number}.dcm"),
            ("store_metadata", "metadata", f"incoming/{path}.json"),
            ("quality", "images-1", f"{path}/1.png"),
        ):
            ledger = PostgresLedger(self.database, function=function)
            claim = ledger.claim(ObjectVersion(Location(bucket, key), "e", 1), lease_seconds=60)
            assert isinstance(claim, Claim)
            settled = Settlement(State.DONE, outcome="skipped", moved_to=Location(bucket, f"processed/{key}"))
            assert ledger.settle(claim, settled)

    def sweep(self) -> None:
        """A sweep that finds nothing."""
        sweep_once(self.pending, _NoSender(), limit=1000, concurrency=1)

    def poll(self) -> None:
        """What a poll asks of the database: 20 folders listed, one of them new with 20 files."""
        number = next(self.numbers)
        name = f"new {number}"
        self.rows.planned_marks()
        self.rows.known_folders(["", name, *(f"other {other}" for other in range(20))])
        folder = self.rows.folder(name)
        now = datetime.now(UTC)
        files = [ListedFile(f"{each}.dcm", 1, now) for each in range(20)]
        for _ in range(2):  # copied once two looks have found the same
            self.rows.look(folder, files, listed_time=now)
        for piece in self.rows.waiting(folder):
            copies = [Copy(row.id, f"incoming/{name}/{row.path}", "e", "0") for row in piece]
            self.rows.plan_copies((copy.file_id, copy.raw_key) for copy in copies)
            self.rows.record_copies(copies)
        self.rows.plan_mark(folder, mark=f"{name}_processed")
        self.rows.record_processed(folder, mark=f"{name}_processed")

    def status(self) -> None:
        """`dcm2set status`."""
        read_status(self.url, self.store)


class _NoSender:
    def send(self, function: str, event: object) -> str:
        raise AssertionError(f"{function} has {event} pending")


def main() -> None:
    """Fill, measure, report."""
    logger().setLevel(logging.WARNING)
    files = _QUICK_FILES if "--quick" in sys.argv else _FILES
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        home = RunningHome.start(Path(name) / "home", _SLOW)
        try:
            figures = [*memory_figures(home), *_growth_figures(home, files)]
        finally:
            home.end()
    report(f"Growth: {files} settled files beside none", figures)


def _growth_figures(home: RunningHome, files: int) -> list[Figure]:
    empty = Line(_database(home, 0), home.store)
    full = Line(_database(home, files), home.store)
    with closing(empty.database), closing(full.database):
        recount = read_status(full.url, full.store, recount=True)
        assert recount["recount"] == [], recount["recount"]
        assert recount["balance"]["files_extracted"] == files
        (row,) = full.database.all("select pg_database_size(current_database()) as bytes")
        figures = [
            Figure(
                "Postgres for a settled file, pictures' metadata aside", row["bytes"] / files / 1024, "KiB"
            )
        ]
        for name, repeats in (("event", 300), ("sweep", 100), ("status", 100), ("poll", 40)):
            few, many = _medians(getattr(empty, name), getattr(full, name), repeats)
            figures.append(Figure(f"{name}: no settled files", 1000 * few, "ms"))
            figures.append(Figure(f"{name}: {files} settled files", 1000 * many, "ms"))
            figures.append(Figure.at_most(f"{name}: ratio", many / few, _MOST))
    return figures


def _medians(one: Callable[[], None], other: Callable[[], None], repeats: int) -> tuple[float, float]:
    """Medians in seconds of two operations that take turns, after a few that don't count."""
    seconds: tuple[list[float], list[float]] = ([], [])
    for number in range(repeats + 5):
        for which in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            (one, other)[which]()
            if number >= 5:
                seconds[which].append(time.perf_counter() - started)
    return statistics.median(seconds[0]), statistics.median(seconds[1])


def _database(home: RunningHome, files: int) -> str:
    """A database of this version's schema with so many settled files."""
    url = create_migrated_database(home.endpoints["database_url"])
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set session_replication_role = replica")  # the rows come as they stand
        for statement in _FILL.read_text(encoding="utf-8").replace(":files", str(files)).split(";\n"):
            connection.execute(statement.encode())
        connection.execute("vacuum analyze")
        connection.execute("checkpoint")
    return url


if __name__ == "__main__":
    main()
