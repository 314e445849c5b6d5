"""Answers the sweep's queries from in-memory ports."""

from dataclasses import dataclass
from typing import Any

from functions.sweep import pending_items, quality_weeks
from tests.in_memory.image_allocation import InMemoryAllocation
from tests.in_memory.label_rows import InMemoryLabelRows
from tests.in_memory.ledger import LedgerTable
from tests.in_memory.verdict_rows import InMemoryVerdictRows

_SQL = pending_items._SQL  # noqa: SLF001 the queries answered here are the sweep's own
_COUNT_WEEKS = quality_weeks._SQL["count"]  # noqa: SLF001


@dataclass
class PendingDatabase:
    """Replaces Database; supports the sweep's queries only."""

    table: LedgerTable
    allocation: InMemoryAllocation
    verdicts: InMemoryVerdictRows
    labels: InMemoryLabelRows

    def ping(self) -> None:
        self.table.answer()

    def one(self, query: str, **_: Any) -> dict[str, Any] | None:
        if query in {_SQL["count_settled"], _SQL["delete_old_attempts"], _COUNT_WEEKS}:
            return None
        assert query == _SQL["held_labels"], query
        self.table.answer()
        held = [label for label in self.labels.labels if label.image is None]
        return {"found": 1} if any(map(self.labels._held_image, held)) else None  # noqa: SLF001 its twin
