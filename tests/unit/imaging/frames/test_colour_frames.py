"""Colour frames: every photometric interpretation, native and compressed."""

from functools import partial
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import (
    UID,
    HTJ2KLossless,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from common.errors import PermanentError
from imaging.dataset.newer_uids import JPEGXLLossless, JPEGXLRecompression
from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.factories import make_grey, real_path, to_image_file
from tests.unit.imaging.frames.encoded import encapsulated, first_picture

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

COLOURS = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)


def colour_dataset(photometric: str, data: bytes, **elements: object) -> FileDataset:
    ds = make_grey(COLOURS[:, :, 0], SamplesPerPixel=3, PlanarConfiguration=0)
    ds.PhotometricInterpretation, ds.PixelData = photometric, data
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def _ycbcr(rgb: np.ndarray, *, scale: float = 1.0, zero: float = 0) -> np.ndarray:
    """YCbCr by ITU-R BT.601, of full or reduced range (PS3.3 C.7.6.3.1.2)."""
    red, green, blue = (rgb[..., sample].astype(float) for sample in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = 1.0 if scale == 1 else 224 / 255
    blueness, redness = (blue - luma) / 1.772 * chroma + 128, (red - luma) / 1.402 * chroma + 128
    values = np.stack([luma * scale + zero, blueness, redness], axis=-1)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _422(ycbcr: np.ndarray) -> bytes:
    """For every two pixels: both luma values, then the chrominance of the first pixel."""
    pairs = ycbcr.reshape(-1, 2, 3)
    return np.stack([pairs[:, 0, 0], pairs[:, 1, 0], pairs[:, 0, 1], pairs[:, 0, 2]], axis=-1).tobytes()


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_native_colour(photometric: str, planar: int, tmp_path: Path) -> None:
    """RGB and YBR, by pixel or by plane, have the same colours."""
    coded = COLOURS if photometric == "RGB" else _ycbcr(COLOURS)
    laid_out = coded if planar == 0 else coded.transpose(2, 0, 1)
    ds = colour_dataset(photometric, laid_out.tobytes(), PlanarConfiguration=planar)
    assert 2 >= np.abs(COLOURS.astype(int) - first_picture(ds, tmp_path)).max()


def test_native_colour_with_subsampled_chrominance(tmp_path: Path) -> None:
    """YBR_FULL_422 and the retired YBR_PARTIAL_422 have the same colours."""
    full = colour_dataset("YBR_FULL_422", _422(_ycbcr(COLOURS)))
    partial = colour_dataset("YBR_PARTIAL_422", _422(_ycbcr(COLOURS, scale=219 / 255, zero=16)))
    for ds in (full, partial):
        assert 3 >= np.abs(COLOURS.astype(int) - first_picture(ds, tmp_path)).max()


def test_every_native_frame_with_subsampled_chrominance(tmp_path: Path) -> None:
    """All frames of YBR_FULL_422 are expanded, not only the first."""
    data = _422(_ycbcr(COLOURS)) + _422(_ycbcr(COLOURS[::-1]))
    image_file = to_image_file(colour_dataset("YBR_FULL_422", data, NumberOfFrames=2), tmp_path)
    first, second = image_file.frames()
    assert 3 >= np.abs(COLOURS.astype(int) - first).max()
    assert np.array_equal(first[::-1], second)


@pytest.mark.parametrize(
    ("photometric", "coded", "markers"),
    [
        ("YBR_FULL_422", "YCBCR", "JFIF"),
        ("YBR_FULL", "YCBCR", "none"),
        ("RGB", "RGB", "none"),
        ("RGB", "RGB", "Adobe"),
        ("RGB", "YCBCR", "JFIF"),  # the stream contradicts the header and is correct
        ("RGB", "YCBCR", "Adobe"),
    ],
)
def test_jpeg_with_and_without_a_colour_transform(
    photometric: str, coded: str, markers: str, tmp_path: Path
) -> None:
    """Colours are right in every frame, whatever the colour transform and the markers of a JPEG."""
    stream = bytes(
        imagecodecs.jpeg8_encode(COLOURS, level=97, colorspace="RGB", outcolorspace=coded, subsampling="444")
    )
    frames = [_marked(stream, markers, transformed=coded == "YCBCR")] * 2
    ds = encapsulated(colour_dataset(photometric, b"", NumberOfFrames=2), frames, JPEGBaseline8Bit)
    image_file = to_image_file(ds, tmp_path)
    recipe = PictureRecipe(image_file.ds)
    for index, frame in enumerate(image_file.frames()):
        picture = recipe.draw(frame, index=index).picture
        assert 12 >= np.abs(COLOURS.astype(int) - picture).max()


def _marked(stream: bytes, markers: str, *, transformed: bool) -> bytes:
    """A JPEG with the application segment `markers` instead of the encoder's."""
    offset = 2
    while stream[offset + 1] in range(0xE0, 0xF0):
        offset += 2 + int.from_bytes(stream[offset + 2 : offset + 4], "big")
    segments = {
        "none": b"",
        "JFIF": b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
        "Adobe": b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transformed]),
    }
    marked = stream[:2] + segments[markers] + stream[offset:]
    # Component identifiers 1, 2, 3: those of an untransformed stream are the letters R, G, B.
    start = marked.index(b"\xff\xc0") + 10
    ids = [marked[start + 3 * component] for component in range(3)]
    scan = marked.index(b"\xff\xda") + 5
    changed = bytearray(marked)
    for component in range(3):
        assert ids[component] == changed[scan + 2 * component]
        changed[start + 3 * component] = changed[scan + 2 * component] = component + 1
    return bytes(changed)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_compressed_colour(syntax: UID, tmp_path: Path) -> None:
    """RGB is unchanged in lossless transfer syntaxes."""
    ds = colour_dataset("RGB", COLOURS.tobytes())
    ds.compress(syntax)
    assert np.array_equal(COLOURS, first_picture(ds, tmp_path))


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, HTJ2KLossless, JPEGLosslessSV1])
def test_code_streams_say_the_layout_of_colours(syntax: UID, tmp_path: Path) -> None:
    """Planar Configuration says nothing of a code stream, whose colours are as they are (PS3.5 8.2)."""
    encode = {
        JPEG2000Lossless: partial(imagecodecs.jpeg2k_encode, codecformat="j2k", reversible=True),
        HTJ2KLossless: partial(imagecodecs.htj2k_encode, reversible=True),
        JPEGLSLossless: imagecodecs.jpegls_encode,
        JPEGLosslessSV1: partial(imagecodecs.jpeg8_encode, lossless=True, bitspersample=12),
    }[syntax]
    values = COLOURS.astype(np.uint16) if syntax == JPEGLosslessSV1 else COLOURS
    ds = colour_dataset("RGB", b"", PlanarConfiguration=1, BitsAllocated=8 * values.itemsize)
    image_file = to_image_file(encapsulated(ds, [bytes(encode(values))], syntax), tmp_path)
    assert np.array_equal(COLOURS, next(image_file.frames()))


def test_colour_of_jpeg_xl(tmp_path: Path) -> None:
    """JPEG XL keeps its colours, and a recompressed JPEG those of the JPEG."""
    lossless = bytes(imagecodecs.jpegxl_encode(COLOURS, lossless=True))
    ds = encapsulated(colour_dataset("RGB", b""), [lossless], JPEGXLLossless)
    assert np.array_equal(COLOURS, first_picture(ds, tmp_path))
    jpeg = bytes(imagecodecs.jpeg8_encode(COLOURS, level=97, subsampling="444"))
    again = bytes(imagecodecs.jpegxl_encode_jpeg(jpeg))
    ds = encapsulated(colour_dataset("YBR_FULL", b""), [again], JPEGXLRecompression)
    assert 12 >= np.abs(COLOURS.astype(int) - first_picture(ds, tmp_path)).max()


@pytest.mark.parametrize("photometric", ["HSV", "ARGB", "CMYK", "YBR_PARTIAL_420"])
def test_retired_photometric_interpretations_are_refused(photometric: str, tmp_path: Path) -> None:
    """A retired photometric interpretation is refused with its cause and not drawn wrongly."""
    with pytest.raises(PermanentError, match="PhotometricInterpretation"):
        to_image_file(colour_dataset(photometric, COLOURS.tobytes()), tmp_path)


def test_segmented_palette(tmp_path: Path) -> None:
    """A segmented palette gives the same colours as pydicom (PS3.3 C.7.9.2)."""
    path = real_path("gdcm-US-ALOKA-16.dcm")
    image_file = to_image_file(path.read_bytes(), tmp_path)
    drawing = PictureRecipe(image_file.ds).draw(next(image_file.frames()), index=0)
    ds = pydicom.dcmread(path)
    expected = pydicom.pixels.apply_color_lut(ds.pixel_array, ds) / 257
    assert 1 >= np.abs(expected - drawing.picture).max()
    assert "palette colour; 8 bit" == drawing.recipe
