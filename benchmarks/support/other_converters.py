"""Converters of other projects, if they are installed."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.support.corpus import Sample
from functions.extract.output_space import Output

Route = Callable[[Sample, Path], list[Output]]


def dcmtk(sample: Sample) -> Route | None:
    """Return DCMTK's converter for the file's coding, one process per file; None if not installed."""
    program = shutil.which("dcml2pnm" if sample.coding == "JPEG-LS" else "dcmj2pnm")
    if program is None:
        return None
    window = ["+Wi", "1"] if sample.has_window else []

    def run(sample: Sample, out: Path) -> list[Output]:
        _run([program, "--write-png", "--all-frames", *window, str(sample.path), str(out / "frame")])
        numbers = sorted(int(path.suffixes[0][1:]) for path in out.glob("frame.*.png"))
        return [out / f"frame.{number}.png" for number in numbers]

    return run


def dicom_toimage(sample: Sample) -> Route | None:
    """Return dicom-rs' dicom-toimage, one run for all copies; None if not installed or for several frames.

    It draws only the first frame.
    """
    program = os.environ.get("DICOM_TOIMAGE") or shutil.which("dicom-toimage")
    if program is None or sample.number_of_frames > 1:
        return None

    def run(sample: Sample, out: Path) -> list[Output]:
        _run([program, "--8bit", "-d", str(out), *map(str, sample.copies)])
        written = [out / f"{copy.stem}.png" for copy in sample.copies]
        return [written[0]] if all(path.exists() for path in written) else []

    return run


def _run(command: list[str]) -> None:
    """Run a program. The files that it wrote show whether it succeeded."""
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
