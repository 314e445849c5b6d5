"""A loop like that of Niffler's PNG extraction, written from its description.

Like it: the file is read whole; pixels become floats, those below zero 0, scaled by the greatest
to 0..255, without window, rescale or polarity; every element of the data set becomes text in one
row of a CSV file. Unlike it: the file is read and decoded once, not twice; rows are written by
Pillow and not by pypng; every frame is written, where Niffler takes no clips; elements within
sequences are not flattened; one process.
"""

import csv
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image

from benchmarks.corpus import Sample
from functions.extract.output_space import Kept


def niffler_like(sample: Sample, out: Path) -> list[Kept]:
    """PNGs and a row of metadata."""
    ds = pydicom.dcmread(sample.path)
    values = ds.pixel_array.astype(float)
    scaled = (np.maximum(values, 0) / values.max() * 255).astype(np.uint8)
    frames = scaled[None] if sample.number_of_frames == 1 else scaled
    written: list[Kept] = []
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
