"""Files and folders of unusual size, written piece by piece."""

import io
from collections.abc import Iterator
from pathlib import Path
from struct import pack
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import (
    UID,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
    VLWholeSlideMicroscopyImageStorage,
    generate_uid,
)

from benchmarks.support.corpus import CLIP_CODINGS, make_clip, make_grey
from tests.support.real_files import make_instance

_UNIQUE = 16  # different frames of a file, which are repeated


def write_enhanced_ct(path: Path, *, frames: int, rows: int, columns: int) -> None:
    """Write an Enhanced CT Image with functional groups for each frame (PS3.3 A.38.1)."""
    ds = _dataset(EnhancedCTImageStorage, frames, rows, columns)
    ds.Modality, ds.SamplesPerPixel, ds.PhotometricInterpretation = "CT", 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
    ds.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    values, window = Dataset(), Dataset()
    values.RescaleSlope, values.RescaleIntercept, values.RescaleType = 1, -1024, "HU"
    window.WindowCenter, window.WindowWidth = 40, 400
    shared = Dataset()
    shared.PixelValueTransformationSequence, shared.FrameVOILUTSequence = [values], [window]
    ds.SharedFunctionalGroupsSequence = [shared]
    ds.PerFrameFunctionalGroupsSequence = [_frame_groups(number) for number in range(1, frames + 1)]
    with TemporaryDirectory() as corpus:
        real = _tiled(make_grey("CT", "uncompressed", Path(corpus)).path, rows, columns)
    _write(path, ds, [np.roll(real, shift, axis=1) for shift in range(_UNIQUE)], frames)


def write_slide_level(path: Path, *, tiles: int, size: int) -> None:
    """Write one level of a whole-slide image, a frame for each tile (PS3.3 A.32.8)."""
    ds = _dataset(VLWholeSlideMicroscopyImageStorage, tiles, size, size)
    ds.Modality, ds.SamplesPerPixel, ds.PhotometricInterpretation = "SM", 3, "RGB"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 8, 8, 7, 0
    ds.PlanarConfiguration = 0
    ds.ImageType = ["DERIVED", "PRIMARY", "VOLUME", "NONE"]
    ds.DimensionOrganizationType = "TILED_FULL"
    ds.TotalPixelMatrixColumns, ds.TotalPixelMatrixRows = size * tiles, size
    with TemporaryDirectory() as corpus:
        real = _tiled(make_clip(1, next(iter(CLIP_CODINGS)), Path(corpus)).path, size, size)
    _write(path, ds, [np.roll(real, shift, axis=1) for shift in range(_UNIQUE)], tiles)


def write_small_files(folder: Path, number: int) -> None:
    """Write small CT images, each a new instance, into one folder."""
    folder.mkdir(parents=True)
    template = make_instance(0)  # only the UID of each is another
    for index in range(number):
        path = folder / f"{index:06}.dcm"
        path.write_bytes(with_number(template, index))


def with_number(template: bytes, number: int) -> bytes:
    """Return an image with another SOP Instance UID of the same length."""
    uid = _uid_of(template)
    tail = f"{number:08}".encode()
    return template.replace(uid, uid[: -len(tail)] + tail)


def label_files(keys: list[str], number: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents of label files, each with a few labels of one image."""
    for index in range(number):
        rows = "".join(
            f"{keys[index % len(keys)]},{label},{index % 2},reader {index}\n"
            for label in ("Effusion", "Edema", "Mass")
        )
        yield f"big/{index:05}.csv", f"image,label,value,annotator\n{rows}".encode()


def _uid_of(template: bytes) -> bytes:
    return str(pydicom.dcmread(io.BytesIO(template), stop_before_pixels=True).SOPInstanceUID).encode()


def _dataset(sop_class: UID, frames: int, rows: int, columns: int) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.TransferSyntaxUID = sop_class, ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=bytes(128))
    ds.SOPClassUID = sop_class
    ds.SOPInstanceUID = generate_uid(entropy_srcs=["big", sop_class, str(frames)])
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = (
        generate_uid(entropy_srcs=[name, sop_class, str(frames)]) for name in ("study", "series")
    )
    ds.PatientID, ds.PatientName, ds.StudyDate = f"BIG-{frames}", "Marker^Big", "20240102"
    ds.Rows, ds.Columns, ds.NumberOfFrames = rows, columns, frames
    ds.BurnedInAnnotation = "NO"
    return ds


def _frame_groups(number: int) -> Dataset:
    content, position, group = Dataset(), Dataset(), Dataset()
    content.StackID, content.InStackPositionNumber, content.DimensionIndexValues = "1", number, [1, number]
    position.ImagePositionPatient = [0, 0, number]
    group.FrameContentSequence, group.PlanePositionSequence = [content], [position]
    return group


def _tiled(path: Path, rows: int, columns: int) -> NDArray[Any]:
    """Return real pixels, repeated or cut to this size."""
    real = pydicom.dcmread(path).pixel_array
    real = real[0] if real.ndim == 4 else real
    wanted = ((0, max(0, rows - real.shape[0])), (0, max(0, columns - real.shape[1])))
    padded = np.pad(real, (*wanted, *((0, 0),) * (real.ndim - 2)), mode="symmetric")
    return padded[:rows, :columns]


def _write(path: Path, ds: FileDataset, frames: list[NDArray[Any]], number: int) -> None:
    """Write a data set and its native pixel data behind it."""
    header = io.BytesIO()
    ds.save_as(header, enforce_file_format=True)
    bodies = [frame.tobytes() for frame in frames]
    length = number * len(bodies[0])
    vr = b"OW" if ds.BitsAllocated > 8 else b"OB"
    with path.open("wb") as file:
        file.write(header.getvalue())
        file.write(pack("<HH2sHL", 0x7FE0, 0x0010, vr, 0, length))
        file.writelines(bodies[index % len(bodies)] for index in range(number))
