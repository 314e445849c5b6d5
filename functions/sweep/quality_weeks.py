"""Counts the verdicts of the running week now and then, at the end of a sweep."""

import time
from dataclasses import dataclass
from pathlib import Path

from common.database import Database, queries
from common.errors import PipelineError
from common.process.json_log import log_item

_SQL = queries(Path(__file__).with_suffix(".sql"))
PAUSE_SECONDS = 600.0


@dataclass
class QualityWeeks:
    """Counts at most once in `seconds`, also if counting fails, so that no sweep waits for it each time."""

    database: Database
    seconds: float = PAUSE_SECONDS
    next_at: float = 0.0  # of time.monotonic()

    def step(self) -> None:
        """Count if it is due. A failure is logged, and the next step tries again."""
        if time.monotonic() < self.next_at:
            return
        self.next_at = time.monotonic() + self.seconds
        try:
            # Replicas and restarts ask as well; the database says whether it is due.
            self.database.one(_SQL["count"], seconds=self.seconds)
        except PipelineError as error:
            log_item("sweep", status="retry", cause=f"The verdicts of the week were not counted: {error}")
