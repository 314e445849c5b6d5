"""Whether a DICOM object is an image that can be drawn: checks before anything is decoded."""

import math
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from common.errors import UNKNOWN, PermanentError, PipelineError
from imaging.dataset.element_value import element_value
from imaging.frames.encoded_pixels import EncodedPixels

ASK_SENDER = "Ask for the file to be sent again, then replay it."
_UNDEFINED_LENGTH = 0xFFFFFFFF
_UID = re.compile(r"[0-9][0-9.]{0,63}")
# SOP classes of PS3.6 whose objects hold pixels, by their names.
_IMAGE_CLASS = re.compile(
    r"\bImage\b|(?<!Surface )Segmentation|RT Dose|\bMap\b(?!ping)|Volume (Storage|Analysis)"
)
_SAMPLES = {
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


@dataclass(frozen=True)
class Limits:
    """What a file may ask for before anything of it is decoded."""

    max_pixels_per_frame: int = 50_000_000
    max_frames: int = 10_000


class NoPictureError(Exception):
    """A good DICOM object that holds no picture, such as a report or a presentation state."""

    subject = UNKNOWN


@contextmanager
def reading_elements() -> Iterator[None]:
    """Turn whatever pydicom raises at an element into a cause; its texts quote values.

    Values are decoded when they are first asked for, so reading a file is not the only place.
    """
    try:
        yield
    except (PipelineError, NoPictureError, MemoryError):
        raise
    except OSError as error:
        if error.errno is not None:  # the disk's fault, not the file's
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


def no_pixels(ds: FileDataset, *, size: int) -> Exception:
    """Whether an object without pixels is whole and no image, or an image that lost them."""
    uid = UID(str(ds.get("SOPClassUID") or ds.file_meta.get("MediaStorageSOPClassUID") or ""))
    if not uid.is_valid or uid.name == uid:
        return PermanentError("No pixel data, and the SOP class is not one of PS3.6.", ASK_SENDER)
    if "Rows" in ds or _IMAGE_CLASS.search(uid.name):
        return PermanentError(
            f"The pixel data of this {uid.name} object is missing; the file is truncated.", ASK_SENDER
        )
    if not _ends_with_last_element(ds, size):
        return PermanentError(f"The file of this {uid.name} object is truncated.", ASK_SENDER)
    return NoPictureError(f"No picture in it: {uid.name}.")


def _ends_with_last_element(ds: FileDataset, size: int) -> bool:
    """Whether the last element's value ends where the file ends; the reader itself does not look."""
    if ds.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian or not len(ds):
        return len(ds) > 0
    last = ds.get_item(max(ds.keys()))
    if not isinstance(last, RawDataElement) or last.length == _UNDEFINED_LENGTH:
        return True  # a sequence, whose items the reader has followed to their delimiters
    return last.value_tell + last.length == size


def check_image(ds: FileDataset, pixels: EncodedPixels, limits: Limits) -> int:
    """The number of frames of an image that could be decoded; PermanentError with the cause for any other."""
    _check_identity(ds)
    _check_transfer_syntax(ds, pixels)
    number_of_frames = _checked_size(ds, limits)
    _check_description(ds, pixels)
    _check_length(ds, pixels, number_of_frames)
    return number_of_frames


def _check_identity(ds: FileDataset) -> None:
    for keyword in ("SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID"):
        if not element_value(ds, keyword):
            raise PermanentError(f"{keyword} is missing (PS3.3 C.12.1).", ASK_SENDER)
    if not _UID.fullmatch(str(element_value(ds, "SOPClassUID"))):
        raise PermanentError("SOPClassUID is no UID (PS3.5 section 9.1).", ASK_SENDER)


def _check_transfer_syntax(ds: FileDataset, pixels: EncodedPixels) -> None:
    syntax = ds.file_meta.get("TransferSyntaxUID")
    if syntax is None:
        raise PermanentError("TransferSyntaxUID is missing (PS3.10 section 7.1).", ASK_SENDER)
    if not syntax.is_transfer_syntax:
        raise PermanentError(
            "The transfer syntax is unknown to DICOM PS3.6; nothing can decode it.",
            "Ask for the file in a standard transfer syntax.",
        )
    if syntax.is_encapsulated != pixels.is_encapsulated:
        raise PermanentError(
            f"The pixel data is not laid out as the transfer syntax {syntax.name} asks (PS3.5 A.4).",
            ASK_SENDER,
        )
    if syntax.is_encapsulated and not pixels.is_closed():
        raise PermanentError(
            "The encapsulated pixel data has no end (PS3.5 A.4); the file is truncated.", ASK_SENDER
        )


def _checked_size(ds: FileDataset, limits: Limits) -> int:
    """The number of frames, if it and their size are within the limits."""
    try:
        rows, columns = int(element_value(ds, "Rows")), int(element_value(ds, "Columns"))
        frames = int(element_value(ds, "NumberOfFrames") or 1)
    except (TypeError, ValueError):
        raise PermanentError("Rows, Columns or NumberOfFrames is no number.", ASK_SENDER) from None
    if rows * columns == 0 or frames < 1:
        raise PermanentError("Rows, Columns or NumberOfFrames is zero.", ASK_SENDER)
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


def _check_description(ds: FileDataset, pixels: EncodedPixels) -> None:
    """Whether the Image Pixel module says what the recipe has to know (PS3.3 C.7.6.3)."""
    expected = _SAMPLES.get(str(element_value(ds, "PhotometricInterpretation") or ""))
    if expected is None:
        raise PermanentError(
            "PhotometricInterpretation is missing, or none of those of PS3.3 C.7.6.3.1.2.", ASK_SENDER
        )
    needed = {"SamplesPerPixel", "BitsAllocated"}
    if pixels.keyword == "PixelData":
        needed |= {"BitsStored", "PixelRepresentation"}
    for keyword in sorted(needed):
        if not isinstance(element_value(ds, keyword), int):
            raise PermanentError(f"{keyword} is missing or no number (PS3.3 C.7.6.3).", ASK_SENDER)
    if element_value(ds, "SamplesPerPixel") != expected:
        raise PermanentError(
            "SamplesPerPixel does not fit the PhotometricInterpretation (PS3.3 C.7.6.3.1.1).", ASK_SENDER
        )


def _check_length(ds: FileDataset, pixels: EncodedPixels, number_of_frames: int) -> None:
    """Whether native pixel data is as long as the header says, for not one frame more or less."""
    if pixels.is_encapsulated:
        return
    is_422 = str(element_value(ds, "PhotometricInterpretation")).endswith("_422")
    # Every second pixel of 422 has the colours of two.
    samples = 2 if is_422 else element_value(ds, "SamplesPerPixel")
    pixels_of_frame = element_value(ds, "Rows") * element_value(ds, "Columns")
    frame = pixels_of_frame * samples * element_value(ds, "BitsAllocated")
    expected = math.ceil(frame * number_of_frames / 8)
    if pixels.available < expected:
        raise PermanentError(
            f"The pixel data is shorter than the header says ({pixels.available} of {expected} bytes).",
            ASK_SENDER,
        )
    if is_422 and pixels.available >= expected // 2 * 3:
        raise PermanentError(
            "The pixel data is of all colours, but PhotometricInterpretation says every second (422).",
            ASK_SENDER,
        )
    if pixels.available * 8 >= frame * (number_of_frames + 1) and frame >= 8:
        raise PermanentError(
            f"The file declares {number_of_frames} frames but its pixel data has room for more.", ASK_SENDER
        )
