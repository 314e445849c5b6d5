"""Pixel data as it may leave raw: the same pixels, without what can be hidden around them.

Text has been found in bits above the stored ones (overlays as they were before they retired,
PS3.5 8.1.2), behind the last pixel, and in comment and application segments of compressed streams.
"""

from collections.abc import Iterator

import numpy as np
from pydicom.dataelem import DataElement
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, generate_frames

_JPEG_START = b"\xff\xd8"
_JPEG_2000_START = b"\xff\x4f\xff\x51"
_JPEG_END = b"\xff\xd9"  # EOI and, for JPEG 2000, EOC
_SCAN, _TILE = 0xDA, 0x90
_COMMENT, _COMMENT_2000 = 0xFE, 0x64
_APPLICATION = range(0xE0, 0xF0)
_FLAT_JFIF_LENGTH = 16  # without a thumbnail
_INTEGER_BITS = {8: "u1", 16: "u2", 32: "u4"}


def clean_pixel_data(ds: FileDataset, *, number_of_frames: int) -> DataElement:
    """The Pixel Data element of a data set, cut to its pixels and freed of comments.

    Decoding it gives what decoding the original gives, within the stored bits.
    """
    element = ds["PixelData"]
    if not ds.file_meta.TransferSyntaxUID.is_encapsulated:
        return DataElement(element.tag, element.VR, _clean_native(ds, element.value, number_of_frames))
    frames = generate_frames(element.value, number_of_frames=number_of_frames)
    clean = DataElement(element.tag, "OB", encapsulate([_clean_stream(frame) for frame in frames]))
    clean.is_undefined_length = True
    return clean


def _clean_native(ds: FileDataset, data: bytes, number_of_frames: int) -> bytes:
    allocated, stored = int(ds.BitsAllocated), int(ds.BitsStored)
    samples = 2 if ds.PhotometricInterpretation == "YBR_FULL_422" else int(ds.SamplesPerPixel)
    bits = int(ds.Rows) * int(ds.Columns) * samples * number_of_frames * allocated
    length = (bits + 7) // 8
    if length % 2 and not ds.file_meta.TransferSyntaxUID.is_little_endian:
        return data[: length + 1]  # in swapped words the last pixel comes after the padding
    pixels = data[:length]
    if stored < allocated and allocated in _INTEGER_BITS:
        pixels = _stored_bits_only(ds, pixels)
    return pixels + b"\0" * (length % 2)  # PS3.5 7.1.1: values have an even length


def _stored_bits_only(ds: FileDataset, pixels: bytes) -> bytes:
    """Clear what lies below the stored bits; above them, repeat the sign, or clear (PS3.5 8.1.1)."""
    order = "<" if ds.file_meta.TransferSyntaxUID.is_little_endian else ">"
    kind = "i" if int(ds.get("PixelRepresentation") or 0) else "u"
    allocated, high = int(ds.BitsAllocated), int(ds.HighBit)
    above, below = allocated - 1 - high, high + 1 - int(ds.BitsStored)
    unsigned = _INTEGER_BITS[allocated]
    values = np.frombuffer(pixels, order + unsigned).astype(unsigned)
    shifted = (values << above).view(unsigned.replace("u", kind)) >> (above + below) << below
    return shifted.astype(order + unsigned.replace("u", kind)).tobytes()


def _clean_stream(stream: bytes) -> bytes:
    """One frame's code stream without comments; other than JPEG's forms it comes back unchanged."""
    start = stream.find(_JPEG_2000_START)
    if start >= 0 and not stream.startswith(_JPEG_START):
        # Only the code stream belongs here (PS3.5 8.2.4), not the boxes of a file around it.
        return _without_segments(stream[start:], last=_TILE)
    if stream.startswith(_JPEG_START):
        return _without_segments(stream, last=_SCAN)
    return stream


def _without_segments(stream: bytes, *, last: int) -> bytes:
    """Drop comment and application segments up to the first scan or tile, and what follows the end."""
    end = stream.rfind(_JPEG_END)
    body = stream[: end + 2] if end >= 0 else stream
    kept = b"".join(segment for marker, segment in _segments(body, last) if _is_needed(marker, segment))
    clean = body[:2] + kept
    return clean + b"\0" * (len(clean) % 2)


def _segments(stream: bytes, last: int) -> Iterator[tuple[int, bytes]]:
    """Marker and bytes of each segment of the header; from `last` on, the rest as one."""
    offset = 2
    while offset + 4 <= len(stream) and stream[offset] == 0xFF and stream[offset + 1] != last:
        length = 2 + int.from_bytes(stream[offset + 2 : offset + 4], "big")
        yield stream[offset + 1], stream[offset : offset + length]
        offset += length
    yield last, stream[offset:]


def _is_needed(marker: int, segment: bytes) -> bool:
    """Application segments stay only where decoders take the colour transform from them."""
    if marker in {_COMMENT, _COMMENT_2000}:
        return False
    if marker not in _APPLICATION:
        return True
    name = segment[4:9]
    if name == b"JFIF\0":
        return len(segment) == 2 + _FLAT_JFIF_LENGTH
    return name == b"Adobe" or name[:4] == b"mrfx"
