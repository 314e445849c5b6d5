"""What became of the files of one folder, told to the rows a few files at a time."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from common.errors import PipelineError
from functions.poll_nas.source_rows import Copy

FAILURES_IN_A_ROW = 3  # one bad file keeps no other waiting; so many tell that a server is away
_TOGETHER = 16  # a statement for each file would cost as much as the copy
_SECONDS = 1.0  # and large files are told at once


@dataclass
class CopyRecords:
    """Counts of one folder's copies, from any thread; a copy counts once its row says so."""

    record: Callable[[list[Copy]], None]
    copied: int = 0
    skipped: int = 0
    done: int = 0  # files of the NAS that wait no longer
    cause: str | None = None  # of the last failure
    failures: int = 0  # in a row
    _left: list[Copy] = field(default_factory=list, repr=False)  # copied, and not recorded yet
    _recorded_at: float = field(default_factory=time.monotonic, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def is_given_up(self) -> bool:
        """Whether so many failed that the others would as well."""
        return self.failures >= FAILURES_IN_A_ROW

    def add(self, copy: Copy) -> None:
        """A file is in raw, verified."""
        with self._lock:
            self._left.append(copy)
            self.failures = 0
            is_due = time.monotonic() - self._recorded_at > _SECONDS
            ready = self._taken() if is_due or len(self._left) >= _TOGETHER else []
        self._tell(ready)

    def add_archive(self, copied: int, skipped: int) -> None:
        """An archive is unpacked, and its rows tell it already."""
        with self._lock:
            self.copied += copied
            self.skipped += skipped
            self.done += 1
            self.failures = 0

    def fail(self, error: PipelineError, files: int = 1) -> None:
        """So many files could not be copied, or not be recorded; the next poll copies them."""
        with self._lock:
            self.failures += files
            self.cause = str(error)

    def end(self) -> None:
        """Record what is left."""
        with self._lock:
            ready = self._taken()
        self._tell(ready)

    def _taken(self) -> list[Copy]:
        ready, self._left, self._recorded_at = self._left, [], time.monotonic()
        return ready

    def _tell(self, copies: list[Copy]) -> None:
        if not copies:
            return
        try:
            self.record(copies)
        except PipelineError as error:
            self.fail(error, len(copies))
            return
        with self._lock:
            self.copied += len(copies)
            self.done += len(copies)
