"""Every picture in pydicom and pydicom-data that pydicom decodes, compared with pydicom's own functions."""

import logging
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, iter_pixels

from imaging.frames import image_checks
from imaging.frames.image_file import read_image_file
from imaging.options import Limits
from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.real_files import REAL_FOLDERS

# Files for which the recipe is right and pydicom's picture differs.
DIFFERENT = {
    "CT_small.dcm": "a CT without a window: soft tissue by default, not from padding to metal",
    "explicit_VR-UN.dcm": "a CT without a window: soft tissue by default, not from air to metal",
    "eCT_Supplemental.dcm": "functional groups and a supplemental palette (PS3.3 C.7.6.16, C.7.6.19)",
    **dict.fromkeys(
        ("OBXXXX1A_expb.dcm", "OBXXXX1A_expb_2frame.dcm"),
        "the same picture as the little endian file's; pydicom 3.0 does not swap the palette's words",
    ),
}


def _decodable() -> Iterator[tuple[Path, FileDataset, list[NDArray]]]:
    for folder in REAL_FOLDERS:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in {".py", ".pyc", ".json", ".md"}:
                try:
                    ds = pydicom.dcmread(path, force=True)
                    frames = list(iter_pixels(ds))
                except Exception:  # noqa: BLE001, S112 pydicom does not decode it, for whatever reason
                    continue
                yield path, ds, frames


def _by_pydicom(frame: NDArray, ds: FileDataset) -> NDArray:
    """A decoded frame drawn with pydicom's functions, scaled to 0..255."""
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(frame, ds) * _scale(ds.RedPaletteColorLookupTableDescriptor[2])
    if frame.ndim == 3:
        return frame * _scale(ds.BitsStored)
    values = apply_modality_lut(frame, ds)
    if ds.get("VOILUTSequence"):
        grey = apply_voi_lut(values.astype(int), ds) * _scale(ds.VOILUTSequence[0].LUTDescriptor[2])
    else:
        low, high = _output_range(values, ds)
        grey = (apply_voi_lut(values, ds) - low) * (255 / (high - low)) if high > low else values * 0
    return 255 - grey if ds.PhotometricInterpretation == "MONOCHROME1" else grey


def _output_range(values: NDArray, ds: FileDataset) -> tuple[float, float]:
    """The output range of pydicom's window: the range of the stored bits in modality units."""
    if not ds.get("WindowWidth"):
        return float(values.min()), float(values.max())
    if "ModalityLUTSequence" in ds:
        return 0, 2 ** ds.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    signed, bits = ds.PixelRepresentation, ds.BitsStored
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    slope, intercept = float(ds.get("RescaleSlope") or 1), float(ds.get("RescaleIntercept") or 0)
    return low * slope + intercept, high * slope + intercept


def _scale(bits: int) -> float:
    return 255 / (2**bits - 1)


def test_all_real_pictures_are_as_pydicom_draws_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every frame that pydicom decodes differs by at most one grey level, except in the listed files."""
    # Some files have no UIDs. Extract refuses them, but their pictures can be compared.
    monkeypatch.setattr(image_checks, "_check_identity", lambda _: None)
    different, number = set(), 0
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path, ds, frames in _decodable():
            number += 1
            image_file = read_image_file(path, Limits())
            recipe = PictureRecipe(image_file.ds)
            drawn = [recipe.draw(frame, index=index) for index, frame in enumerate(image_file.frames())]
            theirs = [_by_pydicom(frame, ds) for frame in frames]
            pairs = [(a, b.picture) for a, b in zip(theirs, drawn, strict=True)]
            if not all(a.shape == b.shape and np.abs(a - b).max() <= 1 for a, b in pairs):
                different.add(path.name)
    logging.disable(logging.NOTSET)
    assert DIFFERENT.keys() == different
    assert number >= 153
