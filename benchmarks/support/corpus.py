"""Test files for the benchmarks, made from real pixels of pydicom and pydicom-data."""

import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
from pydicom.data import get_testdata_file
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
    generate_uid,
)

# Number of copies of a file that a batch converter gets in one run.
_COPIES = {"CT": 20, "DX": 5, "US": 0}


@dataclass(frozen=True)
class Sample:
    """One file of the corpus."""

    picture: str  # CT, DX or US
    coding: str  # of the pixels, as named in the tables
    path: Path
    number_of_frames: int
    copies: tuple[Path, ...] = ()  # the same file under other names

    @property
    def kind(self) -> str:
        """The name in tables."""
        return f"{self.picture} {self.coding}"

    @property
    def is_compressed(self) -> bool:
        """Whether the pixels must be decoded."""
        return self.coding != "uncompressed"

    @property
    def has_window(self) -> bool:
        """Whether the file has a window."""
        return self.picture != "US"


def make_corpus(folder: Path) -> list[Sample]:
    """Write files of three sizes in the most common transfer syntaxes."""
    grey = [make_grey(picture, coding, folder) for picture in ("CT", "DX") for coding in _GREY_CODINGS]
    return grey + [make_clip(100, coding, folder) for coding in CLIP_CODINGS]


def make_grey(picture: str, coding: str, folder: Path) -> Sample:
    """Write a CT slice or a radiograph with one frame."""
    ds = _ct() if picture == "CT" else _dx()
    return _sample(_GREY_CODINGS[coding](ds), picture, coding, folder)


def make_clip(frames: int, coding: str, folder: Path, *, size: int = 320) -> Sample:
    """Write an ultrasound clip with frames of at most `size` columns, in RGB or as JPEG."""
    ds = CLIP_CODINGS[coding](_us(frames, size))
    return _sample(ds, "US", coding, folder / f"clip of {frames}")


def _sample(ds: FileDataset, picture: str, coding: str, folder: Path) -> Sample:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{picture} {coding}.dcm"
    ds.SOPInstanceUID = generate_uid(entropy_srcs=[picture, coding])
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    buffer = io.BytesIO()
    ds.save_as(buffer)
    path.write_bytes(buffer.getvalue())
    copies = _copied(path, folder / f"{picture} {coding}", _COPIES[picture])
    return Sample(picture, coding, path, int(ds.get("NumberOfFrames") or 1), copies)


def _copied(path: Path, folder: Path, number: int) -> tuple[Path, ...]:
    folder.mkdir(exist_ok=True)
    return tuple(Path(shutil.copy(path, folder / f"{index:02}.dcm")) for index in range(number))


def _read(name: str) -> FileDataset:
    """Read a file of the packages and convert it to uncompressed explicit VR little endian."""
    ds = pydicom.dcmread(str(get_testdata_file(name, download=False)))
    if ds.file_meta.TransferSyntaxUID.is_encapsulated:
        ds.decompress()
    list(ds.iterall())  # reading elements replaces VR UN, which not every converter can do
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return ds


def _ct() -> FileDataset:
    """Return a slice of 512 x 512 with a soft-tissue window, so that every route must apply a window."""
    ds = _read("explicit_VR-UN.dcm")
    ds.WindowCenter, ds.WindowWidth = 40, 400
    return ds


def _dx() -> FileDataset:
    """Return a radiograph of 2500 x 2048: a real one of 1955 x 1841, extended by its mirror image."""
    ds = _read("RG1_UNCI.dcm")
    pixels = ds.pixel_array
    rows, columns = 2500, 2048
    padded = np.pad(pixels, ((0, rows - pixels.shape[0]), (0, columns - pixels.shape[1])), mode="symmetric")
    ds.set_pixel_data(padded, ds.PhotometricInterpretation, ds.BitsStored)
    return ds


def _us(frames: int, size: int) -> FileDataset:
    """Return an ultrasound clip of 240 x 320 in RGB: 30 real frames, repeated."""
    ds = _read("examples_ybr_color.dcm")
    real = ds.pixel_array[:, :size, :size]
    ds.set_pixel_data(np.resize(real, (frames, *real.shape[1:])), "RGB", 8)
    ds.NumberOfFrames = frames
    return ds


def _unchanged(ds: FileDataset) -> FileDataset:
    return ds


def _pydicom_codec(transfer_syntax: str) -> Callable[[FileDataset], FileDataset]:
    def compressed(ds: FileDataset) -> FileDataset:
        ds.compress(transfer_syntax)
        return ds

    return compressed


def _jpeg_lossless(ds: FileDataset) -> FileDataset:
    values = ds.pixel_array.view(np.uint16) & ((1 << ds.BitsStored) - 1)
    coded = imagecodecs.ljpeg_encode(values, bitspersample=ds.BitsStored)
    return _encapsulated(ds, [bytes(coded)], JPEGLosslessSV1)


def _jpeg_baseline(ds: FileDataset) -> FileDataset:
    """Encode like ultrasound devices: YCbCr with 4:2:2 subsampling (PS3.5 8.2.1)."""
    coded = [
        bytes(
            imagecodecs.jpeg8_encode(
                frame, level=90, colorspace="RGB", outcolorspace="YCBCR", subsampling="422"
            )
        )
        for frame in ds.pixel_array.reshape(-1, ds.Rows, ds.Columns, 3)
    ]
    ds.PhotometricInterpretation = "YBR_FULL_422"
    ds.LossyImageCompression = "01"
    return _encapsulated(ds, coded, JPEGBaseline8Bit)


def _encapsulated(ds: FileDataset, frames: list[bytes], transfer_syntax: UID) -> FileDataset:
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = transfer_syntax
    return ds


_GREY_CODINGS = {
    "uncompressed": _unchanged,
    "RLE": _pydicom_codec(RLELossless),
    "JPEG lossless": _jpeg_lossless,
    "JPEG-LS": _pydicom_codec(JPEGLSLossless),
    "JPEG 2000": _pydicom_codec(JPEG2000Lossless),
}
CLIP_CODINGS = {"uncompressed": _unchanged, "JPEG baseline": _jpeg_baseline}
