"""Compare the time of de-identification with pydicom, which reads and writes a file unchanged.

Three variants run in turn for each file in each round: the lower bound (pydicom reads and writes; it copies
elements that it doesn't decode), the same with every element decoded, and dcm2set (read, check,
de-identify, write, without pictures). Each variant writes to memory.

The files are all files of pydicom and pydicom-data that the pipeline accepts. The time of a file is the
median of its rounds, and the times of all files are added, so large files count more. All variants use one
CPU. Frames of compressed files are encoded again or read code by code, so native files have the bar.
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

import imaging  # noqa: F401 suppresses pydicom's warnings
from benchmarks.support.report import Figure, print_table, report
from common.errors import NoPictureError, PermanentError
from deidentification.profile import Profile
from deidentification.pseudonym import Pseudonyms
from functions.extract.deidentified_instance import deidentify
from imaging.frames.image_checks import reading_elements
from imaging.frames.image_file import read_image_file
from imaging.options import Limits

Run = Callable[[Path], bytes]

_FOLDERS = [Path(str(package.__file__)).parent / "data" for package in (pydicom, data_store)]
_NO_DICOM = frozenset([".py", ".pyc", ".json", ".md"])
_PSEUDONYMS, _PROFILE, _LIMITS = Pseudonyms(bytes(32)), Profile(), Limits()
# Implicit VR in a file that declares explicit VR: pydicom can only write it after decoding.
_WRITTEN_DECODED = frozenset(["SC_rgb_jpeg.dcm"])
_BAR = 2.0
_MIN_SECONDS = 0.02
_FLOOR, _DECODED, _DCM2SET = "read and write", "read, decode and write", "read, de-identify and write"


@dataclass(frozen=True)
class Measured:
    """The seconds of one file by variant."""

    path: Path
    is_native: bool  # its frames are not encapsulated
    seconds: dict[str, float]  # median of the rounds

    def ratio(self, variant: str) -> float:
        """Return dcm2set's time divided by another variant's."""
        return self.seconds[_DCM2SET] / self.seconds[variant]


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
        ("variant", "", "seconds", "files/s", "dcm2set / variant"),
        list(_rows(measured)),
    )
    refused = len(candidates) - len(files)
    tabled = [Figure("files", len(files), "files"), Figure("files not accepted", refused, "files")]
    tabled += [
        Figure(variant, len(measured) / _total(measured, variant), "files/s") for variant in _variants()
    ]
    report("Ratios", list(_ratios(measured)), tabled=tabled)


def _variants() -> dict[str, Run]:
    return {_FLOOR: _read_and_write, _DECODED: _read_decode_and_write, _DCM2SET: _deidentified}


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
    """Whether the pipeline accepts the file. This also warms up every variant."""
    try:
        _deidentified(path)
    except (PermanentError, NoPictureError):
        return False
    return all(run(path) for run in _variants().values())


def _measured(files: list[Path], rounds: int) -> list[Measured]:
    times: dict[tuple[Path, str], list[float]] = {
        (path, variant): [] for path in files for variant in _variants()
    }
    for _ in range(rounds):
        for path in files:
            for variant, run in _variants().items():
                times[path, variant].append(_time_of_run(run, path))
    return [
        Measured(path, _is_native(path), {variant: median(times[path, variant]) for variant in _variants()})
        for path in files
    ]


def _is_native(path: Path) -> bool:
    return not pydicom.dcmread(path, stop_before_pixels=True).file_meta.TransferSyntaxUID.is_encapsulated


def _time_of_run(run: Run, path: Path) -> float:
    """Return the mean seconds of the runs that start within 20 ms."""
    runs, started = 0, time.perf_counter()
    while runs == 0 or time.perf_counter() - started < _MIN_SECONDS:
        run(path)
        runs += 1
    return (time.perf_counter() - started) / runs


def _total(measured: list[Measured], variant: str) -> float:
    return sum(file.seconds[variant] for file in measured)


def _rows(measured: list[Measured]) -> Iterator[tuple[str, ...]]:
    own = _total(measured, _DCM2SET)
    for variant in _variants():
        total = _total(measured, variant)
        yield variant, "", f"{total:.3f}", f"{len(measured) / total:.0f}", f"{own / total:.2f}"


def _ratios(measured: list[Measured]) -> Iterator[Figure]:
    native = [file for file in measured if file.is_native]
    compressed = [file for file in measured if not file.is_native]
    for name, files in (("native", native), ("compressed", compressed)):
        own = _total(files, _DCM2SET)
        for variant, bar in ((_FLOOR, _BAR if files is native else None), (_DECODED, None)):
            yield Figure.at_most(f"{name} files: dcm2set / {variant}", own / _total(files, variant), bar)
            ratios = [file.ratio(variant) for file in files]
            yield Figure(f"median of {name} files: dcm2set / {variant}", median(ratios), "x")
    slowest = max(measured, key=lambda file: file.ratio(_FLOOR))
    yield Figure(f"slowest file, {slowest.path.name}: dcm2set / {_FLOOR}", slowest.ratio(_FLOOR), "x")


if __name__ == "__main__":
    main()
