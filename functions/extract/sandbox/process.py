"""A sandbox process as extract sees it: its folder, its pipes, its limits, and how it ended."""

import os
import resource
import selectors
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from common.confinement.confinement import smaller_limit
from common.errors import DependencyAwayError, PermanentError, WorkerCrashedError
from functions.extract.sandbox.folder import SandboxFolder
from functions.extract.sandbox.message import Message, pack, unpack
from functions.extract.sandbox.time_limit import TimeLimit
from functions.extract.sandbox.zygote_client import NUMBER, ZygoteClient

_CHECK_SECONDS = 1.0  # between two checks of the time limit
_START_SECONDS = 60.0  # for a process, if the time limit of a file is shorter
_END_SECONDS = 10.0  # until the zygote has told how a process ended
_READ_BYTES = 1 << 20


class SandboxCrashedError(WorkerCrashedError):
    """The sandbox process ended while it worked on a file."""


class SandboxProcess:
    """One sandbox process, its connection, and the time limit for each answer."""

    def __init__(
        self, zygote: ZygoteClient, header: dict[str, Any], seconds: float, bytes_of_outputs: int
    ) -> None:
        self._seconds = seconds
        self.folder = SandboxFolder.create()
        self._pid: int | None = None  # not known yet
        self._output_limit = -1
        self._largest_output = smaller_limit(resource.RLIMIT_FSIZE, bytes_of_outputs)
        try:
            self._connection = zygote.fork()
        except BaseException:
            self.folder.remove()
            raise
        try:
            self._write(pack(header | {"folder": str(self.folder.root)}))
        except BaseException:
            self.end()
            raise

    def wait_until_started(self, heartbeat: Callable[[], None]) -> None:
        """Wait for a new process; DependencyAwayError if it does not start, which is no fault of the file."""
        if self._pid is not None:
            return
        deadline = time.monotonic() + max(self._seconds, _START_SECONDS)
        while not _is_readable(self._connection.life.fileno(), _CHECK_SECONDS):
            heartbeat()
            if time.monotonic() > deadline:
                raise DependencyAwayError("The process that reads and draws files did not start.")
        self._pid = self._number()
        if self._pid is None:
            raise self._crash()

    def limit_outputs(self, size: int) -> None:
        """Limit the size of each file that the process may write; it can't change the limit itself."""
        if sys.platform == "linux" and size != self._output_limit:
            self._output_limit = size
            with suppress(ProcessLookupError):  # it has ended, and the request will notice it
                resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, self._largest_output))

    def request(self, request: bytes, heartbeat: Callable[[], None]) -> Message:
        """Send a request and wait for its answer; `heartbeat` is called about every second."""
        self._write(request)
        limit = TimeLimit(self.pid, self._seconds)
        return unpack(lambda size: self._read(size, limit, heartbeat))

    @property
    def pid(self) -> int:
        """The process id; it stays taken until `end`, also if the process has ended."""
        assert self._pid is not None  # noqa: S101 it was waited for
        return self._pid

    def is_alive(self) -> bool:
        """Whether the process is still running; call it between two files only."""
        return not _is_readable(self._connection.answers.fileno(), 0)

    def end(self) -> None:
        """Kill the process, whatever it is doing."""
        self._kill()
        self._connection.close()
        self.folder.remove()

    def _kill(self) -> int | None:
        """Kill the process and wait for its end; returns its exit code if that is known."""
        if self._pid is None:
            return None
        life = self._connection.life.fileno()
        # Otherwise it has ended, and without its zygote the id may be another process's by now.
        if not _is_readable(life, 0):
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
        return self._number() if _is_readable(life, _END_SECONDS) else None

    def _number(self) -> int | None:
        """The next number that the zygote sends; None if it has ended."""
        data = self._connection.life.recv(NUMBER.size)
        return NUMBER.unpack(data)[0] if len(data) == NUMBER.size else None

    def _crash(self) -> Exception:
        """The error that says how the process ended; if it has only closed its pipe, it is killed."""
        if self._pid is None:
            return DependencyAwayError("The process that reads and draws files did not start; see the log.")
        code = self._kill()
        if code is None:
            how = "together with its zygote"
        else:
            how = signal.Signals(-code).name if -code in list(signal.Signals) else f"exit code {code}"
        where = f" in {self.folder.fault}" if self.folder.fault else ""
        return SandboxCrashedError(f"The process that reads and draws the file crashed ({how}{where}).")

    def _write(self, message: bytes) -> None:
        try:
            self._connection.requests.write(message)
        except BrokenPipeError:
            raise self._crash() from None

    def _read(self, size: int, limit: TimeLimit, heartbeat: Callable[[], None]) -> bytes:
        descriptor = self._connection.answers.fileno()
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
                    raise self._crash()
                parts.append(part)
                missing -= len(part)
        return b"".join(parts)


def _is_readable(descriptor: int, seconds: float) -> bool:
    """Whether something arrives, or the other side closes, within so many seconds."""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(timeout=seconds))
