"""A loop like Niffler's PNG extraction, written from its description.

Same: the file is read completely. Pixels become floats, negative ones become 0, and all are scaled by the
maximum to 0..255, without window, rescale or polarity. Every element of the data set becomes text in one row
of a CSV file.

Different: the file is read and decoded once instead of twice. Pillow writes the PNGs instead of pypng. Every
frame is written, whereas Niffler skips clips. Elements in sequences are not flattened. There is one process.
"""

import csv
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image

from benchmarks.support.corpus import Sample
from functions.extract.output_space import Output


def niffler_like(sample: Sample, out: Path) -> list[Output]:
    """Write PNGs and a row of metadata."""
    ds = pydicom.dcmread(sample.path)
    values = ds.pixel_array.astype(float)
    scaled = (np.maximum(values, 0) / values.max() * 255).astype(np.uint8)
    frames = scaled[None] if sample.number_of_frames == 1 else scaled
    written: list[Output] = []
    for number, frame in enumerate(frames):
        target = out / f"{number}.png"
        Image.fromarray(frame).save(target)
        written.append(target)
    _append_row(ds, out / "metadata.csv")
    return written


def _append_row(ds: pydicom.Dataset, path: Path) -> None:
    row = {element.name: str(element.value) for element in ds if element.keyword != "PixelData"}
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)
