"""Draws held files, each in a process of its own without credentials (`worker`)."""

import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import BinaryIO

import orjson

from common.process import native_libraries
from oversight.held_pictures.request import HEAD, Drawn, Request

_WORKER = "oversight.held_pictures.worker"
_MOST_MEGABYTES = 2048  # of the pictures of one file
_LONGEST_SECONDS = 600.0  # by the clock; the limit of DCM2SET_SECONDS_PER_FILE is of processor time
_CRASHED = "The process that draws it crashed, or exceeded a limit; see DCM2SET_SECONDS_PER_FILE."
# Everything that the process must know, and no credential.
_PASSED = (
    *("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "DCM2SET_PROCESS_OF"),
    *("DCM2SET_MAX_PIXELS_PER_FRAME", "DCM2SET_MAX_FRAMES", "DCM2SET_WINDOWS", "DCM2SET_BLANKING_RULES"),
    *("DCM2SET_DEIDENTIFICATION_PROFILE", "DCM2SET_SECONDS_PER_FILE", "DCM2SET_MEGABYTES_PER_FILE"),
)


class DrawingProcess:
    """A process that draws one file after another; it starts at the first one. Safe to share by threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def draw(self, folder: Path, request: Request) -> Drawn:
        """Draw the file `source.dcm` in a folder; never raises for a fault of the file."""
        header = asdict(request) | {"folder": str(folder.resolve()), "megabytes": _MOST_MEGABYTES}
        with self._lock:
            try:
                is_ended_well = self._request(orjson.dumps(header) + b"\n")
            except TimeoutError:
                self._end()
                return Drawn(cause="It was not drawn in time.")
        answers = folder / "answers"
        if not answers.exists():
            return Drawn(cause=_CRASHED)
        with answers.open("rb") as file:
            drawn = _read(file)
        if not is_ended_well and drawn.cause is None:
            drawn.cause = _CRASHED
        return drawn

    def close(self) -> None:
        """End the process."""
        with self._lock:
            self._end()

    def _request(self, line: bytes) -> bool:
        """Send a request, and wait until its child has ended; whether it ended well."""
        process = self._started()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018 opened as pipes
        with suppress(BrokenPipeError):
            process.stdin.write(line)
        answer, deadline = b"", time.monotonic() + _LONGEST_SECONDS
        while not answer.endswith(b"\n"):
            if not select.select([process.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            part = os.read(process.stdout.fileno(), 64)
            if not part:
                self._end()
                return False
            answer += part
        return answer == b"0\n"

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(  # noqa: S603 runs a module of this project
                [sys.executable, "-m", _WORKER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # libraries may quote the file there
                env=environment_of_worker(os.environ),
                bufsize=0,
            )
        return self._process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe is not None:
                    pipe.close()
            self._process = None


def environment_of_worker(environment: Mapping[str, str]) -> dict[str, str]:
    """The part of an environment that the worker gets: no credential, so that no decoder reads one."""
    passed = {name: environment[name] for name in _PASSED if name in environment}
    return {**passed, **native_libraries.ENVIRONMENT}


def _read(answers: BinaryIO) -> Drawn:
    drawn = Drawn()
    for number, body in _messages(answers):
        if number:
            drawn.pictures[number] = body
            continue
        report: object = None
        with suppress(orjson.JSONDecodeError):
            report = orjson.loads(body)
        if isinstance(report, dict):
            _take_report(drawn, report)
    return drawn


def _take_report(drawn: Drawn, report: dict[str, object]) -> None:
    """Take what a child says of its file; values of another kind than expected are left out."""
    for name in ("frames", "rows", "columns"):
        value = report.get(name)
        if isinstance(value, int):
            setattr(drawn, name, value)
    windows = report.get("windows")
    if isinstance(windows, list):
        drawn.windows = [(float(pair[0]), float(pair[1])) for pair in windows]
    drawn.is_grey, drawn.is_ct = report.get("is_grey") is True, report.get("is_ct") is True
    cause = report.get("cause")
    drawn.cause = cause if isinstance(cause, str) else None


def _messages(answers: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The complete messages; a process that was ended may have written a part of the last one."""
    while len(head := answers.read(HEAD.size)) == HEAD.size:
        number, length = HEAD.unpack(head)
        body = answers.read(min(length, _MOST_MEGABYTES * 1024 * 1024))
        if len(body) < length:
            return
        yield number, body
