"""Small images in a given transfer syntax, and reading them back, for the tests of this folder."""

from pathlib import Path

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID

from imaging.frames.stored_value import stored_value
from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.factories import make_grey, to_image_file


def ramp(bits: int, *, signed: bool, frames: int = 2) -> np.ndarray:
    """Frames (frames, 96, 64) from the least value to the greatest; every second frame is reversed."""
    lowest = -(1 << (bits - 1)) if signed else 0
    values = np.linspace(lowest, lowest + (1 << bits) - 1, 96 * 64)
    size = 1 if bits <= 8 else 2 if bits <= 16 else 4
    frame = np.rint(values).astype(f"{'i' if signed else 'u'}{size}").reshape(96, 64)
    return np.stack([frame[:: 1 if index % 2 == 0 else -1] for index in range(frames)])


def grey_dataset(values: np.ndarray, bits: int, *, signed: bool) -> FileDataset:
    """A data set with native grey pixels."""
    return make_grey(values, BitsStored=bits, HighBit=bits - 1, PixelRepresentation=int(signed))


def encapsulated(ds: FileDataset, frames: list[bytes], syntax: UID) -> FileDataset:
    """The data set with encoded frames as its pixel data."""
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def stored_values(ds: FileDataset, folder: Path) -> np.ndarray:
    """The stored values of all frames after writing and reading the file."""
    folder.mkdir(exist_ok=True)
    path = folder / "image.dcm"
    syntax = ds.file_meta.TransferSyntaxUID
    written = FileDataset(path, dict(ds), preamble=bytes(128), file_meta=ds.file_meta)
    written.set_original_encoding(syntax.is_implicit_VR, syntax.is_little_endian)
    written.save_as(path)
    image_file = to_image_file(path.read_bytes(), folder)
    reader = stored_value(image_file.ds)
    return np.stack([reader.values(frame) for frame in image_file.frames()])


def first_picture(ds: FileDataset, folder: Path) -> np.ndarray:
    """The picture of the first frame."""
    image_file = to_image_file(ds, folder)
    return PictureRecipe(image_file.ds).draw(next(image_file.frames()), index=0).picture
