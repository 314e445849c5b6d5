"""Downloads whose bytes are compared with the MD5 that DSM computes of the file on its disk.

TLS and TCP find most changes on the way, and a right length proves nothing. DSM computes the MD5 in a
task of its own while the file is sent (File Station Official API, SYNO.FileStation.MD5).
"""

import hashlib
import io
import re
import time
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO, Protocol, cast

from common.errors import DependencyAwayError, PipelineError

_MD5 = re.compile("[0-9a-f]{32}")
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 2.0  # seconds between two questions whether the task has ended
_LEAST_RATE = 16 * 1024 * 1024  # bytes a second; a slower task is given up


class Tasks(Protocol):
    """The MD5 tasks of a DSM."""

    def start_md5(self, path: str) -> str:
        """Let DSM compute the MD5 of a file; returns the task's id."""

    def md5_of(self, task: str) -> str | None:
        """The MD5 in hexadecimal digits; None while the task runs."""

    def stop_md5(self, task: str) -> None:
        """End a task."""


def checked_download(
    tasks: Tasks, download: Callable[[str], BinaryIO], path: str, *, seconds: float
) -> BinaryIO:
    """A file's content; reading its end raises DependencyAwayError if DSM's MD5 is another one.

    `seconds` is the time that a task may take after the file was sent, beside the time for its size.
    """
    task = tasks.start_md5(path)
    try:
        stream = download(path)
    except PipelineError:
        _stop(tasks, task)
        raise
    return cast("BinaryIO", _CheckedStream(tasks, task, stream, seconds))


class _CheckedStream(io.RawIOBase):
    def __init__(self, tasks: Tasks, task: str, stream: BinaryIO, seconds: float) -> None:
        self._tasks, self._task, self._stream, self._seconds = tasks, task, stream, seconds
        self._md5, self._size, self._is_compared = hashlib.md5(usedforsecurity=False), 0, False

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._md5.update(data)
        self._size += len(data)
        if not data and size and not self._is_compared:
            self._compare()
        return data

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            if not self._is_compared:
                _stop(self._tasks, self._task)
        super().close()

    def _compare(self) -> None:
        expected = self._awaited()
        self._is_compared = True
        if not _MD5.fullmatch(expected):
            raise DependencyAwayError("The NAS answered without an MD5.")
        if expected != self._md5.hexdigest():
            raise DependencyAwayError(
                "A file changed on its way from the NAS, by the NAS's own MD5; the next poll copies it again."
            )

    def _awaited(self) -> str:
        deadline = time.monotonic() + self._seconds + self._size / _LEAST_RATE
        wait = _FIRST_WAIT
        while (found := self._tasks.md5_of(self._task)) is None:
            if time.monotonic() > deadline:
                raise DependencyAwayError("The NAS computes an MD5 too slowly; the next poll tries again.")
            time.sleep(wait)
            wait = min(2 * wait, _LONGEST_WAIT)
        return found.lower()


def _stop(tasks: Tasks, task: str) -> None:
    with suppress(PipelineError):  # DSM ends tasks with their session, too
        tasks.stop_md5(task)
