"""Draws held files, each in a process of its own without credentials (`worker`)."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import orjson

from common.process import native_libraries
from oversight.held_pictures.worker import HEAD

_WORKER = "oversight.held_pictures.worker"
_MOST_MEGABYTES = 2048  # of the pictures of one file
_LONGEST_SECONDS = 600.0  # by the clock; the limit of DCM2SET_SECONDS_PER_FILE is of processor time
# Everything that the process must know, and no credential.
_PASSED = (
    *("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH"),
    *("DCM2SET_MAX_PIXELS_PER_FRAME", "DCM2SET_MAX_FRAMES", "DCM2SET_WINDOWS", "DCM2SET_BLANKING_RULES"),
    *("DCM2SET_DEIDENTIFICATION_PROFILE", "DCM2SET_SECONDS_PER_FILE", "DCM2SET_MEGABYTES_PER_FILE"),
)


@dataclass(frozen=True)
class Request:
    """What is to be drawn of a file."""

    most_frames: int
    frames_of_text: Sequence[int] = ()  # in which text was found; they are drawn first
    releases: int = 0
    blank: Sequence[Sequence[int]] = ()  # what a person has made black


@dataclass
class Drawn:
    """The pictures of one file."""

    pictures: dict[int, bytes] = field(default_factory=dict)  # PNGs by frame, counted from 1
    frames: int | None = None  # of the file, if all that was wanted was drawn
    cause: str | None = None  # why not


def draw(folder: Path, request: Request) -> Drawn:
    """Draw the file `source.dcm` in a folder; never raises for a fault of the file."""
    header = {
        "folder": str(folder.resolve()),
        "most_frames": request.most_frames,
        "frames_of_text": list(request.frames_of_text),
        "releases": request.releases,
        "blank": [list(each) for each in request.blank],
        "megabytes": _MOST_MEGABYTES,
    }
    with tempfile.TemporaryFile() as answers:
        try:
            ended = subprocess.run(  # noqa: S603 runs a module of this project
                [sys.executable, "-m", _WORKER],
                input=orjson.dumps(header),
                stdout=answers,
                stderr=subprocess.DEVNULL,  # libraries may quote the file there
                env=environment_of_worker(os.environ),
                timeout=_LONGEST_SECONDS,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            return Drawn(cause="It was not drawn in time.")
        answers.seek(0)
        drawn = _read(answers)
    if ended and drawn.cause is None:
        drawn.cause = "The process that draws it crashed, or exceeded a limit; see DCM2SET_SECONDS_PER_FILE."
    return drawn


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
            drawn.frames = report.get("frames", drawn.frames)
            drawn.cause = report.get("cause") or drawn.cause
    return drawn


def _messages(answers: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """The complete messages; a process that was ended may have written a part of the last one."""
    while len(head := answers.read(HEAD.size)) == HEAD.size:
        number, length = HEAD.unpack(head)
        body = answers.read(min(length, _MOST_MEGABYTES * 1024 * 1024))
        if len(body) < length:
            return
        yield number, body
