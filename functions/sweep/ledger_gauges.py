"""Prometheus gauges of the ledger: items by function and state, oldest item, balance, verdicts."""

from collections.abc import Callable, Iterable
from pathlib import Path

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from common.database import Database, queries
from common.errors import TransientError

_SQL = queries(Path(__file__).with_suffix(".sql"))
_STATES = ("waiting", "running", "retry", "held", "refused", "quarantined", "done")
_VERDICTS = ("good", "review", "black", "low_quality")


def ledger_gauges(database: Database) -> Callable[[], Iterable[Metric]]:
    """A collector of the gauges; while the database is away, only `dcm2set_ledger_up`, which is 0."""

    def collect() -> Iterable[Metric]:
        try:
            functions, balance = database.all(_SQL["functions"]), database.one(_SQL["balance"])
            quality = database.all(_SQL["quality"])
        except TransientError:
            yield GaugeMetricFamily("dcm2set_ledger_up", "Whether the ledger answers.", value=0)
            return
        yield GaugeMetricFamily("dcm2set_ledger_up", "Whether the ledger answers.", value=1)
        items = GaugeMetricFamily("dcm2set_items", "Items of the ledger.", labels=["function", "state"])
        oldest = GaugeMetricFamily(
            "dcm2set_oldest_unsettled_seconds", "Age of the oldest unsettled item.", labels=["function"]
        )
        for row in functions:
            for state in _STATES:
                items.add_metric([row["function"], state], row[state])
            oldest.add_metric([row["function"]], float(row["oldest_seconds"] or 0))
        yield items
        yield oldest
        numbers = GaugeMetricFamily(
            "dcm2set_balance", "The balance; the differences are 0 if nothing is lost.", labels=["number"]
        )
        for name, number in (balance or {}).items():
            numbers.add_metric([name], number)
        yield numbers
        shares = GaugeMetricFamily(
            "dcm2set_quality_share",
            "Share of the images of the newest week with each verdict of the model, by modality.",
            labels=["modality", "verdict"],
        )
        for row in quality:
            total = sum(row[verdict] for verdict in _VERDICTS)
            for verdict in _VERDICTS:
                shares.add_metric([row["modality"], verdict], row[verdict] / total)
        yield shares

    return collect
