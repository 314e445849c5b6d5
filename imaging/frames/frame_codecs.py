"""Codecs for single frames by imagecodecs and zlib, as plugins of pydicom's decoders.

pydicom handles everything else: fragments, planes, signs and byte order. A lossless stream that a
codec here can't decode is passed to pydicom's own plugin. Interface: pydicom's guide "Decoder plugins".
"""

import zlib
from struct import Struct
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.pixels.decoders import gdcm as pydicom_gdcm
from pydicom.pixels.decoders import pyjpegls as pydicom_pyjpegls
from pydicom.pixels.decoders import rle as pydicom_rle

PLUGIN = "imagecodecs"
_RLE_HEADER = Struct("<16L")  # the number of segments, and the offset of each


class _DependenciesByUid(dict[str, tuple[str, ...]]):
    """The packages that each transfer syntax needs; pydicom looks for this in a plugin's module."""

    def __missing__(self, uid: str) -> tuple[str, ...]:
        return ("numpy", "imagecodecs")


DECODER_DEPENDENCIES = _DependenciesByUid()


def is_available(uid: str) -> bool:
    """Whether frames of a transfer syntax can be decoded; pydicom asks only for those registered here."""
    return bool(uid)


def decode_rle(source: bytes, runner: Any) -> bytes | bytearray:
    """One frame of RLE Lossless (PS3.5 annex G), plane by plane, little endian."""
    dtype = np.dtype(f"<u{runner.bits_allocated // 8}")
    expected = runner.rows * runner.columns * runner.samples_per_pixel * dtype.itemsize
    if not _has_rle_segments(source):  # imagecodecs would read behind the stream, and crash
        return pydicom_rle._decode_frame(source, runner)  # noqa: SLF001 the plugin interface's own name
    try:
        planes = imagecodecs.dicomrle_decode(source, dtype, out=bytearray)  # type: ignore[arg-type]  # its stub
    except (imagecodecs.DicomrleError, ValueError, RuntimeError):
        return pydicom_rle._decode_frame(source, runner)  # noqa: SLF001 the plugin interface's own name
    if len(planes) != expected:
        return pydicom_rle._decode_frame(source, runner)  # noqa: SLF001
    runner.set_option("planar_configuration", 1)
    return planes  # writeable, so pydicom need not copy it


def _has_rle_segments(source: bytes) -> bool:
    """Whether all segments of the header begin within the stream (PS3.5 G.5)."""
    if len(source) < _RLE_HEADER.size:
        return False
    number, *offsets = _RLE_HEADER.unpack_from(source)
    return number <= len(offsets) and all(offset < len(source) for offset in offsets[:number])


def decode_jpeg_lossless(source: bytes, runner: Any) -> bytes | memoryview:
    """One grey frame of JPEG Lossless (PS3.5 A.4.3); colour is passed to gdcm."""
    if runner.samples_per_pixel != 1:
        return bytes(pydicom_gdcm._decode_frame(source, runner))  # noqa: SLF001
    try:
        return _in_allocated_bits(imagecodecs.jpeg8_decode(source), runner)
    except (imagecodecs.Jpeg8Error, ValueError, RuntimeError):
        return bytes(pydicom_gdcm._decode_frame(source, runner))  # noqa: SLF001


def decode_jpeg(source: bytes, runner: Any) -> memoryview:
    """One frame of JPEG Baseline or Extended, of 8 or 12 bits (PS3.5 A.4.1, A.4.2); colour as RGB."""
    if runner.samples_per_pixel == 1:
        return _in_allocated_bits(imagecodecs.jpeg8_decode(source), runner)
    # Both colour spaces are given, so that the codec does not guess from markers.
    coded = "YCBCR" if _is_ycbcr(source, runner) else "RGB"
    values = imagecodecs.jpeg8_decode(source, colorspace=coded, outcolorspace="RGB")
    _check_size(values, runner)
    runner.set_option("planar_configuration", 0)
    return _buffer(values)


def decode_jpeg_ls(source: bytes, runner: Any) -> bytearray | memoryview:
    """One frame of JPEG-LS (PS3.5 A.4.3); colour is passed to pyjpegls."""
    if runner.samples_per_pixel == 1:
        try:
            values = imagecodecs.jpegls_decode(source)
        except (imagecodecs.JpeglsError, ValueError, RuntimeError):
            values = None
        if values is not None and values.shape == (runner.rows, runner.columns):
            runner.set_option("bits_allocated", 8 * values.dtype.itemsize)
            return _buffer(values)
    return bytearray(pydicom_pyjpegls._decode_frame(source, runner))  # noqa: SLF001


def decode_jpeg_xl(source: bytes, runner: Any) -> memoryview:
    """One frame of JPEG XL (PS3.5 A.4.12); colour as RGB, whatever its coded colour space."""
    values = imagecodecs.jpegxl_decode(source)
    if runner.samples_per_pixel == 1:
        return _in_allocated_bits(values, runner)
    _check_size(values, runner)
    runner.set_option("planar_configuration", 0)
    return _buffer(values)


def decode_deflated(source: bytes, runner: Any) -> bytes:
    """One frame of Deflated Image Frame Compression (PS3.5 A.4.13); ValueError if its size is wrong.

    Pixels of one bit are unpacked to bytes.
    """
    samples = runner.rows * runner.columns * runner.samples_per_pixel
    size = (samples * runner.bits_allocated + 7) // 8
    data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(source, size)
    if len(data) != size:
        raise ValueError("The frame's size differs from the header's.")
    if runner.bits_allocated > 1:
        return data
    runner.set_option("bits_allocated", 8)
    return np.unpackbits(np.frombuffer(data, np.uint8), count=samples, bitorder="little").tobytes()


def _is_ycbcr(source: bytes, runner: Any) -> bool:
    """Whether a colour JPEG holds YCbCr, by its markers, else by the header (PS3.5 8.2.1)."""
    if runner.photometric_interpretation != "RGB":  # pydicom has checked it against the markers
        return True
    return _adobe_transform(source) == 1


def _adobe_transform(source: bytes) -> int | None:
    """The transform flag of a JPEG's last Adobe segment (APP14) before its scan."""
    transform, offset = None, 2
    while offset + 4 <= len(source) and source[offset] == 0xFF and source[offset + 1] != 0xDA:
        if source[offset + 1] == 0xFF:
            offset += 1  # a fill byte
            continue
        length = int.from_bytes(source[offset + 2 : offset + 4], "big")
        segment = source[offset : offset + 2 + length]
        if segment[1] == 0xEE and segment[4:9] == b"Adobe" and len(segment) >= 16:
            transform = segment[15]
        offset += 2 + length
    return transform


def _in_allocated_bits(values: NDArray[Any], runner: Any) -> memoryview:
    """Grey values in the allocated bits; ValueError if the frame is not of the header's size."""
    if values.shape != (runner.rows, runner.columns) or values.dtype.itemsize * 8 > runner.bits_allocated:
        raise ValueError("The frame's size differs from the header's.")
    return _buffer(values.astype(f"<u{runner.bits_allocated // 8}", copy=False))


def _check_size(values: NDArray[Any], runner: Any) -> None:
    described = (runner.rows, runner.columns, runner.samples_per_pixel)
    if values.shape != described or values.dtype.itemsize * 8 != runner.bits_allocated:
        raise ValueError("The frame's size differs from the header's.")


def _buffer(values: NDArray[Any]) -> memoryview:
    """The array's own memory, which pydicom need not copy to make writeable."""
    return np.ascontiguousarray(values).data.cast("B")
