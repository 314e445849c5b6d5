"""Decoders of compressed frames by imagecodecs, as plugins of pydicom.

pydicom keeps everything else: fragments, colour, planes, signs and byte order. A stream that a
plugin here can't take is left to pydicom's own. Interface: pydicom's guide "Decoder plugins".
"""

from typing import Any

import imagecodecs
import numpy as np
from pydicom.pixels.decoders import gdcm as pydicom_gdcm
from pydicom.pixels.decoders import rle as pydicom_rle
from pydicom.pixels.decoders.base import (
    JPEGLosslessDecoder,
    JPEGLosslessSV1Decoder,
    RLELosslessDecoder,
)
from pydicom.uid import JPEGLossless, JPEGLosslessSV1, RLELossless

PLUGIN = "imagecodecs"
DECODER_DEPENDENCIES = dict.fromkeys((RLELossless, JPEGLossless, JPEGLosslessSV1), ("numpy", "imagecodecs"))


def is_available(uid: str) -> bool:
    """Whether frames of a transfer syntax can be decoded; pydicom asks."""
    return uid in DECODER_DEPENDENCIES


def decode_rle(source: bytes, runner: Any) -> bytes | bytearray:
    """One frame of RLE Lossless (PS3.5 annex G), planes one after the other, little endian."""
    dtype = np.dtype(f"<u{runner.bits_allocated // 8}")
    expected = runner.rows * runner.columns * runner.samples_per_pixel * dtype.itemsize
    try:
        planes = imagecodecs.dicomrle_decode(source, dtype)
    except (imagecodecs.DicomrleError, ValueError, RuntimeError):
        return pydicom_rle._decode_frame(source, runner)  # noqa: SLF001 the plugin interface's own name
    if len(planes) != expected:
        return pydicom_rle._decode_frame(source, runner)  # noqa: SLF001
    runner.set_option("planar_configuration", 1)
    return bytes(planes)


def decode_jpeg_lossless(source: bytes, runner: Any) -> bytes:
    """One grey frame of JPEG Lossless (PS3.5 A.4.3); colour is left to gdcm."""
    if runner.samples_per_pixel != 1:
        return bytes(pydicom_gdcm._decode_frame(source, runner))  # noqa: SLF001
    try:
        values = imagecodecs.ljpeg_decode(source)
    except (imagecodecs.LjpegError, ValueError, RuntimeError):
        return bytes(pydicom_gdcm._decode_frame(source, runner))  # noqa: SLF001
    if values.shape != (runner.rows, runner.columns):
        raise ValueError("The frame is of another size than the header says.")
    allocated = values.astype(f"<u{runner.bits_allocated // 8}", copy=False)
    if runner.pixel_representation == 1:
        # The stream holds the stored bits alone; a negative value's sign is repeated above them.
        above = runner.bits_allocated - runner.bits_stored
        allocated = (allocated << above).view(allocated.dtype.str.replace("u", "i")) >> above
    return bytes(allocated.tobytes())


def register() -> None:
    """Tell pydicom of them; once a process."""
    for decoder, function in (
        (RLELosslessDecoder, decode_rle.__name__),
        (JPEGLosslessDecoder, decode_jpeg_lossless.__name__),
        (JPEGLosslessSV1Decoder, decode_jpeg_lossless.__name__),
    ):
        if PLUGIN not in decoder.available_plugins:
            decoder.add_plugin(PLUGIN, (__name__, function))
