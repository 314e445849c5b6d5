"""Encoders of single frames, so that nothing of the original's code stream is left but its pixels.

They are lossless: a lossy stream is written with the values that it is decoded to.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import get_encoder  # type: ignore[attr-defined]
from pydicom.uid import (
    JPEG2000,
    UID,
    JPEG2000Lossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from deidentification.pixels.streams.rle import encode_rle
from imaging.dataset.newer_uids import DeflatedFrames

_PROBE = 64  # rows and columns; no encoder refuses a frame because it is larger


@dataclass(frozen=True)
class FrameForm:
    """The form of the frames of one file."""

    samples: int
    allocated: int
    stored: int
    is_signed: bool
    photometric: str  # of the encoded frames


@dataclass(frozen=True)
class LosslessEncoder:
    """Encodes the frames of one file."""

    syntax: UID
    form: FrameForm

    def __call__(self, values: NDArray[Any]) -> bytes:
        """One frame of stored values, of shape (rows, columns) or (rows, columns, samples)."""
        return _ENCODERS[self.syntax](values, self.form)


def lossless_encoder(ds: Dataset) -> LosslessEncoder | None:
    """The encoder for the decoded frames of an encapsulated file; None if there is none for their form.

    Colour frames are RGB.
    """
    syntax = UID(ds.file_meta.TransferSyntaxUID)
    if syntax == JPEGLSNearLossless:
        syntax = JPEGLSLossless
    photometric = str(ds.PhotometricInterpretation)
    if int(ds.SamplesPerPixel) == 3:
        # The reversible transform is a part of JPEG 2000 and makes its files smaller (PS3.5 8.2.4).
        photometric = "YBR_RCT" if syntax in (JPEG2000, JPEG2000Lossless) else "RGB"
    form = FrameForm(
        int(ds.SamplesPerPixel),
        int(ds.BitsAllocated),
        int(ds.BitsStored),
        bool(int(ds.get("PixelRepresentation") or 0)),
        photometric,
    )
    encoder = LosslessEncoder(syntax, form)
    rows, columns = (min(int(ds[keyword].value), _PROBE) for keyword in ("Rows", "Columns"))
    return encoder if syntax in _ENCODERS and _can_encode(encoder, rows, columns) else None


@lru_cache(maxsize=64)
def _can_encode(encoder: LosslessEncoder, rows: int, columns: int) -> bool:
    """Try the encoder with noise: OpenJPEG refuses frames with too few rows or columns, CharLS tiny ones."""
    form = encoder.form
    shape = (rows, columns, form.samples) if form.samples > 1 else (rows, columns)
    try:
        dtype = np.dtype(f"<{'i' if form.is_signed else 'u'}{max(form.allocated // 8, 1)}")
        low, high = (
            (-(1 << form.stored - 1), 1 << form.stored - 1) if form.is_signed else (0, 1 << form.stored)
        )
        return len(encoder(np.random.default_rng(0).integers(low, high, shape, dtype))) > 0
    except Exception:  # noqa: BLE001 whatever an encoder raises
        return False


def _by_pydicom(syntax: UID) -> Callable[[NDArray[Any], FrameForm], bytes]:
    """The encoder of pydicom for a transfer syntax."""

    def encode(values: NDArray[Any], form: FrameForm) -> bytes:
        return bytes(
            get_encoder(syntax).encode(
                values,
                rows=values.shape[0],
                columns=values.shape[1],
                number_of_frames=1,
                samples_per_pixel=form.samples,
                bits_allocated=form.allocated,
                bits_stored=form.stored,
                pixel_representation=int(form.is_signed),
                photometric_interpretation=form.photometric,
                planar_configuration=0,
            )
        )

    return encode


def _jpeg_lossless(values: NDArray[Any], form: FrameForm) -> bytes:
    """Process 14 with selection value 1; the stored bits are encoded without a sign (PS3.5 8.2.1)."""
    unsigned = values.view(f"u{values.dtype.itemsize}") & ((1 << form.stored) - 1)
    samples = unsigned.astype(np.uint8 if form.stored <= 8 else np.uint16)
    if form.stored > 16:
        raise ValueError("JPEG Lossless has at most 16 bits.")
    colours = "RGB" if form.samples == 3 else None
    return bytes(
        imagecodecs.jpeg8_encode(
            samples,
            colorspace=colours,
            outcolorspace=colours,
            lossless=True,
            predictor=1,
            bitspersample=max(form.stored, 2),
        )
    )


def _deflated(values: NDArray[Any], form: FrameForm) -> bytes:
    """PS3.5 A.4.13; frames of single bits are packed."""
    is_packed = form.allocated == 1
    data = np.packbits(values.reshape(-1), bitorder="little").tobytes() if is_packed else values.tobytes()
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(data) + deflate.flush()


_ENCODERS: dict[UID, Callable[[NDArray[Any], FrameForm], bytes]] = {
    RLELossless: lambda values, _: encode_rle(values),
    JPEGLossless: _jpeg_lossless,
    JPEGLosslessSV1: _jpeg_lossless,
    JPEGLSLossless: _by_pydicom(JPEGLSLossless),
    JPEG2000Lossless: _by_pydicom(JPEG2000Lossless),
    JPEG2000: _by_pydicom(JPEG2000Lossless),
    DeflatedFrames: _deflated,
}
