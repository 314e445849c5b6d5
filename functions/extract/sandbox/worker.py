"""The main program of the sandbox process: it prepares one file after another, without credentials.

A decoder that crashes, hangs or allocates too much memory ends only this process. `SandboxPool`
starts it as ``python -m functions.extract.sandbox.worker`` and talks to it through two pipes.
"""

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from common.process.parent_process import end_with_parent
from functions.extract.prepared_instance import InstancePreparer
from functions.extract.sandbox.message import pack_error, pack_prepared, unpack, unpack_releases, unpack_rules


def main() -> None:
    """Answer requests until standard input ends."""
    end_with_parent(signal.SIGKILL)
    requests = sys.stdin.buffer
    # The pipe is for answers only: what libraries print, C code included, goes to standard error.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    header, _ = unpack(_reader(requests))
    _limit_memory(header["megabytes"])
    preparer = InstancePreparer(unpack_rules(header))
    with contextlib.suppress(EOFError):
        while True:
            request, _ = unpack(_reader(requests))
            answers.write(_answer(preparer, request))
            answers.flush()


def _answer(preparer: InstancePreparer, request: dict[str, Any]) -> bytes:
    source, folder = Path(str(request["source"])), Path(str(request["folder"]))
    try:
        releases = unpack_releases(request["releases"])
        return pack_prepared(preparer(source, folder, releases=releases, heartbeat=lambda: None))
    except Exception as error:  # noqa: BLE001 extract gets the error as an answer
        return pack_error(error)


def _reader(stream: BinaryIO) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        data = stream.read(size)
        if len(data) < size:
            raise EOFError
        return data

    return read


def _limit_memory(megabytes: int) -> None:
    """Limit the data segment to its present size plus `megabytes`; beyond it, MemoryError is raised."""
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        limit = used + megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


if __name__ == "__main__":
    main()
