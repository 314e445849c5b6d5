"""The main program of the sandbox process: it prepares one file after another, without credentials.

A decoder that crashes, hangs or allocates too much memory ends only this process. Before the first
file it gives up for good what it has no need of: other files, sockets, other processes and programs.
`SandboxPool` starts it as ``python -m functions.extract.sandbox.worker`` and talks to it by two pipes.
"""

import contextlib
import faulthandler
import gc
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from common.confinement.confinement import confine, limit_memory
from common.process.parent_process import end_with_parent
from functions.extract.instance_preparer import InstancePreparer
from functions.extract.sandbox.folder import SandboxFolder
from functions.extract.sandbox.message import (
    SandboxSetupError,
    pack_error,
    pack_prepared,
    unpack,
    unpack_releases,
    unpack_rules,
)

_PACKAGES = ("common", "deidentification", "functions", "imaging")  # modules of them may be imported later


def main() -> None:
    """Answer requests until standard input ends."""
    end_with_parent(signal.SIGKILL)
    gc.freeze()  # what was imported is no garbage
    gc.enable()
    faulthandler.enable()
    requests = sys.stdin.buffer
    # The pipe is for answers only: what libraries print, C code included, goes to standard error.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    header, _ = unpack(_reader(requests))
    folder = SandboxFolder(Path(header["folder"]))
    preparer = InstancePreparer(unpack_rules(header))
    limit_memory(header["megabytes"])
    refusal = _confine(folder)
    with contextlib.suppress(EOFError):
        while True:
            request, _ = unpack(_reader(requests))
            answers.write(refusal or _answer(preparer, request, folder))
            answers.flush()


def _answer(preparer: InstancePreparer, request: dict[str, Any], folder: SandboxFolder) -> bytes:
    try:
        releases = unpack_releases(request["releases"])
        prepared = preparer(folder.source, folder.outputs, releases=releases, heartbeat=lambda: None)
        return pack_prepared(prepared)
    except Exception as error:  # noqa: BLE001 extract gets the error as an answer
        return pack_error(error)


def _confine(folder: SandboxFolder) -> bytes | None:
    """Give up all but the sandbox's own folder; the answer to every file if the kernel refuses that."""
    try:
        confine(
            packages=[Path(path) for name in _PACKAGES for path in sys.modules[name].__path__],
            readable=[folder.source.parent],
            writable=[folder.outputs],
        )
    except OSError as error:
        return pack_error(SandboxSetupError(os.strerror(error.errno or 0)))
    return None


def _reader(stream: BinaryIO) -> Callable[[int], bytes]:
    def read(size: int) -> bytes:
        data = stream.read(size)
        if len(data) < size:
            raise EOFError
        return data

    return read


if __name__ == "__main__":
    main()
