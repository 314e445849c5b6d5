"""A pool of sandbox processes, used by extract to prepare files within a time limit."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from queue import Empty, LifoQueue

from common.confinement.confinement import missing_protections
from common.errors import DependencyAwayError, PermanentError
from common.process.json_log import logger
from common.settings import Settings
from deidentification.pixels.releases import NOT_RELEASED, Releases
from functions.extract.prepared_instance import PreparedInstance, Preparer, Rules
from functions.extract.sandbox.message import OutputsTooLargeError, pack, pack_rules, unpack_prepared
from functions.extract.sandbox.process import SandboxProcess
from functions.extract.sandbox.zygote_client import ZygoteClient, zygote

_MEGABYTE = 1024 * 1024
OUTPUTS_OVER_INPUT = 8  # how many times the largest file its pictures may be
_STEP = 256 * _MEGABYTE
_FREE_PART = 4  # of the free space, each output of one file may take the fourth part


class SandboxPool(Preparer):
    """Sandbox processes, one for each thread that prepares a file; safe to share between threads."""

    def __init__(
        self,
        rules: Rules,
        *,
        seconds: float,
        megabytes: int,
        megabytes_of_outputs: int = 16 * 1024,
        forked_by: ZygoteClient | None = None,  # None: by the zygote of this process
    ) -> None:
        self._header = pack_rules(rules) | {"megabytes": megabytes}
        self._seconds = seconds
        self._bytes_of_outputs = megabytes_of_outputs * _MEGABYTE
        self._zygote = forked_by or zygote()
        self._idle: LifoQueue[SandboxProcess] = LifoQueue()

    def __call__(
        self, source: Path, folder: Path, *, heartbeat: Callable[[], None], releases: Releases = NOT_RELEASED
    ) -> PreparedInstance:
        """Prepare a file; PermanentError if it exceeds the limits of time or size.

        Raises SandboxCrashedError if the process crashed, was killed or ran out of memory.
        """
        process = self._take()
        try:
            process.wait_until_started(heartbeat)
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

    def _take(self) -> SandboxProcess:
        """An idle process that is still alive, or a new one."""
        with suppress(Empty):
            while True:
                process = self._idle.get_nowait()
                if process.is_alive():
                    return process
                process.end()
        return self._new()

    def _new(self) -> SandboxProcess:
        return SandboxProcess(self._zygote, self._header, self._seconds, self._bytes_of_outputs)

    def start(self) -> None:
        """Ask for a process and return at once, so that the first file need not wait for it."""
        # A fault of the machine is reported with the first file.
        with suppress(OSError, DependencyAwayError):
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


def _rounded(size: int) -> int:
    """A size, in steps if it is large: a limit that is seldom changed costs little."""
    return size - size % _STEP if size > _STEP else size
