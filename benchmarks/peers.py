"""Converters of other projects, as far as this machine has them."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from benchmarks.corpus import Sample
from functions.extract.output_space import Kept

Run = Callable[[Sample, Path], list[Kept]]


def dcmtk(sample: Sample) -> Run | None:
    """DCMTK's program for the file's coding, a process a file; None if there is none."""
    program = shutil.which("dcml2pnm" if sample.coding == "JPEG-LS" else "dcmj2pnm")
    if program is None:
        return None
    window = ["+Wi", "1"] if sample.has_window else []

    def run(sample: Sample, out: Path) -> list[Kept]:
        _called([program, "--write-png", "--all-frames", *window, str(sample.path), str(out / "frame")])
        numbers = sorted(int(path.suffixes[0][1:]) for path in out.glob("frame.*.png"))
        return [out / f"frame.{number}.png" for number in numbers]

    return run


def dicom_toimage(sample: Sample) -> Run | None:
    """One run of dicom-rs' dicom-toimage over all copies; it draws the first frame alone."""
    program = os.environ.get("DICOM_TOIMAGE") or shutil.which("dicom-toimage")
    if program is None or sample.number_of_frames > 1:
        return None

    def run(sample: Sample, out: Path) -> list[Kept]:
        _called([program, "--8bit", "-d", str(out), *map(str, sample.copies)])
        written = [out / f"{copy.stem}.png" for copy in sample.copies]
        return [written[0]] if all(path.exists() for path in written) else []

    return run


def _called(command: list[str]) -> None:
    """Run a program; whether it could do its work shows in the files it wrote."""
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
