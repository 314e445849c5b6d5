"""The numbers of all labels, counted in the background: with many labels this takes seconds."""

import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYetError
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock

from common.database import Database, LimitedConnection
from common.errors import PipelineError
from common.process.json_log import log_item
from oversight.labels.label_overview import LabelNumbers, read_numbers

MOST_DIFFERING = 10_000  # images of a label that are shown one after another
_PATIENCE = 0.12  # seconds that a request waits for numbers that are being counted
_FRESH_SECONDS = 5.0
_LONGEST = 600  # seconds of one query
_PAUSE_SECONDS = 10.0  # after a count that failed
_SHARE = 20  # numbers are counted again after so many times the seconds that counting takes


@dataclass(frozen=True)
class Counted:
    """Numbers, and when they were true."""

    numbers: LabelNumbers
    at: datetime
    seconds: float

    @property
    def is_fresh(self) -> bool:
        """Whether a request is answered without counting again."""
        age = (datetime.now(UTC) - self.at).total_seconds()
        return 0 <= age < max(_FRESH_SECONDS, _SHARE * self.seconds)


@dataclass
class CountedLabels:
    """The newest numbers; one count at a time. Safe to share between threads."""

    _newest: Counted | None = None
    _fault: PipelineError | None = None
    _next_at: float = 0.0  # of time.monotonic(), after a fault
    _running: "Future[None] | None" = None
    _lock: Lock = field(default_factory=Lock)
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "labels"))

    def newest(self, database: Database) -> Counted | None:
        """The newest numbers, counted now if that is quick; None while the first are being counted.

        Raises the error of the last count if there are no numbers.
        """
        with self._lock:
            known = self._newest
            if known is not None and known.is_fresh:
                return known
            is_idle = self._running is None or self._running.done()
            if is_idle and time.monotonic() >= self._next_at:
                self._running = self._thread.submit(self._count, database)
            running = self._running
        if running is not None:
            with suppress(NotYetError):
                running.result(_PATIENCE)
        if self._newest is None and self._fault is not None:
            raise self._fault
        return self._newest

    def _count(self, database: Database) -> None:
        at, begin = datetime.now(UTC), time.monotonic()
        try:
            with database.snapshot() as connection:
                numbers = _patiently(connection)
        except PipelineError as error:
            self._fault, self._next_at = error, time.monotonic() + _PAUSE_SECONDS
            log_item("review", status="retry", cause=f"The labels could not be counted: {error}")
            return
        self._newest, self._fault = Counted(numbers, at, time.monotonic() - begin), None


def _patiently(connection: LimitedConnection) -> LabelNumbers:
    """The numbers, however many labels there are; usual limits are for what somebody waits for."""
    usual, connection.seconds = connection.seconds, _LONGEST
    try:
        connection.execute("select set_config('statement_timeout', %s, true)", [f"{_LONGEST}s"])
        return read_numbers(connection, most=MOST_DIFFERING)
    finally:
        connection.seconds = usual
