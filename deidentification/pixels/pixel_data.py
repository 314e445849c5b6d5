"""Writing pixel data that may leave raw: the same pixels, without data hidden around them.

Files may hold text in the bits above the stored ones (retired overlays, PS3.5 8.1.2), behind the
last pixel, and in comment and application segments of compressed streams.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Any, BinaryIO

import numpy as np
from pydicom.dataset import FileDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from imaging.frames.image_file import ImageFile
from imaging.frames.stored_value import stored_value

_JPEG_START = b"\xff\xd8"
_JPEG_2000_START = b"\xff\x4f\xff\x51"
_JPEG_END = b"\xff\xd9"  # EOI and, for JPEG 2000, EOC
_SCAN, _TILE = 0xDA, 0x90
_COMMENT, _COMMENT_2000 = 0xFE, 0x64
_APPLICATION = range(0xE0, 0xF0)
_FLAT_JFIF_LENGTH = 16  # of a JFIF segment without a thumbnail
_INTEGER_BITS = {8: "u1", 16: "u2", 32: "u4"}
_ELEMENTS = {"FloatPixelData": 0x0008, "DoubleFloatPixelData": 0x0009, "PixelData": 0x0010}
_ITEM, _SEQUENCE_DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_LONG = Struct("<L")
_UNDEFINED_LENGTH = 0xFFFFFFFF
_CHUNK = 256 * 1024  # bytes; a multiple of every integer size


def write_pixel_data(image_file: ImageFile, stream: BinaryIO) -> None:
    """Write the pixel data element at a stream's position, without hidden data.

    It is written in the transfer syntax of `output_transfer_syntax`, with one frame or chunk in
    memory at a time. Its frames decode to the stored values of the original, except that blanked
    pixels are black.
    """
    if image_file.blanking is not None:
        _write_frames(image_file, stream)
    elif image_file.pixels.is_encapsulated:
        _write_encapsulated(image_file, stream)
    else:
        _write_native(image_file, stream)


def output_transfer_syntax(image_file: ImageFile) -> UID:
    """The transfer syntax of the de-identified file.

    It is that of the original, or explicit VR little endian in two cases: a deflated data set can't
    be written in chunks, and blanked frames of an encapsulated file are written decoded.
    """
    syntax = UID(image_file.ds.file_meta.TransferSyntaxUID)
    is_decoded = syntax.is_encapsulated and image_file.blanking is not None
    return ExplicitVRLittleEndian if is_decoded or syntax.is_deflated else syntax


def approximate_pixel_data_size(image_file: ImageFile) -> int:
    """The approximate number of bytes that `write_pixel_data` writes."""
    return image_file.pixels.available if image_file.blanking is None else _decoded_length(image_file)


def decoded_frame_elements(image_file: ImageFile) -> dict[str, Any]:
    """The elements to change if frames are written decoded, by keyword (PS3.3 C.7.6.3)."""
    ds = image_file.ds
    if int(ds.SamplesPerPixel) == 1:
        return {"HighBit": int(ds.BitsStored) - 1}
    return {"PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "HighBit": int(ds.BitsStored) - 1}


def _write_frames(image_file: ImageFile, stream: BinaryIO) -> None:
    """Every frame decoded, with only the stored bits."""
    ds, stored = image_file.ds, stored_value(image_file.ds)
    syntax = output_transfer_syntax(image_file)
    order = "<" if syntax.is_little_endian else ">"
    allocated, length = int(ds.BitsAllocated) // 8, _decoded_length(image_file)
    # OB for single bytes, so that they are not swapped in a big endian file.
    _write_header(stream, syntax, _ELEMENTS["PixelData"], "OB" if allocated == 1 else "OW", length)
    for frame in image_file.frames():
        values = stored.values(frame) if frame.ndim == 2 else frame
        stream.write(values.astype(f"{order}{values.dtype.kind}{allocated}").tobytes())
    stream.write(b"\0" * (length % 2))


def _decoded_length(image_file: ImageFile) -> int:
    ds = image_file.ds
    samples = int(ds.Rows) * int(ds.Columns) * int(ds.SamplesPerPixel) * image_file.number_of_frames
    return samples * int(ds.BitsAllocated) // 8


def _write_header(stream: BinaryIO, syntax: UID, element: int, vr: str, length: int) -> None:
    """Tag, VR and length of a native pixel data element (PS3.5 7.1)."""
    order = "<" if syntax.is_little_endian else ">"
    stream.write(Struct(f"{order}HH").pack(0x7FE0, element))
    if not syntax.is_implicit_VR:
        stream.write(vr.encode() + b"\0\0")
    stream.write(Struct(f"{order}L").pack(length + length % 2))


def _write_native(image_file: ImageFile, stream: BinaryIO) -> None:
    ds, pixels = image_file.ds, image_file.pixels
    syntax = ds.file_meta.TransferSyntaxUID
    length = _native_length(image_file)
    vr = "OW" if pixels.vr == "UN" else pixels.vr
    _write_header(stream, syntax, _ELEMENTS[pixels.keyword], vr, length)
    if length % 2 and not syntax.is_little_endian:
        length += 1  # in big endian words the last pixel comes after the padding
    has_unused_bits = pixels.keyword == "PixelData" and int(ds.BitsStored) < int(ds.BitsAllocated)
    is_cleared = has_unused_bits and int(ds.BitsAllocated) in _INTEGER_BITS
    chunks = pixels.native(length, chunk=_CHUNK)
    stream.writelines(_stored_bits_only(ds, chunk) if is_cleared else chunk for chunk in chunks)
    stream.write(b"\0" * (length % 2))  # PS3.5 7.1.1: values have an even length


def _native_length(image_file: ImageFile) -> int:
    """The length of the pixels in bytes, without padding."""
    ds = image_file.ds
    is_422 = str(ds.PhotometricInterpretation).endswith("_422")
    samples = 2 if is_422 else int(ds.SamplesPerPixel)
    pixels = int(ds.Rows) * int(ds.Columns) * image_file.number_of_frames
    return (pixels * samples * int(ds.BitsAllocated) + 7) // 8


def _write_encapsulated(image_file: ImageFile, stream: BinaryIO) -> None:
    """One fragment per frame, behind a basic offset table (PS3.5 A.4)."""
    number = image_file.number_of_frames
    is_indexed = image_file.pixels.available < _UNDEFINED_LENGTH  # larger offsets don't fit 32 bits
    stream.write(b"\xe0\x7f\x10\x00OB\0\0" + _LONG.pack(_UNDEFINED_LENGTH))
    stream.write(_ITEM + _LONG.pack(4 * number if is_indexed else 0))
    table = stream.tell()
    stream.write(bytes(4 * number if is_indexed else 0))
    first, offsets = stream.tell(), []
    for code_stream in image_file.pixels.frames(image_file.ds, number):
        offsets.append(stream.tell() - first)
        clean = _clean_stream(code_stream)
        stream.write(_ITEM + _LONG.pack(len(clean)) + clean)
    stream.write(_SEQUENCE_DELIMITER + _LONG.pack(0))
    if is_indexed:
        end = stream.tell()
        stream.seek(table)
        stream.write(b"".join(_LONG.pack(offset) for offset in offsets[:number]))
        stream.seek(end)


def _stored_bits_only(ds: FileDataset, pixels: bytes) -> bytes:
    """Clear the bits below the stored ones; extend the sign into those above, or clear them (PS3.5 8.1.1)."""
    order = "<" if ds.file_meta.TransferSyntaxUID.is_little_endian else ">"
    kind = "i" if int(ds.get("PixelRepresentation") or 0) else "u"
    allocated, high = int(ds.BitsAllocated), int(ds.HighBit)
    above, below = allocated - 1 - high, high + 1 - int(ds.BitsStored)
    unsigned = _INTEGER_BITS[allocated]
    values = np.frombuffer(pixels, order + unsigned).astype(unsigned)
    shifted = (values << above).view(unsigned.replace("u", kind)) >> (above + below) << below
    return shifted.astype(order + unsigned.replace("u", kind)).tobytes()


def _clean_stream(stream: bytes) -> bytes:
    """A frame's code stream without comments; a stream of another codec than JPEG's is only padded."""
    start = stream.find(_JPEG_2000_START)
    if start >= 0 and not stream.startswith(_JPEG_START):
        # Only the code stream belongs here, not the boxes of a JPEG 2000 file around it (PS3.5 8.2.4).
        return _without_segments(stream[start:], last=_TILE)
    if stream.startswith(_JPEG_START):
        return _without_segments(stream, last=_SCAN)
    return stream + b"\0" * (len(stream) % 2)


def _without_segments(stream: bytes, *, last: int) -> bytes:
    """Remove comment and application segments before the first scan or tile, and bytes behind the end."""
    end = stream.rfind(_JPEG_END)
    body = stream[: end + 2] if end >= 0 else stream
    kept = b"".join(segment for marker, segment in _segments(body, last) if _is_needed(marker, segment))
    clean = body[:2] + kept
    return clean + b"\0" * (len(clean) % 2)


def _segments(stream: bytes, last: int) -> Iterator[tuple[int, bytes]]:
    """Marker and bytes of each segment of the header; then the rest, from marker `last` on, as one."""
    offset = 2
    while offset + 4 <= len(stream) and stream[offset] == 0xFF and stream[offset + 1] != last:
        length = 2 + int.from_bytes(stream[offset + 2 : offset + 4], "big")
        yield stream[offset + 1], stream[offset : offset + length]
        offset += length
    yield last, stream[offset:]


def _is_needed(marker: int, segment: bytes) -> bool:
    """Whether a segment stays: application segments only if decoders read the colour transform in them."""
    if marker in {_COMMENT, _COMMENT_2000}:
        return False
    if marker not in _APPLICATION:
        return True
    name = segment[4:9]
    if name == b"JFIF\0":
        return len(segment) == 2 + _FLAT_JFIF_LENGTH
    return name == b"Adobe" or name[:4] == b"mrfx"
