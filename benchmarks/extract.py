"""From a DICOM file to its 8-bit PNGs, beside other ways to do it, interleaved in one run.

Sides: our pixel path; our whole step (read, pictures, de-identify, metadata document, DICOM file;
no stores); the floor (decode and PNG encode alone); the route of pydicom's and Pillow's
documentation; a loop like Niffler's; DCMTK, a process a file; and dicom-rs' dicom-toimage over a
batch of copies, beside our pixel path over the same batch. Programs that this machine lacks are left out.

The corpus is made in the same process before any side runs. The large blocks freed by then let the C
library keep such blocks: in a process that has seen nothing but CT, the documented route takes a third
longer. So this is the harder comparison of the two.

Every side, programs of others too, has one processor and the same one: some decoders share a frame
among all there are.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import imaging  # noqa: F401 keeps pydicom's warnings out of the table
from benchmarks.corpus import make_corpus
from benchmarks.interleaved import BATCHES, Comparison, compare
from benchmarks.peak_memory import memory_figures
from benchmarks.report import Figure, print_table, report

# At least so many times as fast as the documented route, by kind of file.
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
_WHOLE_STEP_BARS = {"CT uncompressed": 1.5}
_TOIMAGE_BAR = 1.0
_FLOOR_BARS = {"CT": 1.4, "DX": 1.25, "US": 1.25}  # of compressed files, and of clips
_PNG_BAR = 1.25
_OURS = ("pixel path", "whole step", "batch to files")


def main() -> None:
    """Measure and report."""
    rounds = 3 if "--quick" in sys.argv else 9
    if hasattr(os, "sched_setaffinity"):  # Linux; what we start inherits it
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory(prefix="dcm2set-bench-") as name:
        folder = Path(name)
        comparisons = [compare(sample, folder / "out", rounds) for sample in make_corpus(folder)]
        memory = memory_figures(folder)
    rows = [row for comparison in comparisons for row in _rows(comparison)]
    print_table(
        f"DICOM to PNG, one process, median of {rounds} interleaved rounds",
        ("kind", "side", "ms a file", "over ours", "picture"),
        rows,
    )
    ratios = [figure for comparison in comparisons for figure in _ratios(comparison)]
    tabled = [figure for comparison in comparisons for figure in _tabled(comparison)]
    report("Ratios; memory above what a warm process holds", ratios + memory, tabled=tabled)


def _rows(comparison: Comparison) -> Iterator[tuple[str, ...]]:
    """The table of one kind; a batch is compared with our batch."""
    kind = comparison.sample.kind
    for side, measured in comparison.sides.items():
        over = comparison.ratio(side, _ours_beside(side)) or 0
        yield kind, side, f"{measured.seconds * 1000:.2f}", f"{over:.2f}", str(measured.verdict)
    for side, cause in comparison.left_out.items():
        yield kind, side, "", "", f"left out: {cause}"


def _ours_beside(side: str) -> str:
    return "batch to files" if side in BATCHES else "pixel path"


def _tabled(comparison: Comparison) -> Iterator[Figure]:
    """What the table shows, as figures."""
    kind = comparison.sample.kind
    for side, measured in comparison.sides.items():
        yield Figure(f"{kind}: {side}", measured.seconds * 1000, "ms")
        bar, holds = ("right", not measured.verdict.cause) if side in _OURS else (None, None)
        difference = measured.verdict.difference
        yield Figure(f"{kind}: {side}: picture off by", difference, "grey levels", bar, holds)


def _ratios(comparison: Comparison) -> Iterator[Figure]:
    """How many times as long others take as we do, and we as the floor."""
    kind = comparison.sample.kind
    bars = {
        ("documented route", "pixel path"): _DOCUMENTED_BARS.get(kind),
        ("documented route", "whole step"): _WHOLE_STEP_BARS.get(kind),
        ("Niffler-like", "pixel path"): None,
        ("Niffler-like", "whole step"): None,
        ("dcmtk", "pixel path"): None,
        ("dicom-toimage", "batch to files"): _TOIMAGE_BAR,
    }
    for (side, ours), bar in bars.items():
        ratio = comparison.ratio(side, ours)
        if ratio is not None:
            yield Figure.at_least(f"{kind}: {side} / {ours}", ratio, bar)
    floor = comparison.ratio("pixel path", "floor")
    if floor is not None:
        yield Figure.at_most(f"{kind}: pixel path / floor", floor, _floor_bar(comparison))
    yield Figure.at_most(f"{kind}: PNG bytes / Pillow's default", comparison.png_ratio, _PNG_BAR)


def _floor_bar(comparison: Comparison) -> float | None:
    sample = comparison.sample
    is_barred = sample.is_compressed or sample.number_of_frames > 1
    return _FLOOR_BARS[sample.picture] if is_barred else None


if __name__ == "__main__":
    main()
