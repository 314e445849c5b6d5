"""A NAS poller on in-memory ports."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from common.nas.processed_mark import Mark
from common.store.object_key import RAW
from functions.poll_nas.copy_files import FileCopier
from functions.poll_nas.poll_folders import FolderPoller, PollLimits
from functions.poll_nas.unpack_archive import ArchiveLimits
from tests.in_memory.clock import Clock
from tests.in_memory.nas import InMemoryNas
from tests.in_memory.object_store import InMemoryObjectStore
from tests.in_memory.source_rows import InMemorySourceRows

QUIET = 10.0
LATER = datetime(2024, 3, 4, tzinfo=UTC)


@dataclass
class Polls:
    """A NAS poller and its in-memory ports."""

    mark: str | None = "<name>_processed"
    nas: Any = field(default_factory=InMemoryNas)
    clock: Clock = field(default_factory=Clock)
    copies: int = 1
    folders: int = 1  # visited at a time
    budget: float = 3600
    recheck: int = 0
    archives: ArchiveLimits = field(default_factory=lambda: ArchiveLimits(100, 50_000_000))
    stopwatch: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self.store = InMemoryObjectStore(clock=self.clock)
        self.store.ensure_bucket(RAW)
        self.rows = InMemorySourceRows(self.clock)
        self.use(self.nas)

    def use(self, nas: Any) -> None:
        """Poll this NAS from now on, with a new poller as in another process."""
        self.nas = nas
        self.poller = FolderPoller(
            nas=nas,
            rows=self.rows,
            copier=FileCopier(nas, self.store, self.rows, self.copies, self.archives),
            mark=Mark(self.mark) if self.mark else None,
            limits=PollLimits(QUIET, self.budget, self.recheck, self.folders),
            stopwatch=self.stopwatch,
        )

    def poll(self, *, after: float = 0) -> dict[str, Any]:
        self.clock.advance(after)
        return dict(self.poller.poll())

    def until_quiet(self) -> dict[str, Any]:
        """Poll twice, with the quiet time in between."""
        self.poll()
        return self.poll(after=QUIET + 1)

    def states(self, folder: int = 1) -> dict[str, str]:
        return {file.path: file.state for file in self.rows.files(self.rows.folders[folder])}
