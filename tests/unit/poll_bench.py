"""A poller of the NAS on in-memory ports."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from common.object_key import RAW
from functions.poll_nas.poll_folders import FolderPoller
from tests.in_memory.clock import Clock
from tests.in_memory.nas import InMemoryNas
from tests.in_memory.object_store import InMemoryObjectStore
from tests.in_memory.source_rows import InMemorySourceRows

QUIET = 10.0
LATER = datetime(2024, 3, 4, tzinfo=UTC)


@dataclass
class Polls:
    """A poller on in-memory ports."""

    mark: str | None = "_processed"
    nas: InMemoryNas = field(default_factory=InMemoryNas)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.store = InMemoryObjectStore(clock=self.clock)
        self.store.ensure_bucket(RAW)
        self.rows = InMemorySourceRows(self.clock)
        self.poller = FolderPoller(
            nas=self.nas, store=self.store, rows=self.rows, mark=self.mark, quiet_seconds=QUIET
        )

    def poll(self, *, after: float = 0) -> dict[str, Any]:
        self.clock.advance(after)
        return dict(self.poller.poll())

    def until_quiet(self) -> dict[str, Any]:
        """Two looks with quiet in between."""
        self.poll()
        return self.poll(after=QUIET + 1)

    def states(self, folder: int = 1) -> dict[str, str]:
        return {file.path: file.state for file in self.rows.files(self.rows.folders[folder])}
