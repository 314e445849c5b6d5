"""A pool of sandbox processes, used by extract to prepare files within a time limit."""

import fcntl
import os
import selectors
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from queue import Empty, LifoQueue
from typing import IO

from common.errors import PermanentError
from common.process import native_libraries
from deidentification.pixels.burned_in_gate import NOT_RELEASED, Releases
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
_CHECK_SECONDS = 1.0  # between two checks of the time limit
_READ_BYTES = 1 << 20
_PIPE_BYTES = 1 << 20  # fits a slice and its file; with 64 KiB the two processes would take turns


class SandboxCrashedError(Exception):
    """The sandbox process ended while it worked on a file."""


class SandboxPool(Preparer):
    """Sandbox processes, one for each thread that prepares a file; safe to share between threads."""

    def __init__(self, rules: Rules, *, seconds: float, megabytes: int) -> None:
        self._first_message = pack(pack_rules(rules) | {"megabytes": megabytes})
        self._seconds = seconds
        self._idle: LifoQueue[_SandboxProcess] = LifoQueue()

    def __call__(
        self, source: Path, folder: Path, *, heartbeat: Callable[[], None], releases: Releases = NOT_RELEASED
    ) -> PreparedInstance:
        """Prepare a file; PermanentError if it exceeds the time limit.

        Raises SandboxCrashedError if the process crashed, was killed or ran out of memory.
        """
        process = self._take()
        request = {"source": str(source), "folder": str(folder), "releases": asdict(releases)}
        try:
            answer = process.request(pack(request), heartbeat)
        except BaseException:
            process.end()
            raise
        self._idle.put(process)
        return unpack_prepared(answer, folder)

    def _take(self) -> "_SandboxProcess":
        """An idle process that is still alive, or a new one."""
        with suppress(Empty):
            while True:
                process = self._idle.get_nowait()
                if process.is_alive():
                    return process
                process.end()
        return _SandboxProcess(self._first_message, self._seconds)

    def close(self) -> None:
        """End the idle processes."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().end()


class _SandboxProcess:
    """One sandbox process, its pipes, and the time limit for each answer."""

    def __init__(self, first_message: bytes, seconds: float) -> None:
        self._seconds = seconds
        # The function's own variables are left out, so that no decoder can read a credential.
        names = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "DCM2SET_PROCESS_OF")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        self._process = subprocess.Popen(  # noqa: S603 runs a module of this project
            [sys.executable, "-m", _WORKER],
            env={**environment, **native_libraries.ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )
        for pipe in (self._process.stdin, self._process.stdout):
            _enlarge(pipe)
        self._write(first_message)

    def request(self, request: bytes, heartbeat: Callable[[], None]) -> Message:
        """Send a request and wait for its answer; `heartbeat` is called about every second."""
        self._write(request)
        limit = TimeLimit(self._process.pid, self._seconds)
        return unpack(lambda size: self._read(size, limit, heartbeat))

    def is_alive(self) -> bool:
        """Whether the process is still running."""
        return self._process.poll() is None

    def end(self) -> None:
        """Kill the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _write(self, message: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 it was opened as a pipe
        try:
            self._process.stdin.write(message)
        except BrokenPipeError:
            raise SandboxCrashedError from None

    def _read(self, size: int, limit: TimeLimit, heartbeat: Callable[[], None]) -> bytes:
        assert self._process.stdout is not None  # noqa: S101 it was opened as a pipe
        descriptor = self._process.stdout.fileno()
        parts, missing = [], size
        with selectors.DefaultSelector() as selector:
            selector.register(descriptor, selectors.EVENT_READ)
            while missing:
                is_ready = selector.select(timeout=_CHECK_SECONDS)
                # An answer that has arrived counts, however long it took.
                if not is_ready and limit.is_over(_CHECK_SECONDS):
                    raise PermanentError(
                        f"The file was not drawn within DCM2SET_SECONDS_PER_FILE ({self._seconds:g}).",
                        "Raise the setting if the file is right, then replay it.",
                    )
                heartbeat()
                if not is_ready:
                    continue
                part = os.read(descriptor, min(missing, _READ_BYTES))
                if not part:
                    raise SandboxCrashedError
                parts.append(part)
                missing -= len(part)
        return b"".join(parts)


def _enlarge(pipe: IO[bytes] | None) -> None:
    """Enlarge a pipe's buffer where the system allows it (fcntl(2))."""
    if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
