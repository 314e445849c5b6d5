"""A DICOM file on disk: is it one, does it hold a picture, and its frames one at a time (PS3.10)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.errors import InvalidDicomError
from pydicom.pixels import iter_pixels  # type: ignore[attr-defined]
from pydicom.uid import (
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from common.dicom import fast_decoders
from common.errors import PermanentError

_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
_UNDEFINED_LENGTH = 0xFFFFFFFF
_SMALL_FILE_BYTES = 32 * 1024 * 1024
_UID = re.compile(r"[0-9][0-9.]{0,63}")
# SOP classes of PS3.6 whose objects hold pixels, by their names.
_IMAGE_CLASS = re.compile(
    r"\bImage\b|(?<!Surface )Segmentation|RT Dose|\bMap\b(?!ping)|Volume (Storage|Analysis)"
)
fast_decoders.register()
# Where pydicom's first choice is slow, or fails on signed data of fewer bits than allocated (gdcm).
_PLUGINS = {
    RLELossless: fast_decoders.PLUGIN,
    JPEGLossless: fast_decoders.PLUGIN,
    JPEGLosslessSV1: fast_decoders.PLUGIN,
    JPEG2000Lossless: "pylibjpeg",
    JPEG2000: "pylibjpeg",
    JPEGLSLossless: "pyjpegls",
    JPEGLSNearLossless: "pyjpegls",
}
_SEQUENCE_DELIMITER = b"\xfe\xff\xdd\xe0"
_ASK_SENDER = "Ask for the file to be sent again, then replay it."


@dataclass(frozen=True)
class Limits:
    """What a file may ask for before anything of it is decoded."""

    max_pixels_per_frame: int = 100_000_000
    max_frames: int = 10_000


class NoPictureError(Exception):
    """A good DICOM object that holds no picture, such as a report or a presentation state."""


@dataclass(frozen=True)
class ImageFile:
    """A readable DICOM image; its pixels are still encoded."""

    path: Path
    ds: FileDataset
    number_of_frames: int

    def frames(self) -> Iterator[NDArray[Any]]:
        """Decode the frames in order, one in memory at a time.

        Yields arrays of shape (rows, columns) or (rows, columns, samples), of the stored
        dtype, with YBR converted to RGB. Raises PermanentError if a frame can't be decoded.
        """
        count = 0
        # A small file is in memory already, and a second reading would cost more than its pixels;
        # of a large one frames are read one at a time. A deflated one has to be inflated whole.
        is_deflated = self.ds.file_meta.TransferSyntaxUID == DeflatedExplicitVRLittleEndian
        is_small = self.path.stat().st_size <= _SMALL_FILE_BYTES
        source = self.ds if is_deflated or is_small else self.path
        with _decoding(self.ds):
            plugin = _PLUGINS.get(self.ds.file_meta.TransferSyntaxUID, "")
            for frame in iter_pixels(source, decoding_plugin=plugin):
                count += 1
                yield frame
        if count != self.number_of_frames:
            raise PermanentError(
                f"The file declares {self.number_of_frames} frames but holds {count}.", _ASK_SENDER
            )


def read_image_file(path: Path, limits: Limits) -> ImageFile:
    """Read the header of a DICOM file and check that its pixels can be decoded in principle.

    Raises PermanentError with a cause a person understands, or NoPictureError for a DICOM
    object that is no image.
    """
    if path.stat().st_size == 0:
        raise PermanentError("The file is empty (0 bytes).", _ASK_SENDER)
    ds = _read(path)
    if not any(keyword in ds for keyword in _PIXEL_KEYWORDS):
        raise _no_pixels(ds, size=path.stat().st_size)
    return ImageFile(path, ds, _checked_frames(ds, limits))


def _no_pixels(ds: FileDataset, *, size: int) -> Exception:
    """Whether an object without pixels is whole and no image, or an image that lost them."""
    uid = UID(str(ds.get("SOPClassUID") or ds.file_meta.get("MediaStorageSOPClassUID") or ""))
    if not uid.is_valid or uid.name == uid:
        return PermanentError("No pixel data, and the SOP class is not one of PS3.6.", _ASK_SENDER)
    if "Rows" in ds or _IMAGE_CLASS.search(uid.name):
        return PermanentError(
            f"The pixel data of this {uid.name} object is missing; the file is truncated.", _ASK_SENDER
        )
    if not _ends_with_last_element(ds, size):
        return PermanentError(f"The file of this {uid.name} object is truncated.", _ASK_SENDER)
    return NoPictureError(f"No picture in it: {uid.name}.")


def _ends_with_last_element(ds: FileDataset, size: int) -> bool:
    """Whether the last element's value ends where the file ends; the reader itself does not look."""
    if ds.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian or not len(ds):
        return len(ds) > 0
    last = ds.get_item(max(ds.keys()))
    if not isinstance(last, RawDataElement) or last.length == _UNDEFINED_LENGTH:
        return True  # a sequence, whose items the reader has followed to their delimiters
    return last.value_tell + last.length == size


def _read(path: Path) -> FileDataset:
    try:
        return pydicom.dcmread(path)
    except InvalidDicomError:
        raise PermanentError(
            "Not a DICOM file: the prefix 'DICM' is missing (PS3.10 section 7.1).",
            "Take it out of the folder, or convert it to DICOM.",
        ) from None
    except RecursionError:
        raise PermanentError("The file nests sequences too deeply.", _ASK_SENDER) from None
    except Exception as error:  # noqa: BLE001 whatever pydicom raises; its text quotes values
        raise PermanentError(
            f"The file's elements can't be read to the end ({type(error).__name__}); "
            "it is truncated or damaged.",
            _ASK_SENDER,
        ) from None


def _checked_frames(ds: FileDataset, limits: Limits) -> int:
    """The number of frames, after the checks that need no decoding."""
    _check_identity(ds)
    _check_transfer_syntax(ds)
    return _checked_size(ds, limits)


def _check_identity(ds: FileDataset) -> None:
    for keyword in ("SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if not ds.get(keyword):
            raise PermanentError(f"{keyword} is missing (PS3.3 C.12.1).", _ASK_SENDER)
    if not _UID.fullmatch(str(ds.SOPClassUID)):
        raise PermanentError("SOPClassUID is no UID (PS3.5 section 9.1).", _ASK_SENDER)


def _check_transfer_syntax(ds: FileDataset) -> None:
    syntax = ds.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise PermanentError("TransferSyntaxUID is missing (PS3.10 section 7.1).", _ASK_SENDER)
    if not syntax.is_transfer_syntax:
        raise PermanentError(
            "The transfer syntax is unknown to DICOM PS3.6; nothing can decode it.",
            "Ask for the file in a standard transfer syntax.",
        )
    if syntax == JPEGExtended12Bit and int(ds.get("BitsStored") or 0) > 8:
        raise PermanentError(
            f"No decoder for the transfer syntax {syntax.name} with more than 8 bits.",
            "Ask for the file in another transfer syntax.",
        )
    if syntax.is_encapsulated and not _is_closed(ds):
        raise PermanentError(
            "The encapsulated pixel data has no end (PS3.5 A.4); the file is truncated.", _ASK_SENDER
        )


def _checked_size(ds: FileDataset, limits: Limits) -> int:
    """The number of frames, if it and their size are within the limits."""
    try:
        rows, columns = int(ds.Rows), int(ds.Columns)
        frames = int(ds.get("NumberOfFrames") or 1)
    except (AttributeError, TypeError, ValueError):
        raise PermanentError("Rows, Columns or NumberOfFrames is no number.", _ASK_SENDER) from None
    if rows * columns == 0 or frames < 1:
        raise PermanentError("Rows, Columns or NumberOfFrames is zero.", _ASK_SENDER)
    if rows * columns > limits.max_pixels_per_frame:
        raise PermanentError(
            f"A frame has {rows} x {columns} pixels, over DCM2SET_MAX_PIXELS_PER_FRAME "
            f"({limits.max_pixels_per_frame}).",
            "Raise the setting if the file is right, then replay it.",
        )
    if frames > limits.max_frames:
        raise PermanentError(
            f"The file declares {frames} frames, over DCM2SET_MAX_FRAMES ({limits.max_frames}).",
            "Raise the setting if the file is right, then replay it.",
        )
    return frames


def _is_closed(ds: FileDataset) -> bool:
    """Whether encapsulated pixel data ends in a whole item (the reader drops the delimiter)."""
    element = next(ds[keyword] for keyword in _PIXEL_KEYWORDS if keyword in ds)
    data = element.value
    offset = 0
    while offset + 8 <= len(data):
        if data[offset : offset + 4] == _SEQUENCE_DELIMITER:
            return True
        offset += 8 + int.from_bytes(data[offset + 4 : offset + 8], "little")
    return offset == len(data)


@contextmanager
def _decoding(ds: FileDataset) -> Iterator[None]:
    """Turn whatever a decoder raises into a cause without the file's values."""
    try:
        yield
    except PermanentError:
        raise
    except NotImplementedError:
        raise PermanentError(
            f"No decoder for the transfer syntax {ds.file_meta.TransferSyntaxUID.name}.",
            "Ask for the file in another transfer syntax.",
        ) from None
    except (
        ValueError,
        RuntimeError,
        AttributeError,
        TypeError,
        IndexError,
        KeyError,
        EOFError,
        OSError,
    ) as error:
        raise PermanentError(
            f"The pixel data can't be decoded ({type(error).__name__}); it is shorter than "
            "the header says, or damaged.",
            _ASK_SENDER,
        ) from None
