"""A pool of sandbox processes, used by extract to prepare files within a time limit."""

import fcntl
import os
import resource
import selectors
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from queue import Empty, LifoQueue
from typing import IO, Any

from common.confinement.confinement import missing_protections, smaller_limit
from common.errors import DependencyAwayError, PermanentError, WorkerCrashedError
from common.process import native_libraries
from common.process.json_log import logger
from common.settings import Settings
from deidentification.pixels.releases import NOT_RELEASED, Releases
from functions.extract.prepared_instance import PreparedInstance, Preparer, Rules
from functions.extract.sandbox.folder import SandboxFolder
from functions.extract.sandbox.message import (
    Message,
    OutputsTooLargeError,
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
_MEGABYTE = 1024 * 1024
OUTPUTS_OVER_INPUT = 8  # how many times the largest file its pictures may be
_STEP = 256 * _MEGABYTE
_FREE_PART = 4  # of the free space, each output of one file may take the fourth part


class SandboxCrashedError(WorkerCrashedError):
    """The sandbox process ended while it worked on a file."""


class SandboxPool(Preparer):
    """Sandbox processes, one for each thread that prepares a file; safe to share between threads."""

    def __init__(
        self, rules: Rules, *, seconds: float, megabytes: int, megabytes_of_outputs: int = 16 * 1024
    ) -> None:
        self._header = pack_rules(rules) | {"megabytes": megabytes}
        self._seconds = seconds
        self._bytes_of_outputs = megabytes_of_outputs * _MEGABYTE
        self._idle: LifoQueue[_SandboxProcess] = LifoQueue()

    def __call__(
        self, source: Path, folder: Path, *, heartbeat: Callable[[], None], releases: Releases = NOT_RELEASED
    ) -> PreparedInstance:
        """Prepare a file; PermanentError if it exceeds the limits of time or size.

        Raises SandboxCrashedError if the process crashed, was killed or ran out of memory.
        """
        process = self._take()
        try:
            process.folder.put(source)
            most = min(self._bytes_of_outputs, _rounded(process.folder.free_bytes() // _FREE_PART))
            process.limit_outputs(most)
            answer = process.request(pack({"releases": asdict(releases)}), heartbeat)
            process.folder.take(folder)
        except BaseException:
            process.end()
            raise
        self._idle.put(process)
        try:
            return unpack_prepared(answer, folder)
        except OutputsTooLargeError:
            raise self._too_large(most) from None

    def _too_large(self, most: int) -> Exception:
        if most < self._bytes_of_outputs:
            return DependencyAwayError(
                "The temporary folder has too little free space for the pictures of the file; see TMPDIR."
            )
        return PermanentError(
            f"The pictures of the file need more than {self._bytes_of_outputs // _MEGABYTE} MB, "
            f"{OUTPUTS_OVER_INPUT} times DCM2SET_MAX_MEGABYTES_PER_FILE.",
            "Raise the setting if the file is right, then replay it.",
        )

    def _take(self) -> "_SandboxProcess":
        """An idle process that is still alive, or a new one."""
        with suppress(Empty):
            while True:
                process = self._idle.get_nowait()
                if process.is_alive():
                    return process
                process.end()
        return self._new()

    def _new(self) -> "_SandboxProcess":
        return _SandboxProcess(self._header, self._seconds, self._bytes_of_outputs)

    def start(self) -> None:
        """Start a process and return at once; the first file would have to wait about a second for one."""
        # A fault of the machine is reported with the first file.
        with suppress(OSError, SandboxCrashedError):
            self._idle.put(self._new())

    def close(self) -> None:
        """End the idle processes."""
        with suppress(Empty):
            while True:
                self._idle.get_nowait().end()


def sandbox_pool(rules: Rules, settings: Settings) -> SandboxPool:
    """A started pool with the limits of the settings; it logs which protections this machine lacks."""
    for sentence in missing_protections():
        logger().warning(sentence)
    pool = SandboxPool(
        rules,
        seconds=settings.seconds_per_file,
        megabytes=settings.megabytes_per_file,
        megabytes_of_outputs=OUTPUTS_OVER_INPUT * settings.max_megabytes_per_file,
    )
    pool.start()
    return pool


class _SandboxProcess:
    """One sandbox process, its pipes, and the time limit for each answer."""

    def __init__(self, header: dict[str, Any], seconds: float, bytes_of_outputs: int) -> None:
        self._seconds = seconds
        self.folder = SandboxFolder.create()
        # The function's own variables are left out, so that no decoder can read a credential.
        names = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "DCM2SET_PROCESS_OF")
        environment = {name: os.environ[name] for name in names if name in os.environ}
        with self.folder.errors.open("ab") as errors:
            self._process = subprocess.Popen(  # noqa: S603 runs a module of this project
                [sys.executable, "-m", "common.process.quick_process", _WORKER],
                env={**environment, **native_libraries.ENVIRONMENT},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                bufsize=0,
            )
        for pipe in (self._process.stdin, self._process.stdout):
            _enlarge(pipe)
        self._output_limit = -1
        self._largest_output = smaller_limit(resource.RLIMIT_FSIZE, bytes_of_outputs)
        try:
            self._write(pack(header | {"folder": str(self.folder.root)}))
        except BaseException:
            self.end()
            raise

    def limit_outputs(self, size: int) -> None:
        """Limit the size of each file that the process may write; it can't change the limit itself."""
        if sys.platform == "linux" and size != self._output_limit:
            self._output_limit = size
            with suppress(ProcessLookupError):  # it has ended, and the request will notice it
                resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (size, self._largest_output))

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
        self.folder.remove()

    def _crash(self) -> SandboxCrashedError:
        """The error that says how the process ended."""
        self._process.kill()  # it has closed its pipe; if it runs on, it is ended
        number = -self._process.wait()
        how = signal.Signals(number).name if number in list(signal.Signals) else f"exit code {-number}"
        where = f" in {self.folder.fault}" if self.folder.fault else ""
        return SandboxCrashedError(f"The process that reads and draws the file crashed ({how}{where}).")

    def _write(self, message: bytes) -> None:
        assert self._process.stdin is not None  # noqa: S101 it was opened as a pipe
        try:
            self._process.stdin.write(message)
        except BrokenPipeError:
            raise self._crash() from None

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
                    raise self._crash()
                parts.append(part)
                missing -= len(part)
        return b"".join(parts)


def _rounded(size: int) -> int:
    """A size, in steps if it is large: a limit that is seldom changed costs little."""
    return size - size % _STEP if size > _STEP else size


def _enlarge(pipe: IO[bytes] | None) -> None:
    """Enlarge a pipe's buffer where the system allows it (fcntl(2))."""
    if pipe is not None and hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
