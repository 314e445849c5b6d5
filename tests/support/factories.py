"""Small data sets and files for tests, made from real files of the pydicom package."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset

from deidentification.pseudonym import Pseudonyms
from imaging.frames.image_file import ImageFile, read_image_file
from imaging.options import Limits

KEY = bytes(range(32))
PSEUDONYMS = Pseudonyms(KEY)
LIMITS = Limits()


def real_path(name: str = "CT_small.dcm") -> Path:
    """The path of a file that the pydicom package ships."""
    path = get_testdata_file(name, download=False)
    assert isinstance(path, str)
    return Path(path)


def make_dataset(*, name: str = "CT_small.dcm", **elements: Any) -> FileDataset:
    """Read a real data set and change some elements; None removes an element."""
    ds = pydicom.dcmread(real_path(name))
    for keyword, value in elements.items():
        if value is None:
            if keyword in ds:
                delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    if elements.get("SOPInstanceUID"):
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def make_grey(values: np.ndarray, **elements: Any) -> FileDataset:
    """CT_small with other pixels: uint16 or uint8 of shape (rows, columns) or (frames, rows, columns)."""
    bits = values.dtype.itemsize * 8
    ds = make_dataset(
        RescaleSlope=None,
        RescaleIntercept=None,
        WindowCenter=None,
        WindowWidth=None,
        Rows=values.shape[-2],
        Columns=values.shape[-1],
        BitsAllocated=bits,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=0,
        PixelData=values.tobytes(),
    )
    if values.ndim == 3:
        ds.NumberOfFrames = values.shape[0]
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def to_bytes(ds: FileDataset) -> bytes:
    """The bytes of a data set's file."""
    buffer = io.BytesIO()
    ds.save_as(buffer)
    return buffer.getvalue()


def to_image_file(data: bytes | FileDataset, folder: Path, limits: Limits = LIMITS) -> ImageFile:
    """Write a file to the folder and read it as extract does."""
    path = folder / "image.dcm"
    path.write_bytes(data if isinstance(data, bytes) else to_bytes(data))
    return read_image_file(path, limits)
