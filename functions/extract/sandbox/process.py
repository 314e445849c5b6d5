"""Files prepared in processes of their own, within a time limit."""

import fcntl
import os
import selectors
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, LifoQueue
from typing import IO

from common.errors import PermanentError
from common.process import native_libraries
from functions.extract.prepared_instance import PreparedInstance, Preparer, Rules
from functions.extract.sandbox.message import (
    Message,
    pack,
    pack_rules,
    unpack,
    unpack_prepared,
)
from functions.extract.sandbox.time_limit import TimeLimit

_WORKER = "functions.extract.sandbox.worker"
_LOOK_SECONDS = 1.0
_READ_BYTES = 1 << 20
_PIPE_BYTES = 1 << 20  # a slice and its file at once; in 64 KiB the two processes would take turns


class DrawingLostError(Exception):
    """The drawing process ended while it worked on a file."""


class DrawingProcesses(Preparer):
    """As many drawing processes as are asked for at a time; safe to share between threads."""

    def __init__(self, rules: Rules, *, seconds: float, megabytes: int) -> None:
        self._first = pack(pack_rules(rules) | {"megabytes": megabytes})
        self._seconds = seconds
        self._idle: LifoQueue[_DrawingProcess] = LifoQueue()

    def __call__(
        self, source: Path, folder: Path, *, releases: int, heartbeat: Callable[[], None]
    ) -> PreparedInstance:
        """Prepare a file; over the time limit it is refused.

        Raises DrawingLostError if the process was lost: out of memory, killed or crashed.
        """
        process = self._free()
        request = {"source": str(source), "folder": str(folder), "releases": releases}
        try:
            message = process.ask(pack(request), heartbeat)
        except BaseException:
            process.end()
            raise
        self._idle.put(process)
        return unpack_prepared(message, folder)

    def _free(self) -> "_DrawingProcess":
        """An idle process that still lives, or a new one."""
        with suppress(Empty):
            while True:
                process = self._idle.get_nowait()
                if process.is_alive():
                    return process
                process.end()
        return _DrawingProcess(self._first, self._seconds)

    def close(self) -> None:
        """End the idle processes."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().end()


class _DrawingProcess:
    """One process, its pipes, and the time limit for each answer."""

    def __init__(self, first: bytes, seconds: float) -> None:
        self._seconds = seconds
        # None of the function's own variables: no credential is within reach of a decoder.
        kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "DCM2SET_PROCESS_OF")
        environment = {name: os.environ[name] for name in kept if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603 a module of ours
            [sys.executable, "-m", _WORKER],
            env={**environment, **native_libraries.ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        for pipe in (self._process.stdin, self._process.stdout):
            _widen(pipe)
        self._write(first)

    def ask(self, request: bytes, heartbeat: Callable[[], None]) -> Message:
        """The answer to a request; `heartbeat` is called about every second."""
        self._write(request)
        limit = TimeLimit(self._process.pid, self._seconds)
        return unpack(lambda size: self._read(size, limit, heartbeat))

    def is_alive(self) -> bool:
        """Whether the process is still there."""
        return self._process.poll() is None

    def end(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _write(self, message: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 asked for above
        try:
            self._process.stdin.write(message)
        except BrokenPipeError:
            raise DrawingLostError from None

    def _read(self, size: int, limit: TimeLimit, heartbeat: Callable[[], None]) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 asked for above
        descriptor = self._process.stdout.fileno()
        parts, missing = [], size
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while missing:
                is_ready = selector.select(timeout=_LOOK_SECONDS)
                # An answer that is there counts, however long it took.
                if not is_ready and limit.is_over(_LOOK_SECONDS):
                    raise PermanentError(
                        f"The file was not drawn within DCM2SET_SECONDS_PER_FILE ({self._seconds:g}).",
                        "Raise the setting if the file is right, then replay it.",
                    )
                heartbeat()
                if not is_ready:
                    continue
                part = os.read(descriptor, min(missing, _READ_BYTES))
                if not part:
                    raise DrawingLostError
                parts.append(part)
                missing -= len(part)
        return b"".join(parts)


def _widen(pipe: IO[bytes] | None) -> None:
    """Where the system knows pipes of other sizes, and gives one (fcntl(2))."""
    if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
