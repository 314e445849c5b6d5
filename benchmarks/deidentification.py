"""What de-identifying costs: beside pydicom, which reads a file and writes it again as it is.

Sides, interleaved file by file within each round: the floor (pydicom reads and writes; what it does not
need to look at it writes as it read it); the same with every element decoded in between; and ours
(read, check, de-identify, write; no pictures). Each writes to memory.

The files are all those of pydicom and pydicom-data that the line accepts. A file counts once a side, by
the median of its rounds, and files are added up: so a large one counts for more. One processor for all.
"""

import io
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import data_store
import pydicom

import imaging  # noqa: F401 keeps pydicom's warnings out of the table
from benchmarks.report import Figure, print_table, report
from common.errors import PermanentError
from deidentification.profile import Profile
from deidentification.pseudonym import Pseudonyms
from functions.extract.deidentified_instance import deidentify
from imaging.frames.image_checks import Limits, NoPictureError, reading_elements
from imaging.frames.image_file import read_image_file

Run = Callable[[Path], bytes]

_FOLDERS = [Path(str(package.__file__)).parent / "data" for package in (pydicom, data_store)]
_NO_DICOM = frozenset([".py", ".pyc", ".json", ".md"])
_PSEUDONYMS, _PROFILE, _LIMITS = Pseudonyms(bytes(32)), Profile(), Limits()
# Implicit VR in a file that says explicit: pydicom can't write it as it read it.
_WRITTEN_DECODED = frozenset(["SC_rgb_jpeg.dcm"])
_BAR = 2.0
_TURN_SECONDS = 0.02
_FLOOR, _DECODED, _OURS = "read and write", "read, decode and write", "read, de-identify and write"


@dataclass(frozen=True)
class Measured:
    """One file's seconds, by side."""

    path: Path
    seconds: dict[str, float]  # medians of the rounds

    def ratio(self, side: str) -> float:
        """How many times as long ours takes as another side."""
        return self.seconds[_OURS] / self.seconds[side]


def main() -> None:
    """Measure and report."""
    rounds = 3 if "--quick" in sys.argv else 9
    if hasattr(os, "sched_setaffinity"):  # Linux
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    candidates = list(_candidates())
    files = [path for path in candidates if _is_accepted(path)]
    measured = _measured(files, rounds)
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    print(f"{len(files)} of {len(candidates)} files are accepted, {megabytes:.1f} MB.\n")
    print_table(
        f"DICOM to DICOM in memory, one process, medians of {rounds} interleaved rounds",
        ("side", "", "seconds", "files/s", "ours over it"),
        list(_rows(measured)),
    )
    refused = len(candidates) - len(files)
    tabled = [Figure("files", len(files), "files"), Figure("files not accepted", refused, "files")]
    tabled += [Figure(side, len(measured) / _total(measured, side), "files/s") for side in _sides()]
    report("Ratios", list(_ratios(measured)), tabled=tabled)


def _sides() -> dict[str, Run]:
    return {_FLOOR: _read_and_write, _DECODED: _read_decode_and_write, _OURS: _deidentified}


def _read_and_write(path: Path) -> bytes:
    if path.name in _WRITTEN_DECODED:
        return _read_decode_and_write(path)
    buffer = io.BytesIO()
    pydicom.dcmread(path).save_as(buffer)
    return buffer.getvalue()


def _read_decode_and_write(path: Path) -> bytes:
    ds, buffer = pydicom.dcmread(path), io.BytesIO()
    for _ in ds.iterall():
        pass
    ds.save_as(buffer)
    return buffer.getvalue()


def _deidentified(path: Path) -> bytes:
    buffer = io.BytesIO()
    with reading_elements():
        deidentify(read_image_file(path, _LIMITS), _PSEUDONYMS, _PROFILE).write(buffer)
    return buffer.getvalue()


def _candidates() -> Iterator[Path]:
    for folder in _FOLDERS:
        yield from (
            path for path in sorted(folder.rglob("*")) if path.is_file() and path.suffix not in _NO_DICOM
        )


def _is_accepted(path: Path) -> bool:
    """Whether the line takes it, so that all sides have something to write; warms every side up."""
    try:
        _deidentified(path)
    except (PermanentError, NoPictureError):
        return False
    return all(run(path) for run in _sides().values())


def _measured(files: list[Path], rounds: int) -> list[Measured]:
    times: dict[tuple[Path, str], list[float]] = {(path, side): [] for path in files for side in _sides()}
    for _ in range(rounds):
        for path in files:
            for side, run in _sides().items():
                times[path, side].append(_turn(run, path))
    return [Measured(path, {side: median(times[path, side]) for side in _sides()}) for path in files]


def _turn(run: Run, path: Path) -> float:
    """Seconds of a run, the mean of as many as begin within the turn."""
    runs, started = 0, time.perf_counter()
    while runs == 0 or time.perf_counter() - started < _TURN_SECONDS:
        run(path)
        runs += 1
    return (time.perf_counter() - started) / runs


def _total(measured: list[Measured], side: str) -> float:
    return sum(file.seconds[side] for file in measured)


def _rows(measured: list[Measured]) -> Iterator[tuple[str, ...]]:
    ours = _total(measured, _OURS)
    for side in _sides():
        total = _total(measured, side)
        yield side, "", f"{total:.3f}", f"{len(measured) / total:.0f}", f"{ours / total:.2f}"


def _ratios(measured: list[Measured]) -> Iterator[Figure]:
    ours = _total(measured, _OURS)
    for side, bar in ((_FLOOR, _BAR), (_DECODED, None)):
        yield Figure.at_most(f"all files: ours / {side}", ours / _total(measured, side), bar)
        yield Figure(f"a file, median: ours / {side}", median(file.ratio(side) for file in measured), "x")
    slowest = max(measured, key=lambda file: file.ratio(_FLOOR))
    yield Figure(f"at most, {slowest.path.name}: ours / {_FLOOR}", slowest.ratio(_FLOOR), "x")


if __name__ == "__main__":
    main()
