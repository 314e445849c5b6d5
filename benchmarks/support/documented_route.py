"""The documented way: pydicom's user guide ("Working with Pixel Data") and Pillow's save, for every frame."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.pixels import apply_modality_lut, apply_voi_lut  # type: ignore[attr-defined]

from benchmarks.support.corpus import Sample
from functions.extract.output_space import Output


def documented_route(sample: Sample, out: Path) -> list[Output]:
    """Read the file, get `pixel_array`, apply modality and VOI LUT, stretch to 8 bits, save as PNG."""
    ds = pydicom.dcmread(sample.path)
    frames = ds.pixel_array
    if sample.number_of_frames == 1:
        frames = frames[None]
    written: list[Output] = []
    for number, frame in enumerate(frames):
        target = out / f"{number}.png"
        Image.fromarray(frame if frame.ndim == 3 else _grey(frame, ds)).save(target)
        written.append(target)
    return written


def _grey(frame: NDArray[Any], ds: Dataset) -> NDArray[Any]:
    values = apply_voi_lut(apply_modality_lut(frame, ds), ds)
    values = values.astype(np.float64)
    values = (values - values.min()) / max(values.max() - values.min(), 1) * 255
    if ds.PhotometricInterpretation == "MONOCHROME1":
        values = 255 - values
    grey: NDArray[Any] = values.astype(np.uint8)
    return grey
