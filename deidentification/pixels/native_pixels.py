"""Native pixel data elements: copied with the stored bits alone, or of decoded frames (PS3.5 8)."""

from struct import Struct
from typing import BinaryIO

from pydicom.uid import UID

from common.errors import PermanentError
from deidentification.pixels.stored_bits import stored_frame, without_unused_bits
from imaging.frames.image_checks import ASK_SENDER
from imaging.frames.image_file import ImageFile

_INTEGER_BITS = frozenset([8, 16, 32, 64])
_ELEMENTS = {"FloatPixelData": 0x0008, "DoubleFloatPixelData": 0x0009, "PixelData": 0x0010}
_CHUNK = 256 * 1024  # bytes; a multiple of every integer size


def write_native(image_file: ImageFile, syntax: UID, stream: BinaryIO) -> None:
    """Copy native pixel data up to its last pixel."""
    ds, pixels = image_file.ds, image_file.pixels
    length, allocated = native_length(image_file), int(ds.BitsAllocated)
    vr = "OW" if pixels.vr == "UN" else pixels.vr
    _write_header(stream, syntax, _ELEMENTS[pixels.keyword], vr, length)
    if length % 2 and not ds.file_meta.TransferSyntaxUID.is_little_endian:
        length += 1  # in big endian words the last pixel comes after the padding
    chunks = pixels.native(length, chunk=_CHUNK)
    has_unused_bits = pixels.keyword == "PixelData" and int(ds.BitsStored) < allocated
    if has_unused_bits:
        if allocated not in _INTEGER_BITS:
            raise PermanentError("BitsAllocated is not 1, 8, 16, 32 or 64 (PS3.5 8.1.1).", ASK_SENDER)
        order = "<" if ds.file_meta.TransferSyntaxUID.is_little_endian else ">"
        dtype = f"{order}u{allocated // 8}"
        stream.writelines(without_unused_bits(chunk, ds, dtype=dtype) for chunk in chunks)
    else:
        stream.writelines(chunks)
    stream.write(b"\0" * (length % 2))  # PS3.5 7.1.1: values have an even length


def write_decoded(image_file: ImageFile, syntax: UID, stream: BinaryIO) -> None:
    """Write every frame decoded and blanked, with the stored bits alone."""
    length = decoded_length(image_file)
    # OB for single bytes, so that they are not swapped in a big endian file.
    vr = "OB" if int(image_file.ds.BitsAllocated) <= 8 else "OW"
    _write_header(stream, syntax, _ELEMENTS["PixelData"], vr, length)
    for frame in image_file.frames():
        values = stored_frame(frame, image_file.ds)
        ordered = values.dtype.newbyteorder("<" if syntax.is_little_endian else ">")
        stream.write(values.astype(ordered, copy=False).tobytes())
    stream.write(b"\0" * (length % 2))


def native_length(image_file: ImageFile) -> int:
    """The length of native pixels in bytes, without padding."""
    ds = image_file.ds
    is_422 = str(ds.PhotometricInterpretation).endswith("_422")
    samples = 2 if is_422 else int(ds.SamplesPerPixel)
    pixels = int(ds.Rows) * int(ds.Columns) * image_file.number_of_frames
    return (pixels * samples * int(ds.BitsAllocated) + 7) // 8


def decoded_length(image_file: ImageFile) -> int:
    """The length of decoded frames in bytes, without padding."""
    ds = image_file.ds
    samples = int(ds.Rows) * int(ds.Columns) * int(ds.SamplesPerPixel) * image_file.number_of_frames
    return samples * max(int(ds.BitsAllocated) // 8, 1)


def _write_header(stream: BinaryIO, syntax: UID, element: int, vr: str, length: int) -> None:
    """Tag, VR and length of a native pixel data element (PS3.5 7.1)."""
    order = "<" if syntax.is_little_endian else ">"
    stream.write(Struct(f"{order}HH").pack(0x7FE0, element))
    if not syntax.is_implicit_VR:
        stream.write(vr.encode() + b"\0\0")
    stream.write(Struct(f"{order}L").pack(length + length % 2))
