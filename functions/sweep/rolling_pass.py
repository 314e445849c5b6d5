"""A slow pass that compares ledger, tables and object store, one step of it at the end of a sweep."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from common.database import Database, queries
from common.errors import PipelineError, TransientError
from common.process.json_log import log_item
from common.reconcile.reconcile_rows import PassPosition, ReconcileRows
from common.reconcile.second_look import SecondLook
from common.reconcile.walk import FIRST, Walk
from common.store.object_store import ObjectStore

_SQL = queries(Path(__file__).with_suffix(".sql"))
_MOST_COMPARED = 500  # objects or rows in a step, before its last page
_MOST_PAGES = 8  # in a step
_LOOKS_PER_STEP = 20  # two requests and four queries each
_PAUSE_STEPS = 2  # between the first and the second look at a difference
_AGAIN_STEPS = 20  # until a finding is looked at again
_REST_STEPS = 120  # from the end of a pass to the next one; an hour with steps of 30 s


@dataclass(frozen=True)
class RollingPass:
    """Makes a step when it is due: up to 1,500 objects in at most eight requests, and a few second looks.

    The user of sweep may list objects and see whether one exists, but not read them.
    """

    store: ObjectStore
    database: Database
    seconds: float  # from one step to the next; 0: no steps

    def step(self) -> None:
        """Make a step if it is due. A failure is logged, and the next step tries again."""
        if not self.seconds:
            return
        rows = ReconcileRows(self.database)
        try:
            pause = self.seconds
            position = rows.take_turn(FIRST, pause=pause, rest=_REST_STEPS * self.seconds)
            if position is not None:
                self._look_again(rows)
                self._walk(Walk(self.store, rows), position)
        except PipelineError as error:
            log_item("sweep", status="retry", cause=f"The rolling comparison failed: {error}")

    @staticmethod
    def _walk(walk: Walk, position: PassPosition | None) -> None:
        """Compare about one page, of several places if these are small."""
        compared = pages = 0
        while position is not None and compared < _MOST_COMPARED and pages < _MOST_PAGES:
            step = walk.step(position)
            position = step.position
            compared += max(step.objects, step.rows)
            pages += 1

    def _look_again(self, rows: ReconcileRows) -> None:
        look = SecondLook(self.store, rows, content=None)
        due = rows.to_look_at(
            pause=_PAUSE_STEPS * self.seconds, again=_AGAIN_STEPS * self.seconds, most=_LOOKS_PER_STEP
        )
        for finding in due:
            look.look(finding)


def reconcile_gauges(database: Database) -> Callable[[], Iterable[Metric]]:
    """A collector of the gauges of reconcile; none while the database is away."""

    def collect() -> Iterable[Metric]:
        try:
            found, state = database.all(_SQL["findings_by_kind"]), database.one(_SQL["rolling_state"])
        except TransientError:
            return
        findings = GaugeMetricFamily(
            "dcm2set_reconcile_findings",
            "Differences between ledger, tables and object store.",
            labels=["kind"],
        )
        for row in found:
            findings.add_metric([row["kind"]], row["number"])
        yield findings
        if state is not None and state["age_seconds"] is not None:
            yield GaugeMetricFamily(
                "dcm2set_reconcile_age_seconds",
                "Time since the last complete pass began.",
                value=float(state["age_seconds"]),
            )

    return collect
