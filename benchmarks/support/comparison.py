"""Compare routes. All routes run in turn within each round, so that a slow machine affects all of them."""

import io
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from PIL import Image

from benchmarks.support.corpus import Sample
from benchmarks.support.dcm2set_routes import Floor, batch_to_files, complete_step, pixel_path
from benchmarks.support.documented_route import documented_route
from benchmarks.support.niffler_like import niffler_like
from benchmarks.support.other_converters import Route, dcmtk, dicom_toimage
from benchmarks.support.picture_check import ExpectedPicture, Verdict
from benchmarks.support.report import of_rounds
from functions.extract.output_space import read_output

BATCHES = ("batch to files", "dicom-toimage")
_MIN_SECONDS = 0.1


@dataclass(frozen=True)
class Measured:
    """The result of one route on one file."""

    rounds: list[float]  # seconds per file
    verdict: Verdict

    @property
    def seconds(self) -> float:
        """The median of the rounds."""
        return median(self.rounds)


@dataclass(frozen=True)
class Comparison:
    """The results of all routes on one file."""

    sample: Sample
    routes: Mapping[str, Measured]
    left_out: Mapping[str, str]  # cause by route
    png_ratio: float  # bytes of dcm2set's PNGs over those of Pillow's default, for the same pictures

    def ratio(self, route: str, other: str) -> float | None:
        """Return a route's time divided by another's; None if one of them is left out."""
        if route in self.routes and other in self.routes:
            return self.routes[route].seconds / self.routes[other].seconds
        return None

    def ratios(self, route: str, other: str) -> list[float]:
        """Return a route's time divided by another's in each round."""
        return of_rounds(self.routes[route].rounds, self.routes[other].rounds)


def compare(sample: Sample, out: Path, rounds: int) -> Comparison:
    """Warm up each route, check its pictures, then time it in every round."""
    expected = ExpectedPicture(sample)
    routes, verdicts, left_out = _routes(sample), {}, {}
    for name, run in list(routes.items()):
        verdict = _check(run, sample, _emptied(out), expected)
        if isinstance(verdict, Verdict):
            verdicts[name] = verdict
        else:
            left_out[name] = verdict
            del routes[name]
    times = _times(routes, sample, out, rounds)
    measured = {name: Measured(times[name], verdicts[name]) for name in routes}
    return Comparison(sample, measured, left_out, _png_ratio(sample, _emptied(out)))


def _routes(sample: Sample) -> dict[str, Route]:
    routes: dict[str, Route | None] = {
        "pixel path": pixel_path,
        "complete step": complete_step,
        "floor": Floor(sample),
        "documented route": documented_route,
        "Niffler-like": niffler_like,
        "dcmtk": dcmtk(sample),
        "batch to files": batch_to_files if sample.copies else None,
        "dicom-toimage": dicom_toimage(sample),
    }
    return {name: run for name, run in routes.items() if run is not None}


def _check(run: Route, sample: Sample, out: Path, expected: ExpectedPicture) -> Verdict | str:
    """Run a route once; return the verdict on its pictures, or why it has none."""
    try:
        pngs = run(sample, out)
    except Exception as error:  # noqa: BLE001 other routes may raise any exception
        return f"raises {type(error).__name__}"
    return expected.judge(pngs) if pngs else "writes no picture"


def _times(routes: Mapping[str, Route], sample: Sample, out: Path, rounds: int) -> dict[str, list[float]]:
    """Return the seconds per file; for batches the run's time divided by the number of copies."""
    times: dict[str, list[float]] = {name: [] for name in routes}
    for _ in range(rounds):
        for name, run in routes.items():
            _emptied(out)
            seconds = _time_of_run(run, sample, out)
            times[name].append(seconds / len(sample.copies) if name in BATCHES else seconds)
    return times


def _time_of_run(run: Route, sample: Sample, out: Path) -> float:
    """Return the mean seconds of the runs that start within a tenth of a second.

    A single run of a small file would mainly measure what the previous route left in the CPU caches.
    """
    runs, started = 0, time.perf_counter()
    while runs == 0 or time.perf_counter() - started < _MIN_SECONDS:
        run(sample, out)
        runs += 1
    return (time.perf_counter() - started) / runs


def _emptied(out: Path) -> Path:
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    return out


def _png_ratio(sample: Sample, out: Path) -> float:
    own, pillow = 0, 0
    for output in pixel_path(sample, out):
        png = read_output(output)
        again = io.BytesIO()
        Image.open(io.BytesIO(png)).save(again, "PNG")
        own, pillow = own + len(png), pillow + again.tell()
    return own / pillow
