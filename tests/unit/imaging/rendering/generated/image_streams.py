"""Code streams of random images, and the RLE of PS3.5 annex G written down."""

import io
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import imagecodecs
import numpy as np
from PIL import Image
from pydicom.uid import (
    JPEG2000,
    UID,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from imaging.dataset.newer_uids import DeflatedFrames, JPEGXLLossless
from tests.unit.imaging.rendering.generated.colour_image import ColourImage
from tests.unit.imaging.rendering.generated.grey_image import GreyImage

LOSS = 16  # of a grey level, in a JPEG of high quality


def rle(frame: np.ndarray) -> bytes:
    """PS3.5 annex G: a segment of literal runs for each byte of each sample, the highest byte first."""
    rows, columns, samples = (*frame.shape, 1)[:3]
    big = frame.reshape(rows, columns, samples).astype(frame.dtype.newbyteorder(">"))
    size = frame.dtype.itemsize
    planes = big.view(np.uint8).reshape(rows, columns, samples * size).transpose(2, 0, 1)
    segments = []
    for plane in planes:
        runs = [bytes([columns - 1]) + row.tobytes() for row in plane]
        joined = b"".join(runs)
        segments.append(joined + b"\0" * (len(joined) % 2))
    offsets = np.zeros(16, "<u4")
    offsets[0] = len(segments)
    offsets[1 : len(segments) + 1] = 64 + np.cumsum([0, *map(len, segments[:-1])])
    return offsets.tobytes() + b"".join(segments)


def deflated(frame: np.ndarray, *, planar: int = 0, is_bits: bool = False) -> bytes:
    ordered = frame.transpose(2, 0, 1) if frame.ndim == 3 and planar else frame
    packed = np.packbits(ordered.ravel(), bitorder="little") if is_bits else ordered
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(packed.tobytes()) + deflate.flush()


def jpeg_lossless(frame: np.ndarray, bits: int, *, predictor: int) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(frame, lossless=True, bitspersample=bits, predictor=predictor))


def jpeg_2000(frame: np.ndarray, bits: int, *, transformed: bool = False) -> bytes:
    options = {"codecformat": "j2k", "resolutions": 1, "reversible": True, "mct": transformed}
    return bytes(imagecodecs.jpeg2k_encode(frame, bitspersample=bits, **options))


def jpeg_2000_lossy(frame: np.ndarray) -> bytes:
    """With the irreversible transforms of wavelets and colours, at a quality of less than one level."""
    return bytes(
        imagecodecs.jpeg2k_encode(frame, level=0, codecformat="j2k", resolutions=1, reversible=False)
    )


def htj2k(frame: np.ndarray, *, transformed: bool) -> bytes:
    return bytes(imagecodecs.htj2k_encode(frame, reversible=True, resolutions=1, rgb=transformed or None))


def grey_streams(image: GreyImage, syntax: UID, *, is_bare: bool) -> list[bytes]:
    """The frames of an image, as all allocated bits or as the bare stored values."""
    words = image.masked() if is_bare else image.words()
    bits = image.stored if is_bare else image.allocated
    jpeg_bits = max(bits, 9 if image.allocated == 16 else 2)  # the encoder's least
    if is_bare and image.is_signed and syntax in (JPEG2000Lossless, HTJ2KLossless):
        words = image.values.astype(f"i{image.allocated // 8}")  # these streams have a sign (PS3.5 8.2.4)
    encode: dict[UID, Callable[[Any], bytes]] = {
        RLELossless: rle,
        DeflatedFrames: lambda frame: deflated(frame, is_bits=image.allocated == 1),
        JPEGLossless: lambda frame: jpeg_lossless(frame, jpeg_bits, predictor=1 + image.noise % 7),
        JPEGLosslessSV1: lambda frame: jpeg_lossless(frame, jpeg_bits, predictor=1),
        JPEGLSLossless: lambda frame: bytes(imagecodecs.jpegls_encode(frame)),
        JPEG2000Lossless: lambda frame: jpeg_2000(frame, bits),
        HTJ2KLossless: lambda frame: htj2k(frame, transformed=False),
        JPEGXLLossless: lambda frame: bytes(imagecodecs.jpegxl_encode(frame, lossless=True)),
    }
    return [encode[syntax](frame) for frame in words]


def as_jpeg(image: GreyImage | ColourImage) -> tuple[GreyImage | ColourImage, list[bytes]]:
    """The same image in JPEG Baseline; its values are then those that another decoder reads, as RGB."""
    streams = [_jpeg(frame, image.photometric) for frame in image.masked()]
    values = np.stack([np.array(Image.open(io.BytesIO(one))) for one in streams]).astype(int)
    if isinstance(image, GreyImage):
        return replace(image, values=values), streams
    if image.photometric != "YBR_FULL_422":  # whose chrominance is subsampled
        right = np.stack([image.expected(index) for index in range(image.frames)])
        assert np.abs(right - values).max() < LOSS
    return replace(image, values=values, photometric="RGB"), streams


def _jpeg(frame: np.ndarray, photometric: str) -> bytes:
    """The frame is coded as it is, whether grey, RGB or YBR."""
    if frame.ndim == 2:
        return bytes(imagecodecs.jpeg8_encode(frame, level=95))
    space = "RGB" if photometric == "RGB" else "YCBCR"
    subsampling = "422" if photometric == "YBR_FULL_422" else "444"
    form = {"colorspace": space, "outcolorspace": space, "subsampling": subsampling}
    return bytes(imagecodecs.jpeg8_encode(frame, level=98, **form))


def colour_streams(image: ColourImage, syntax: UID) -> list[bytes]:
    """The frames of a colour image."""
    is_transformed = image.photometric in ("YBR_RCT", "YBR_ICT")
    encode: dict[UID, Callable[[Any], bytes]] = {
        RLELossless: rle,
        DeflatedFrames: lambda frame: deflated(frame, planar=image.planar),
        JPEGLosslessSV1: lambda frame: jpeg_lossless(frame, image.stored, predictor=1),
        JPEGLSLossless: lambda frame: bytes(imagecodecs.jpegls_encode(frame)),
        JPEG2000Lossless: lambda frame: jpeg_2000(frame, image.stored, transformed=is_transformed),
        HTJ2KLossless: lambda frame: htj2k(frame, transformed=is_transformed),
        JPEG2000: jpeg_2000_lossy,
    }
    return [encode[syntax](frame) for frame in image.masked()]
