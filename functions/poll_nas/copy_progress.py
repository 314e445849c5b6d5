"""Counts the copies of one folder and writes them to the rows in batches."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from common.errors import PipelineError
from common.nas.nas import UnreadableError
from functions.poll_nas.source_rows import Copy

MAX_FAILURES_IN_A_ROW = 3  # one bad file does not stop the others; three failures mean a server is away
MAX_UNREADABLE_IN_A_ROW = 100  # files refused one by one; the next poll continues with the others
_BATCH_FILES = 16  # a statement for each file would cost as much as the copy
_BATCH_SECONDS = 1.0  # so that large files are recorded without waiting for a full batch


@dataclass
class CopyProgress:
    """Counts of one folder's copies, safe to use from any thread.

    A copy counts only after it is recorded in its row.
    """

    record: Callable[[list[Copy]], None]
    copied: int = 0
    skipped: int = 0
    done: int = 0  # files of the NAS that no longer wait
    cause: str | None = None  # of the last failure
    failures: int = 0  # in a row
    unreadable: int = 0  # in a row
    _unrecorded: list[Copy] = field(default_factory=list, repr=False)
    _recorded_at: float = field(default_factory=time.monotonic, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    @property
    def is_given_up(self) -> bool:
        """Whether so many copies failed in a row that the remaining ones would fail, too."""
        return self.failures >= MAX_FAILURES_IN_A_ROW or self.unreadable >= MAX_UNREADABLE_IN_A_ROW

    def add(self, copy: Copy) -> None:
        """Add a file that is verified in raw."""
        with self._lock:
            self._unrecorded.append(copy)
            self.failures = self.unreadable = 0
            is_due = time.monotonic() - self._recorded_at > _BATCH_SECONDS
            batch = self._take_batch() if is_due or len(self._unrecorded) >= _BATCH_FILES else []
        self._record(batch)

    def add_archive(self, copied: int, skipped: int) -> None:
        """Add an unpacked archive whose files are already recorded in their rows."""
        with self._lock:
            self.copied += copied
            self.skipped += skipped
            self.done += 1
            self.failures = self.unreadable = 0

    def fail(self, error: PipelineError, files: int = 1) -> None:
        """Count files that could not be copied or recorded; the next poll copies them."""
        with self._lock:
            if isinstance(error, UnreadableError):
                self.unreadable += files
            else:
                self.failures += files
            self.cause = str(error)

    def end(self) -> None:
        """Record the remaining copies."""
        with self._lock:
            batch = self._take_batch()
        self._record(batch)

    def _take_batch(self) -> list[Copy]:
        batch, self._unrecorded, self._recorded_at = self._unrecorded, [], time.monotonic()
        return batch

    def _record(self, copies: list[Copy]) -> None:
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
