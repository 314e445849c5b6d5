"""Pixel data that may leave raw: the same pixels, without data hidden in and around them.

Files may hold text in bits outside the stored ones (retired overlays, PS3.5 8.1.2), behind the last
pixel, and at any place of a code stream that decoders skip. So native pixels are copied with their
stored bits alone, and no code stream is copied: frames are encoded again without loss, a sequential
JPEG is rebuilt from what its pixels are read from, and anything else is written decoded.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO

from pydicom.uid import UID, ExplicitVRLittleEndian, JPEGBaseline8Bit, JPEGExtended12Bit

from common.errors import PermanentError
from deidentification.pixels.encapsulated_pixels import write_encapsulated
from deidentification.pixels.native_pixels import (
    decoded_length,
    native_length,
    write_decoded,
    write_native,
)
from deidentification.pixels.stored_bits import stored_frame
from deidentification.pixels.streams.jpeg import rebuilt_jpeg
from deidentification.pixels.streams.lossless import LosslessEncoder, lossless_encoder
from deidentification.pixels.streams.unclean_stream import UncleanStreamError
from imaging.frames.image_checks import ASK_SENDER
from imaging.frames.image_file import ImageFile

_MAX_KEPT = 16 * 1024 * 1024  # bytes of rebuilt frames that stay in memory until they are written


@dataclass(frozen=True)
class PixelOutput:
    """How the pixel data of a de-identified file is written."""

    syntax: UID  # the file's transfer syntax
    size: int  # in bytes, approximately
    write: Callable[[BinaryIO], None]  # write the element at a stream's position
    changed: dict[str, Any] = field(default_factory=dict)  # attributes that describe it (PS3.3 C.7.6.3)


def pixel_output(image_file: ImageFile) -> PixelOutput:
    """How to write the pixels of a file, with one frame or chunk in memory at a time.

    Frames decode to the stored values of the original, colours as RGB; blanked pixels are black.
    """
    syntax = UID(image_file.ds.file_meta.TransferSyntaxUID)
    if not image_file.pixels.is_encapsulated:
        # A deflated data set can't be written in chunks.
        output = ExplicitVRLittleEndian if syntax.is_deflated else syntax
        if image_file.blanking is not None:
            return _decoded(image_file, output)
        return PixelOutput(output, native_length(image_file), partial(write_native, image_file, output))
    if image_file.blanking is not None:
        return _decoded(image_file, ExplicitVRLittleEndian)
    if syntax in (JPEGBaseline8Bit, JPEGExtended12Bit):
        return _rebuilt(image_file) or _decoded(image_file, ExplicitVRLittleEndian)
    encoder = lossless_encoder(image_file.ds)
    if encoder is None:
        return _decoded(image_file, ExplicitVRLittleEndian)
    return PixelOutput(
        encoder.syntax,
        decoded_length(image_file),
        partial(_write_encoded, image_file, encoder),
        _description(image_file, encoder.form.photometric),
    )


def _decoded(image_file: ImageFile, syntax: UID) -> PixelOutput:
    changed = _description(image_file, "RGB")
    if int(image_file.ds.BitsAllocated) < 8:
        changed["BitsAllocated"] = 8  # a pixel of one bit is written as a byte
    return PixelOutput(
        syntax, decoded_length(image_file), partial(write_decoded, image_file, syntax), changed
    )


def _description(image_file: ImageFile, colours: str) -> dict[str, Any]:
    """The attributes that change if frames are decoded, by keyword (PS3.3 C.7.6.3)."""
    ds = image_file.ds
    changed: dict[str, Any] = {"HighBit": int(ds.BitsStored) - 1}
    if int(ds.SamplesPerPixel) > 1:
        changed |= {"PhotometricInterpretation": colours, "PlanarConfiguration": 0}
    return changed


def _write_encoded(image_file: ImageFile, encoder: LosslessEncoder, stream: BinaryIO) -> None:
    frames = (_encoded(encoder, stored_frame(frame, image_file.ds)) for frame in image_file.frames())
    write_encapsulated(frames, image_file.number_of_frames, stream, size=decoded_length(image_file))


def _encoded(encoder: LosslessEncoder, values: Any) -> bytes:
    try:
        return encoder(values)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 whatever an encoder raises
        raise PermanentError(
            f"The frames can't be encoded again in {encoder.syntax.name} ({type(error).__name__}).",
            "Ask for the file in another transfer syntax.",
        ) from None


def _rebuilt(image_file: ImageFile) -> PixelOutput | None:
    """The file's JPEG frames rebuilt; None if one of them can't be."""
    kept: list[bytes] = []
    free = _MAX_KEPT
    try:
        for frame in _rebuilt_frames(image_file, first=0):
            free -= len(frame)
            if free >= 0:
                kept.append(frame)
    except UncleanStreamError:
        return None
    return PixelOutput(
        UID(image_file.ds.file_meta.TransferSyntaxUID),
        image_file.pixels.available,
        partial(_write_rebuilt, image_file, kept),
    )


def _write_rebuilt(image_file: ImageFile, kept: list[bytes], stream: BinaryIO) -> None:
    frames, size = _all_rebuilt(image_file, kept), image_file.pixels.available
    write_encapsulated(frames, image_file.number_of_frames, stream, size=size)


def _all_rebuilt(image_file: ImageFile, kept: list[bytes]) -> Iterator[bytes]:
    yield from kept
    if len(kept) < image_file.number_of_frames:
        yield from _rebuilt_frames(image_file, first=len(kept))


def _rebuilt_frames(image_file: ImageFile, *, first: int) -> Iterator[bytes]:
    """The JPEG frames from index `first` on."""
    number, bits = image_file.number_of_frames, int(image_file.ds.BitsStored)
    count = 0
    for index, stream in enumerate(image_file.pixels.frames(image_file.ds, number)):
        count += 1
        if index >= first:
            yield rebuilt_jpeg(stream, bits_stored=bits)
    if count != number:
        raise PermanentError("The pixel data has another number of frames than declared.", ASK_SENDER)
