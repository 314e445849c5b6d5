"""Bits beside the stored ones in code streams of more bits: never drawn, never written (PS3.5 8.1.1)."""

import io
import zlib
from collections.abc import Callable
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import generate_frames
from pydicom.pixels import get_encoder
from pydicom.uid import (
    UID,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from imaging.dataset.newer_uids import DeflatedFrames, JPEGXLLossless
from imaging.frames.stored_value import stored_value
from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.factories import PSEUDONYMS, make_grey, to_image_file
from tests.unit.imaging.frames.encoded import encapsulated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

Words = np.ndarray


def _by_pydicom(words: Words, syntax: UID, bits: int) -> bytes:
    rows, columns = words.shape
    encoder = get_encoder(syntax)
    form = {"samples_per_pixel": 1, "photometric_interpretation": "MONOCHROME2", "pixel_representation": 0}
    sizes = {"rows": rows, "columns": columns, "number_of_frames": 1, "bits_allocated": 16}
    return bytes(encoder.encode(words, bits_stored=bits, **form, **sizes))


def _deflated(words: Words) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(words.tobytes()) + deflate.flush()


# Encoders of 16 bits, whatever the header says of the stored ones.
ENCODERS: dict[str, tuple[str, Callable[[Words], bytes]]] = {
    "JPEG 2000": (JPEG2000Lossless, lambda words: imagecodecs.jpeg2k_encode(words, codecformat="j2k")),
    "HTJ2K": (HTJ2KLossless, lambda words: imagecodecs.htj2k_encode(words, reversible=True)),
    "JPEG-LS": (JPEGLSLossless, imagecodecs.jpegls_encode),
    "JPEG lossless": (
        JPEGLosslessSV1,
        lambda words: imagecodecs.jpeg8_encode(words, lossless=True, bitspersample=16),
    ),
    "JPEG XL": (JPEGXLLossless, lambda words: imagecodecs.jpegxl_encode(words, lossless=True)),
    "RLE": (RLELossless, lambda words: _by_pydicom(words, RLELossless, 16)),
    "deflated frames": (DeflatedFrames, _deflated),
}


def _file(codec: str, words: Words, *, stored: int, high: int, signed: bool) -> FileDataset:
    syntax, encode = ENCODERS[codec]
    ds = make_grey(words, BitsStored=stored, HighBit=high, PixelRepresentation=int(signed), Modality="MR")
    return encapsulated(ds, [bytes(encode(words))], syntax)


def _words(stored: int, high: int, *, signed: bool) -> tuple[np.ndarray, Words]:
    """Values from the least to the greatest, and words with these and random bits beside them."""
    lowest = -(1 << (stored - 1)) if signed else 0
    values = np.linspace(lowest, lowest + (1 << stored) - 1, 64 * 64).astype(np.int64).reshape(64, 64)
    shift, mask = high + 1 - stored, (1 << stored) - 1
    noise = np.random.default_rng(stored + high).integers(0, 1 << 16, values.shape)
    words = ((values & mask) << shift) | (noise & ~(mask << shift) & 0xFFFF)
    return values, words.astype(np.uint16)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("stored", "high"), [(12, 11), (12, 15), (10, 12), (8, 7)])
@pytest.mark.parametrize("codec", ENCODERS)
def test_bits_beside_the_stored_ones_are_left_out(
    codec: str, stored: int, high: int, signed: bool, tmp_path: Path
) -> None:
    """Picture, values and de-identified file have the stored bits at High Bit alone, whatever the codec."""
    values, words = _words(stored, high, signed=signed)
    image_file = to_image_file(_file(codec, words, stored=stored, high=high, signed=signed), tmp_path)
    (frame,) = image_file.frames()
    assert np.array_equal(values, stored_value(image_file.ds).values(frame))
    low, high_value = values.min(), values.max()
    expected = np.rint((values - low) / (high_value - low) * 255).astype(np.uint8)
    assert np.array_equal(expected, PictureRecipe(image_file.ds).draw(frame, index=0).picture)
    buffer = io.BytesIO()
    deidentify(image_file, PSEUDONYMS, Profile()).write(buffer)
    written = to_image_file(buffer.getvalue(), tmp_path)
    (left,) = written.frames()
    assert (stored, stored - 1) == (written.ds.BitsStored, written.ds.HighBit)
    bits = left.astype(np.int64) & 0xFFFF
    extended = values & 0xFFFF  # negative values may have their sign in the bits above
    assert np.array_equal(values & ((1 << stored) - 1), bits) or np.array_equal(extended, bits)


@pytest.mark.parametrize("codec", ["JPEG 2000", "JPEG-LS", "JPEG lossless"])
@pytest.mark.parametrize("signed", [False, True])
def test_stream_of_the_stored_bits_alone_has_them_at_the_bottom(
    codec: str, signed: bool, tmp_path: Path
) -> None:
    """A stream of 12 bits has no bit 15, although High Bit says that the values end there."""
    values, _ = _words(12, 11, signed=signed)
    bits = (values & 0xFFF).astype(np.uint16)
    encode = {
        "JPEG 2000": lambda: imagecodecs.jpeg2k_encode(bits, codecformat="j2k", bitspersample=12),
        "JPEG-LS": lambda: _by_pydicom(bits, JPEGLSLossless, 12),
        "JPEG lossless": lambda: imagecodecs.jpeg8_encode(bits, lossless=True, bitspersample=12),
    }[codec]
    ds = make_grey(bits, BitsStored=12, HighBit=15, PixelRepresentation=int(signed), Modality="MR")
    image_file = to_image_file(encapsulated(ds, [bytes(encode())], ENCODERS[codec][0]), tmp_path)
    (frame,) = image_file.frames()
    assert np.array_equal(values, stored_value(image_file.ds).values(frame))
    assert 11 == image_file.ds.HighBit


@pytest.mark.parametrize("codec", ["native", "RLE"])
def test_colours_have_their_stored_bits_alone(codec: str, tmp_path: Path) -> None:
    """Colours of 12 bits in the upper part of 16 are read there, and other bits are left out."""
    values = np.random.default_rng(3).integers(0, 4096, (16, 16, 3))
    words = ((values << 4) | 9).astype(np.uint16)
    ds = make_grey(words[..., 0], SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    ds.BitsStored, ds.HighBit, ds.PixelData = 12, 15, words.tobytes()
    if codec == "RLE":
        ds.BitsStored, ds.HighBit = 16, 15
        ds.compress(RLELossless, generate_instance_uid=False)
        ds.BitsStored = 12
        encapsulated(ds, list(generate_frames(ds.PixelData, number_of_frames=1)), RLELossless)
    image_file = to_image_file(ds, tmp_path)
    (frame,) = image_file.frames()
    expected = np.rint(values / 4095 * 255).astype(np.uint8)
    assert np.array_equal(expected, PictureRecipe(image_file.ds).draw(frame, index=0).picture)
    buffer = io.BytesIO()
    deidentify(image_file, PSEUDONYMS, Profile()).write(buffer)
    left = to_image_file(buffer.getvalue(), tmp_path)
    (frame,) = left.frames()
    assert np.array_equal(values, frame)
    if codec == "native":
        written = np.frombuffer(pydicom.dcmread(io.BytesIO(buffer.getvalue())).PixelData, "<u2")
        assert not (written & 0xF).any()


def test_signed_colours_are_unsigned(tmp_path: Path) -> None:
    """Pixel Representation says nothing of colours, which have no sign (PS3.3 C.7.6.3.1.2)."""
    values = np.random.default_rng(4).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    ds = make_grey(values[..., 0], SamplesPerPixel=3, PhotometricInterpretation="RGB", PlanarConfiguration=0)
    ds.PixelRepresentation, ds.PixelData = 1, values.tobytes()
    image_file = to_image_file(ds, tmp_path)
    (frame,) = image_file.frames()
    assert np.array_equal(values, PictureRecipe(image_file.ds).draw(frame, index=0).picture)
