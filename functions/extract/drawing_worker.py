"""The drawing process: reads one file after another, with no credential and no network of its own.

A decoder that crashes, hangs or eats memory takes this process with it, and nothing else.
Started by `drawing_process` as ``python -m functions.extract.drawing_worker``.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from functions.extract.drawing_message import pack_error, pack_prepared, unpack, unpack_rules
from functions.extract.prepared_instance import InstancePreparer

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """Answer requests until there are none."""
    _end_with_parent()
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    # Libraries that print, print nowhere: the pipe is for answers.
    sys.stdout = sys.stderr
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
        released = bool(request["released"])
        return pack_prepared(preparer(source, folder, released=released, keep=lambda: None))
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


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
