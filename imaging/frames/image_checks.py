"""Checks, before anything is decoded, that a DICOM object is an image that can be drawn."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager

from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from common.errors import NoPictureError, PermanentError, PipelineError
from imaging.dataset.element_value import element_value
from imaging.frames.encoded_pixels import EncodedPixels
from imaging.frames.transfer_syntax import DECODED_AS_RGB
from imaging.options import Limits

ASK_SENDER = "Ask for the file to be sent again, then replay it."
_UNDEFINED_LENGTH = 0xFFFFFFFF
_UID = re.compile(r"[0-9][0-9.]{0,63}")
# The names in PS3.6 of SOP classes whose objects hold pixels.
_IMAGE_CLASS = re.compile(
    r"\bImage\b|(?<!Surface )Segmentation|RT Dose|\bMap\b(?!ping)|Volume (Storage|Analysis)"
)
_ALLOCATED = {"PixelData": (1, 8, 16, 32, 64), "FloatPixelData": (32,), "DoubleFloatPixelData": (64,)}
_YBR_OF_BYTES = frozenset(["YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_422"])
_SAMPLES_PER_PIXEL = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_PARTIAL_422": 3,
    "YBR_ICT": 3,
    "YBR_RCT": 3,
    "XYB": 3,
}


@contextmanager
def reading_elements() -> Iterator[None]:
    """Turn whatever pydicom raises for an element into PermanentError, without pydicom's text.

    pydicom's messages quote element values. It decodes a value at its first use, so such errors
    come not only from reading the file.
    """
    try:
        yield
    except (PipelineError, NoPictureError, MemoryError):
        raise
    except OSError as error:
        if error.errno is not None:  # an error of the disk, not of the file
            raise
        raise PermanentError("The file's elements can't be read to the end.", ASK_SENDER) from None
    except RecursionError:
        raise PermanentError("The file nests sequences too deeply.", ASK_SENDER) from None
    except Exception as error:  # noqa: BLE001 whatever pydicom raises
        raise PermanentError(
            f"The file's elements can't be read to the end ({type(error).__name__}); "
            "it is truncated or damaged.",
            ASK_SENDER,
        ) from None


def missing_pixels_error(ds: FileDataset, *, size: int) -> Exception:
    """The error for an object without pixel data.

    NoPictureError if the object is complete and not an image, else PermanentError. `size` is the
    file's, in bytes.
    """
    uid = UID(str(ds.get("SOPClassUID") or ds.file_meta.get("MediaStorageSOPClassUID") or ""))
    if not uid.is_valid or uid.name == uid:
        return PermanentError("The file has no pixel data and its SOP class is not one of PS3.6.", ASK_SENDER)
    if "Rows" in ds or _IMAGE_CLASS.search(uid.name):
        return PermanentError(
            f"The pixel data of this {uid.name} object is missing; the file is truncated.", ASK_SENDER
        )
    if not _ends_with_last_element(ds, size):
        return PermanentError(f"The file of this {uid.name} object is truncated.", ASK_SENDER)
    return NoPictureError(f"The file holds no picture: {uid.name}.")


def _ends_with_last_element(ds: FileDataset, size: int) -> bool:
    """Whether the last element's value ends where the file ends; pydicom does not check it."""
    if ds.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian or not len(ds):
        return len(ds) > 0
    last = ds.get_item(max(ds.keys()))
    if not isinstance(last, RawDataElement) or last.length == _UNDEFINED_LENGTH:
        return True  # a sequence, whose items pydicom has read up to their delimiters
    return last.value_tell + last.length == size


def check_image(ds: FileDataset, pixels: EncodedPixels, limits: Limits) -> int:
    """The number of frames of an image that passes the checks; PermanentError says why another doesn't."""
    _check_identity(ds)
    _check_transfer_syntax(ds, pixels)
    number_of_frames = _checked_size(ds, limits)
    _check_description(ds, pixels)
    _check_length(ds, pixels, number_of_frames)
    if pixels.is_encapsulated:
        pixels.fragments(ds, number_of_frames)
    return number_of_frames


def _check_identity(ds: FileDataset) -> None:
    for keyword in ("SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if not element_value(ds, keyword):
            raise PermanentError(f"{keyword} is missing (PS3.3 C.12.1).", ASK_SENDER)
    if not _UID.fullmatch(str(element_value(ds, "SOPClassUID"))):
        raise PermanentError("SOPClassUID is not a valid UID (PS3.5 section 9.1).", ASK_SENDER)


def _check_transfer_syntax(ds: FileDataset, pixels: EncodedPixels) -> None:
    syntax = ds.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise PermanentError("TransferSyntaxUID is missing (PS3.10 section 7.1).", ASK_SENDER)
    if not syntax.is_transfer_syntax:
        raise PermanentError(
            "The transfer syntax is not one of PS3.6, so it can't be decoded.",
            "Ask for the file in a standard transfer syntax.",
        )
    if syntax.is_encapsulated != pixels.is_encapsulated:
        raise PermanentError(
            f"The pixel data is not laid out as the transfer syntax {syntax.name} requires (PS3.5 A.4).",
            ASK_SENDER,
        )
    if syntax.is_encapsulated and pixels.items is None:
        raise PermanentError(
            "The encapsulated pixel data is incomplete (PS3.5 A.4); the file is truncated.", ASK_SENDER
        )


def _checked_size(ds: FileDataset, limits: Limits) -> int:
    """The number of frames; PermanentError if it or the size of a frame exceeds the limits."""
    try:
        rows, columns = int(element_value(ds, "Rows")), int(element_value(ds, "Columns"))
        frames = int(element_value(ds, "NumberOfFrames") or 1)
    except (TypeError, ValueError):
        raise PermanentError("Rows, Columns or NumberOfFrames is not a number.", ASK_SENDER) from None
    if rows * columns == 0 or frames < 1:
        raise PermanentError("Rows, Columns or NumberOfFrames is zero.", ASK_SENDER)
    if rows * columns > limits.max_pixels_per_frame:
        raise PermanentError(
            f"A frame has {rows} x {columns} pixels, more than DCM2SET_MAX_PIXELS_PER_FRAME "
            f"({limits.max_pixels_per_frame}).",
            "Raise the setting if the file is right, then replay it.",
        )
    if frames > limits.max_frames:
        raise PermanentError(
            f"The file declares {frames} frames, more than DCM2SET_MAX_FRAMES ({limits.max_frames}).",
            "Raise the setting if the file is right, then replay it.",
        )
    return frames


def _check_description(ds: FileDataset, pixels: EncodedPixels) -> None:
    """Check that the Image Pixel module has what the picture recipe needs (PS3.3 C.7.6.3)."""
    expected = _SAMPLES_PER_PIXEL.get(str(element_value(ds, "PhotometricInterpretation") or ""))
    if expected is None:
        raise PermanentError(
            "PhotometricInterpretation is missing or not one of PS3.3 C.7.6.3.1.2.", ASK_SENDER
        )
    needed = {"SamplesPerPixel", "BitsAllocated"}
    if pixels.keyword == "PixelData":
        needed |= {"BitsStored", "PixelRepresentation"}
    for keyword in sorted(needed):
        if not isinstance(element_value(ds, keyword), int):
            raise PermanentError(f"{keyword} is missing or not a number (PS3.3 C.7.6.3).", ASK_SENDER)
    if element_value(ds, "SamplesPerPixel") != expected:
        raise PermanentError(
            "SamplesPerPixel does not fit the PhotometricInterpretation (PS3.3 C.7.6.3.1.1).", ASK_SENDER
        )
    _check_bits(ds, pixels)


def _check_bits(ds: FileDataset, pixels: EncodedPixels) -> None:
    """Check the bits of a pixel (PS3.5 8.1.1, 8.2; PS3.3 C.7.6.3)."""
    allocated, stored = element_value(ds, "BitsAllocated"), element_value(ds, "BitsStored")
    sizes = _ALLOCATED[pixels.keyword]
    if allocated not in sizes:
        *others, last = map(str, sizes)
        several = f"{', '.join(others)} or {last}" if others else last
        raise PermanentError(f"BitsAllocated is not {several} (PS3.5 8.1.1).", ASK_SENDER)
    if pixels.keyword != "PixelData":
        return
    if not 1 <= stored <= allocated:
        raise PermanentError("BitsStored is not between 1 and BitsAllocated (PS3.3 C.7.6.3).", ASK_SENDER)
    if element_value(ds, "PixelRepresentation") not in (0, 1):
        raise PermanentError("PixelRepresentation is not 0 or 1 (PS3.3 C.7.6.3).", ASK_SENDER)
    photometric = str(element_value(ds, "PhotometricInterpretation"))
    is_ours = ds.file_meta.TransferSyntaxUID in DECODED_AS_RGB
    if photometric in _YBR_OF_BYTES and allocated != 8 and not is_ours:
        raise PermanentError(
            f"BitsAllocated is not 8, as {photometric} needs (PS3.3 C.7.6.3.1.2).", ASK_SENDER
        )
    # In 422 the samples of two pixels always lie together (C.7.6.3.1.3).
    is_422 = photometric.endswith("_422")
    may_be_planes = element_value(ds, "SamplesPerPixel") > 1 and not pixels.is_encapsulated and not is_422
    if may_be_planes and element_value(ds, "PlanarConfiguration") not in (0, 1):
        raise PermanentError("PlanarConfiguration is missing or not 0 or 1 (PS3.3 C.7.6.3.1.3).", ASK_SENDER)


def _check_length(ds: FileDataset, pixels: EncodedPixels, number_of_frames: int) -> None:
    """Check that native pixel data is as long as the header says, not a frame shorter or longer."""
    if pixels.is_encapsulated:
        return
    is_422 = str(element_value(ds, "PhotometricInterpretation")).endswith("_422")
    # In 422, two pixels share their chrominance.
    samples = 2 if is_422 else element_value(ds, "SamplesPerPixel")
    pixels_of_frame = element_value(ds, "Rows") * element_value(ds, "Columns")
    frame = pixels_of_frame * samples * element_value(ds, "BitsAllocated")
    expected = math.ceil(frame * number_of_frames / 8)
    if pixels.available < expected:
        raise PermanentError(
            f"The pixel data is shorter than the header says: {pixels.available} of {expected} bytes by "
            "Rows, Columns, BitsAllocated and NumberOfFrames.",
            ASK_SENDER,
        )
    if is_422 and pixels.available >= expected // 2 * 3:
        raise PermanentError(
            "The pixel data has the chrominance of every pixel, but PhotometricInterpretation is a 422.",
            ASK_SENDER,
        )
    padding = expected % 2
    if (pixels.available - padding) * 8 >= frame * (number_of_frames + 1) and frame >= 8:
        raise PermanentError(
            f"NumberOfFrames is {number_of_frames}, but the pixel data has room for more frames of "
            "Rows x Columns.",
            ASK_SENDER,
        )
