"""The drawing process: reads one file after another, without a credential.

A decoder that crashes, hangs or eats memory takes this process with it, and nothing else.
Started by `drawing_process` as ``python -m functions.extract.sandbox.worker``.
"""

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from common.process.parent_process import end_with_parent
from functions.extract.prepared_instance import InstancePreparer
from functions.extract.sandbox.message import pack_error, pack_prepared, unpack, unpack_rules


def main() -> None:
    """Answer requests until there are none."""
    end_with_parent(signal.SIGKILL)
    requests = sys.stdin.buffer
    # The pipe is for answers: what libraries print, C code's too, goes where errors go.
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


def _answer(preparer: InstancePreparer, request: dict[str, str | bool]) -> bytes:
    source, folder = Path(str(request["source"])), Path(str(request["folder"]))
    try:
        releases = int(request["releases"])
        return pack_prepared(preparer(source, folder, releases=releases, heartbeat=lambda: None))
    except Exception as error:  # noqa: BLE001 told to the other side, by class if it is our fault
        return pack_error(error)


def _reader(stream: BinaryIO) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        data = stream.read(size)
        if len(data) < size:
            raise EOFError
        return data

    return read


def _limit_memory(megabytes: int) -> None:
    """Data beyond what is there already; a decoder that asks for more gets MemoryError."""
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text().split()[5]) * os.sysconf("SC_PAGE_SIZE")
        most = used + megabytes * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


if __name__ == "__main__":
    main()
