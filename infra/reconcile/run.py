"""One complete comparison of ledger, tables and object store, at a bounded rate.

An unfinished one is continued.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from common.reconcile.content import ContentCheck
from common.reconcile.difference import Finding
from common.reconcile.reconcile_rows import PassPosition, ReconcileRows
from common.reconcile.second_look import PAUSE_SECONDS, SecondLook
from common.reconcile.walk import FIRST, Walk
from common.store.minio_store import MinioStore

LISTED, DEEP = "listed", "deep"
_DEEP_PAGE = 100  # objects that are read in one step
_TIME_IN_NAME = "20260101-120000-000000"  # after the prefix of an image bucket's name


@dataclass(frozen=True)
class Reconciliation:
    """What a complete comparison found."""

    counts: dict[str, Any]  # objects, rows, requests, times
    findings: list[Finding]
    undecided: int  # differences that work may still explain


@dataclass(frozen=True)
class Run:
    """A comparison with the operator's rights."""

    store: MinioStore
    rows: ReconcileRows
    is_deep: bool
    rate: float  # objects and rows a second
    say: Callable[[str], None]
    pause: float = PAUSE_SECONDS  # from the first to the second look

    def __call__(self) -> Reconciliation:
        """Compare everything, then look a second time at each difference."""
        position = self.rows.begin(self._mode, FIRST)
        if position.place != FIRST or position.after_key is not None:
            self.say("Continuing a comparison that was interrupted.")
        self._walk(position)
        findings = self._look_again()
        undecided = len(self.rows.findings(confirmed=False))
        return Reconciliation(self.rows.pass_row(position.id), findings, undecided)

    @property
    def _mode(self) -> str:
        return DEEP if self.is_deep else LISTED

    def _walk(self, position: PassPosition) -> None:
        content = ContentCheck(self.store, is_deep=self.is_deep)
        walk = Walk(
            self.store,
            self.rows,
            more_buckets=self._image_buckets(),
            compare_content=content.compare_page,
            **({"page": _DEEP_PAGE} if self.is_deep else {}),
        )
        started, done = time.monotonic(), 0
        while True:
            step = walk.step(position)
            if step.position is None:
                return
            position = step.position
            done += step.objects + step.rows
            time.sleep(max(0.0, done / self.rate - (time.monotonic() - started)))

    def _image_buckets(self) -> tuple[str, ...]:
        """The image buckets of the store, also those that no row knows, by the prefix of the known ones."""
        known = self.rows.next_bucket(None)
        if known is None:
            return ()
        prefix = known[: -len(_TIME_IN_NAME)]
        names = (bucket.name for bucket in self.store.client.list_buckets())
        return tuple(name for name in names if name.startswith(prefix))

    def _look_again(self) -> list[Finding]:
        """Look at every difference once more, at the earliest `pause` seconds after it was first seen."""
        look = SecondLook(self.store, self.rows, ContentCheck(self.store, is_deep=True))
        confirmed = {finding.id for finding in self._due() if look.look(finding)}
        return [finding for finding in self.rows.findings() if finding.id in confirmed]

    def _due(self) -> Iterator[Finding]:
        noted = self.rows.findings(confirmed=False)
        if noted:
            newest = max(finding.first_seen_at for finding in noted)
            wait = self.pause - (datetime.now(UTC) - newest).total_seconds()
            if wait > 0:
                self.say(f"{len(noted)} difference(s); looking a second time in {wait:.0f} s.")
                time.sleep(min(wait, self.pause))
        yield from self.rows.findings()
        yield from noted
