"""The sides run one after another within each round, so that what slows the machine slows all."""

import io
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from PIL import Image

from benchmarks.corpus import Sample
from benchmarks.documented_route import documented_route
from benchmarks.niffler_like import niffler_like
from benchmarks.our_sides import Floor, batch_to_files, pixel_path, whole_step
from benchmarks.peers import Run, dcmtk, dicom_toimage
from benchmarks.right_picture import RightPicture, Verdict
from functions.extract.output_space import read_kept

BATCHES = ("batch to files", "dicom-toimage")
_TURN_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    """One side on one file."""

    seconds: float  # a file, median of the rounds
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """All sides on one file."""

    sample: Sample
    sides: Mapping[str, Measured]
    left_out: Mapping[str, str]  # why a side is not there
    png_ratio: float  # our PNGs' bytes over those of Pillow's default, of the same pictures

    def ratio(self, side: str, other: str) -> float | None:
        """How many times as long a side takes as another; None if one is left out."""
        if side in self.sides and other in self.sides:
            return self.sides[side].seconds / self.sides[other].seconds
        return None


def compare(sample: Sample, out: Path, rounds: int) -> Comparison:
    """Warm every side up, judge its pictures, then time it in every round."""
    right = RightPicture(sample)
    sides, verdicts, left_out = _sides(sample), {}, {}
    for name, run in list(sides.items()):
        verdict = _tried(run, sample, _emptied(out), right)
        if isinstance(verdict, Verdict):
            verdicts[name] = verdict
        else:
            left_out[name] = verdict
            del sides[name]
    times = _timed(sides, sample, out, rounds)
    measured = {name: Measured(times[name], verdicts[name]) for name in sides}
    return Comparison(sample, measured, left_out, _png_ratio(sample, _emptied(out)))


def _sides(sample: Sample) -> dict[str, Run]:
    sides: dict[str, Run | None] = {
        "pixel path": pixel_path,
        "whole step": whole_step,
        "floor": Floor(sample),
        "documented route": documented_route,
        "Niffler-like": niffler_like,
        "dcmtk": dcmtk(sample),
        "batch to files": batch_to_files if sample.copies else None,
        "dicom-toimage": dicom_toimage(sample),
    }
    return {name: run for name, run in sides.items() if run is not None}


def _tried(run: Run, sample: Sample, out: Path, right: RightPicture) -> Verdict | str:
    """What its pictures are worth, or why it has none."""
    try:
        pngs = run(sample, out)
    except Exception as error:  # noqa: BLE001 whatever another's route raises
        return f"raises {type(error).__name__}"
    return right.judge(pngs) if pngs else "writes no picture"


def _timed(sides: Mapping[str, Run], sample: Sample, out: Path, rounds: int) -> dict[str, float]:
    """Median seconds a file; of a batch, the run's by the number of copies."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, run in sides.items():
            _emptied(out)
            seconds = _turn(run, sample, out)
            times[name].append(seconds / len(sample.copies) if name in BATCHES else seconds)
    return {name: median(values) for name, values in times.items()}


def _turn(run: Run, sample: Sample, out: Path) -> float:
    """Seconds of a run, the mean of as many as begin within a tenth of a second.

    A single run of a small file would measure above all what the side before it left in the
    processor's caches.
    """
    runs, started = 0, time.perf_counter()
    while runs == 0 or time.perf_counter() - started < _TURN_SECONDS:
        run(sample, out)
        runs += 1
    return (time.perf_counter() - started) / runs


def _emptied(out: Path) -> Path:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    return out


def _png_ratio(sample: Sample, out: Path) -> float:
    ours, theirs = 0, 0
    for kept in pixel_path(sample, out):
        png = read_kept(kept)
        again = io.BytesIO()
        Image.open(io.BytesIO(png)).save(again, "PNG")
        ours, theirs = ours + len(png), theirs + again.tell()
    return ours / theirs
