"""Prometheus metrics: what each function did and how long it took. Labels hold no values from files."""

import os
from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

CONTENT_TYPE = CONTENT_TYPE_LATEST
# From the fastest store_metadata to the longest time that a file may take.
_SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)

_own = CollectorRegistry()
_events = Counter(
    "dcm2set_events", "Events by how they ended.", ["function", "status", "outcome"], registry=_own
)
_event_seconds = Histogram(
    "dcm2set_event_seconds",
    "Time from an event to its answer.",
    ["function"],
    registry=_own,
    buckets=_SECONDS,
)
_runs = Counter(
    "dcm2set_runs", "Runs without an event by how they ended.", ["function", "status"], registry=_own
)
_run_seconds = Histogram(
    "dcm2set_run_seconds", "Time of a run.", ["function"], registry=_own, buckets=_SECONDS
)

Collect = Callable[[], Iterable[Metric]]


def count_event(function: str, *, status: str, outcome: str, seconds: float) -> None:
    """Count one answered event."""
    _events.labels(function, status, outcome).inc()
    _event_seconds.labels(function).observe(seconds)


def count_run(function: str, *, status: str, seconds: float) -> None:
    """Count one run that a timer or a person started."""
    _runs.labels(function, status).inc()
    _run_seconds.labels(function).observe(seconds)


def metrics_text(collect: Collect) -> bytes:
    """All metrics in Prometheus' text format: counters of all worker processes, and current values."""
    registry = _own
    # Several processes serve one function; each writes its counters to a file in this folder.
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    current = CollectorRegistry()
    current.register(_CurrentValues(collect))
    return generate_latest(registry) + generate_latest(current)


class _CurrentValues(Collector):
    def __init__(self, collect: Collect) -> None:
        self._collect = collect

    def collect(self) -> Iterable[Metric]:
        return self._collect()
