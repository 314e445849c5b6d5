"""Compare dcm2set's way from a DICOM file to 8-bit PNGs with other routes, which run in turn.

The routes are:

- pixel path: dcm2set's reading, decoding, drawing and encoding;
- complete step: all that extract prepares (search for text, pictures, de-identified DICOM file, metadata
  document), without stores;
- floor: only decoding and PNG encoding, the lower bound;
- documented route: the way of pydicom's and Pillow's documentation;
- Niffler-like: a loop like Niffler's;
- dcmtk: DCMTK, one process per file;
- batch to files and dicom-toimage: the pixel path and dicom-rs' converter on a batch of copies.

Programs that aren't installed are left out.

The corpus is made in the same process before any route runs. The large blocks that this frees let the C
library keep such blocks. In a process that has only seen CT files, the documented route takes a third
longer, so this is the harder comparison.

All routes, including other programs, run on the same single CPU, because some decoders use all CPUs for a
frame.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import imaging  # noqa: F401 suppresses pydicom's warnings
from benchmarks.support.comparison import BATCHES, Comparison, compare
from benchmarks.support.corpus import make_corpus
from benchmarks.support.peak_memory import memory_figures
from benchmarks.support.report import Figure, Verdict, print_table, report

# Minimum speed-up over the documented route, by kind of file.
_DOCUMENTED_BARS = {
    "CT uncompressed": 6.0,
    "CT RLE": 5.0,
    "CT JPEG lossless": 3.5,
    "CT JPEG 2000": 1.3,
    "DX uncompressed": 15.0,
    "DX JPEG lossless": 6.0,
    "US uncompressed": 12.0,
    "US JPEG baseline": 12.0,
}
_COMPLETE_STEP_BARS = {"CT uncompressed": 1.5}
_TOIMAGE_BAR = 1.0
_FLOOR_BARS = {"CT": 1.4, "DX": 1.25, "US": 1.25}  # for compressed files and for clips
_PNG_BAR = 1.25
_DCM2SET = ("pixel path", "complete step", "batch to files")


def main() -> None:
    """Measure and report."""
    rounds = 3 if "--quick" in sys.argv else 9
    if hasattr(os, "sched_setaffinity"):  # Linux; child processes inherit it
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        folder = Path(name)
        comparisons = [compare(sample, folder / "out", rounds) for sample in make_corpus(folder)]
        memory = memory_figures(folder)
    rows = [row for comparison in comparisons for row in _rows(comparison)]
    print_table(
        f"DICOM to PNG, one process, median of {rounds} interleaved rounds",
        ("kind", "route", "ms per file", "over dcm2set", "picture"),
        rows,
    )
    ratios = [figure for comparison in comparisons for figure in _ratios(comparison)]
    tabled = [figure for comparison in comparisons for figure in _tabled(comparison)]
    report("Ratios; memory above what a warm process holds", ratios + memory, tabled=tabled)


def _rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """Yield the table rows of one kind. A batch is compared with dcm2set's batch."""
    kind = comparison.sample.kind
    for route, measured in comparison.routes.items():
        over = comparison.ratio(route, _reference_of(route)) or 0
        yield kind, route, f"{measured.seconds * 1000:.2f}", f"{over:.2f}", str(measured.verdict)
    for route, cause in comparison.left_out.items():
        yield kind, route, "", "", f"left out: {cause}"


def _reference_of(route: str) -> str:
    return "batch to files" if route in BATCHES else "pixel path"


def _tabled(comparison: Comparison) -> Iterator[Figure]:
    """Yield the contents of the table as figures."""
    kind = comparison.sample.kind
    for route, measured in comparison.routes.items():
        yield Figure(f"{kind}: {route}", measured.seconds * 1000, "ms")
        name, difference = f"{kind}: {route}: picture off by", measured.verdict.difference
        if route in _DCM2SET:
            verdict: Verdict = "MISSED" if measured.verdict.cause else "holds"
            yield Figure(name, difference, "grey levels", "right", verdict)
        else:
            yield Figure(name, difference, "grey levels")


def _ratios(comparison: Comparison) -> Iterator[Figure]:
    """Yield the time of other routes over dcm2set's, and dcm2set's over the floor."""
    kind = comparison.sample.kind
    bars = {
        ("documented route", "pixel path"): _DOCUMENTED_BARS.get(kind),
        ("documented route", "complete step"): _COMPLETE_STEP_BARS.get(kind),
        ("Niffler-like", "pixel path"): None,
        ("Niffler-like", "complete step"): None,
        ("dcmtk", "pixel path"): None,
        ("dicom-toimage", "batch to files"): _TOIMAGE_BAR,
    }
    for (route, own), bar in bars.items():
        ratio = comparison.ratio(route, own)
        if ratio is not None:
            rounds = comparison.ratios(route, own)
            yield Figure.at_least(f"{kind}: {route} / {own}", ratio, bar, rounds=rounds)
    floor = comparison.ratio("pixel path", "floor")
    if floor is not None:
        rounds = comparison.ratios("pixel path", "floor")
        yield Figure.at_most(f"{kind}: pixel path / floor", floor, _floor_bar(comparison), rounds=rounds)
    yield Figure.at_most(f"{kind}: PNG bytes / Pillow's default", comparison.png_ratio, _PNG_BAR)


def _floor_bar(comparison: Comparison) -> float | None:
    sample = comparison.sample
    is_barred = sample.is_compressed or sample.number_of_frames > 1
    return _FLOOR_BARS[sample.picture] if is_barred else None


if __name__ == "__main__":
    main()
