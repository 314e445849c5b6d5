"""Starts the zygote of extract, and asks it for sandbox processes."""

import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import BinaryIO

from common.process import native_libraries

NUMBER = struct.Struct("!i")  # a process id; then its exit code, or minus the signal that ended it
DESCRIPTORS = 3  # that come with each message
_ZYGOTE = "functions.extract.sandbox.zygote"
# The function's own variables are left out, so that no decoder can read a credential.
_VARIABLES = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "DCM2SET_PROCESS_OF")
_PIPE_BYTES = 1 << 20  # fits a slice and its file; with 64 KiB the two processes would take turns


@dataclass(frozen=True)
class Connection:
    """The near ends of what connects a sandbox process; `life` tells its id, and how it ended."""

    requests: BinaryIO
    answers: BinaryIO
    life: socket.socket

    def close(self) -> None:
        """Close them; the zygote then kills the process."""
        for each in (self.requests, self.answers, self.life):
            each.close()


class ZygoteClient:
    """A zygote, which this process and all that are forked of it share."""

    def __init__(self, program: str = _ZYGOTE) -> None:
        self._program = program
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the zygote if it does not run; returns before it has imported anything."""
        with self._lock:
            if self._control is None:
                self._start()

    def fork(self) -> Connection:
        """Ask for a new sandbox process, and return before it is there.

        A zygote that has ended is started again. Raises OSError if no process can be started.
        """
        with self._lock:
            if self._control is None:
                self._start()
            try:
                return self._asked()
            except (BrokenPipeError, ConnectionResetError):
                self._end()
                self._start()
                return self._asked()

    def close(self) -> None:
        """End the zygote, and with it the sandbox processes."""
        with self._lock:
            self._end()

    def _start(self) -> None:
        """Start a zygote; the kernel ends it when the thread ends that did so."""
        self._control, its_end = socket.socketpair()
        environment = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
        with its_end:
            self._process = subprocess.Popen(  # noqa: S603 runs a module of this project
                [sys.executable, "-m", "common.process.quick_process", self._program, str(its_end.fileno())],
                env={**environment, **native_libraries.ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                pass_fds=[its_end.fileno()],
            )

    def _asked(self) -> Connection:
        assert self._control is not None  # noqa: S101 the callers have started it
        (reads_requests, requests), (answers, writes_answers) = os.pipe(), os.pipe()
        life, its_life = socket.socketpair()
        for pipe in (requests, answers):
            _enlarge(pipe)
        connection = Connection(os.fdopen(requests, "wb", 0), os.fdopen(answers, "rb", 0), life)
        try:
            socket.send_fds(self._control, [b"f"], [reads_requests, writes_answers, its_life.fileno()])
        except BaseException:
            connection.close()
            raise
        finally:
            its_life.close()
            for descriptor in (reads_requests, writes_answers):
                os.close(descriptor)
        return connection

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            with suppress(OSError):  # it is the child of another process, which forked this one
                self._process.kill()
                self._process.wait()
            self._process = None


@cache
def zygote() -> ZygoteClient:
    """The zygote of this process."""
    return ZygoteClient()


def start() -> None:
    """Start the zygote of this process: its imports take longer than those of the function."""
    zygote().start()


def _enlarge(pipe: int) -> None:
    """Enlarge a pipe's buffer where the system allows it (fcntl(2))."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
