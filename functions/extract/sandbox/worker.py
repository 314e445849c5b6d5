"""The sandbox process: it prepares one file after another, without credentials.

A decoder that crashes, hangs or allocates too much memory ends only this process. Before the first
file it gives up for good what it has no need of: other files, sockets, other processes and programs.
The zygote forks it (`zygote.py`), and `SandboxPool` talks to it by two pipes.
"""

import contextlib
import faulthandler
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from common.confinement.confinement import confine, limit_memory
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


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until they end."""
    with contextlib.suppress(EOFError):
        header, _ = unpack(_reader(requests))
        folder = SandboxFolder(Path(header["folder"]))
        _write_errors_to(folder.errors)
        preparer = InstancePreparer(unpack_rules(header))
        limit_memory(header["megabytes"])
        refusal = _confine(folder)
        while True:
            request, _ = unpack(_reader(requests))
            answers.write(refusal or _answer(preparer, request, folder))
            answers.flush()


def _write_errors_to(path: Path) -> None:
    """Let what libraries print, C code included, and what is known of a crash go to a file."""
    errors = os.open(path, os.O_WRONLY | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(errors, stream.fileno())
    os.close(errors)
    faulthandler.enable()


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
