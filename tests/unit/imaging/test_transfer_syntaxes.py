"""Every transfer syntax that holds images, in every depth, sign and colour it can."""

import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from common.errors import PermanentError
from imaging.frames.stored_value import stored_value
from imaging.frames.transfer_syntax import DeflatedFrames, JPEGXLLossless, JPEGXLRecompression
from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.factories import make_grey, real_path, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

NATIVE = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]
LOSSLESS = [
    RLELossless,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEG2000Lossless,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    HTJ2K,
    JPEGXLLossless,
    DeflatedFrames,
]


def _ramp(bits: int, *, signed: bool, frames: int = 2) -> np.ndarray:
    """Every part of the range, from the least value to the greatest, and back in the next frame."""
    lowest = -(1 << (bits - 1)) if signed else 0
    values = np.linspace(lowest, lowest + (1 << bits) - 1, 96 * 64)
    size = 1 if bits <= 8 else 2 if bits <= 16 else 4
    frame = np.rint(values).astype(f"{'i' if signed else 'u'}{size}").reshape(96, 64)
    return np.stack([frame[:: 1 if index % 2 == 0 else -1] for index in range(frames)])


def _dataset(values: np.ndarray, bits: int, *, signed: bool) -> FileDataset:
    return make_grey(values, BitsStored=bits, HighBit=bits - 1, PixelRepresentation=int(signed))


def _encoded(values: np.ndarray, bits: int, syntax: UID) -> bytes:
    """One frame; of a signed value the stored bits alone."""
    stored = np.ascontiguousarray(values).view(f"u{values.itemsize}") & ((1 << bits) - 1)
    stored = stored.astype(values.dtype.str.replace("i", "u"))
    if syntax in (JPEGLossless, JPEGLosslessSV1):
        return bytes(imagecodecs.ljpeg_encode(stored, bitspersample=bits))
    if syntax in (HTJ2KLossless, HTJ2KLosslessRPCL, HTJ2K):
        return bytes(imagecodecs.htj2k_encode(values))
    if syntax == JPEGXLLossless:
        return bytes(imagecodecs.jpegxl_encode(stored, lossless=True))
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(values.tobytes()) + deflate.flush()


def _in(syntax: UID, values: np.ndarray, bits: int, *, signed: bool) -> FileDataset:
    ds = _dataset(values, bits, signed=signed)
    if syntax in NATIVE:
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = values.astype(values.dtype.newbyteorder(">")).tobytes()
            ds["PixelData"].VR = "OW" if bits > 8 else "OB"
        ds.file_meta.TransferSyntaxUID = syntax
        return ds
    if syntax in (RLELossless, JPEGLSLossless, JPEG2000Lossless):
        ds.compress(syntax)
        return ds
    return _encapsulated(ds, [_encoded(frame, bits, syntax) for frame in values], syntax)


def _encapsulated(ds: FileDataset, frames: list[bytes], syntax: UID) -> FileDataset:
    ds.PixelData = encapsulate(frames)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = syntax
    return ds


def _values(ds: FileDataset, folder: Path) -> np.ndarray:
    """The stored values as the recipe reads them."""
    folder.mkdir(exist_ok=True)
    path = folder / "image.dcm"
    syntax = ds.file_meta.TransferSyntaxUID
    written = FileDataset(path, dict(ds), preamble=bytes(128), file_meta=ds.file_meta)
    written.set_original_encoding(syntax.is_implicit_VR, syntax.is_little_endian)
    written.save_as(path)
    image_file = to_image_file(path.read_bytes(), folder)
    reader = stored_value(image_file.ds)
    return np.stack([reader.values(frame) for frame in image_file.frames()])


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("syntax", [*NATIVE, *LOSSLESS], ids=lambda uid: UID(uid).keyword)
def test_lossless_values_come_back(syntax: UID, bits: int, signed: bool, tmp_path: Path) -> None:
    """In every lossless transfer syntax, depth and sign, both frames hold the values that were written."""
    values = _ramp(bits, signed=signed)
    assert np.array_equal(values, _values(_in(syntax, values, bits, signed=signed), tmp_path))


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("syntax", NATIVE[:3], ids=lambda uid: uid.keyword)
def test_32_bits(syntax: UID, signed: bool, tmp_path: Path) -> None:
    """Values of 32 bits come back, and are drawn."""
    values = _ramp(32, signed=signed)
    ds = _in(syntax, values, 32, signed=signed)
    assert np.array_equal(values, _values(ds, tmp_path))
    image_file = to_image_file((tmp_path / "image.dcm").read_bytes(), tmp_path)
    picture = PictureRecipe(image_file.ds).draw(next(image_file.frames()), index=0).picture
    assert (0, 255) == (picture.min(), picture.max())


def test_1_bit(tmp_path: Path) -> None:
    """Frames of 1 bit a pixel that share bytes come back, white where set, also if all of one is."""
    values = np.random.default_rng(0).integers(0, 2, (3, 5, 7), dtype=np.uint8)
    values[1] = 1
    ds = make_grey(values, BitsAllocated=1, BitsStored=1, HighBit=0)
    packed = np.packbits(values.reshape(-1), bitorder="little").tobytes()
    ds.PixelData = packed + b"\0" * (len(packed) % 2)
    image_file = to_image_file(ds, tmp_path)
    recipe = PictureRecipe(image_file.ds)
    pictures = [recipe.draw(frame, index=index).picture for index, frame in enumerate(image_file.frames())]
    assert np.array_equal(values * 255, np.stack(pictures))


def test_near_lossless(tmp_path: Path) -> None:
    """JPEG-LS with an error of 2 comes back within 2."""
    values = _ramp(12, signed=False)
    frames = [bytes(imagecodecs.jpegls_encode(frame, level=2)) for frame in values]
    ds = _encapsulated(_dataset(values, 12, signed=False), frames, JPEGLSNearLossless)
    assert 2 >= np.abs(values.astype(int) - _values(ds, tmp_path)).max()


def test_lossy_jpeg_2000(tmp_path: Path) -> None:
    """JPEG 2000 with loss comes back nearly the same."""
    values = _ramp(12, signed=False)
    ds = _dataset(values, 12, signed=False)
    ds.compress(JPEG2000, j2k_psnr=[80])
    assert 8 >= np.abs(values.astype(int) - _values(ds, tmp_path)).max()


@pytest.mark.parametrize(("syntax", "bits"), [(JPEGBaseline8Bit, 8), (JPEGExtended12Bit, 12)])
def test_grey_jpeg(syntax: UID, bits: int, tmp_path: Path) -> None:
    """JPEG of 8 and of 12 bits comes back nearly the same."""
    values = _ramp(bits, signed=False)
    frames = [bytes(imagecodecs.jpeg8_encode(frame, level=98, bitspersample=bits)) for frame in values]
    ds = _encapsulated(_dataset(values, bits, signed=False), frames, syntax)
    assert (1 << bits) / 60 >= np.abs(values.astype(int) - _values(ds, tmp_path)).max()


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_jpeg_of_12_bits(name: str, tmp_path: Path) -> None:
    """Real files of JPEG Extended with 12 bits show what the same image without loss shows."""
    original = next(to_image_file(real_path("JPEG-LL.dcm").read_bytes(), tmp_path).frames())
    frame = next(to_image_file(real_path(name).read_bytes(), tmp_path).frames())
    assert np.uint16 == frame.dtype
    assert 3 >= np.abs(frame.astype(int) - original).mean()


COLOURS = np.random.default_rng(0).integers(0, 256, (4, 4, 3)).astype(np.uint8).repeat(8, 0).repeat(8, 1)


def _colour(photometric: str, data: bytes, **elements: object) -> FileDataset:
    ds = make_grey(COLOURS[:, :, 0], SamplesPerPixel=3, PlanarConfiguration=0)
    ds.PhotometricInterpretation, ds.PixelData = photometric, data
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def _picture(ds: FileDataset, folder: Path) -> np.ndarray:
    image_file = to_image_file(ds, folder)
    return PictureRecipe(image_file.ds).draw(next(image_file.frames()), index=0).picture


def _ycbcr(rgb: np.ndarray, *, scale: float = 1.0, zero: float = 0) -> np.ndarray:
    """ITU-R BT.601, of full range, or of the reduced one (PS3.3 C.7.6.3.1.2)."""
    red, green, blue = (rgb[..., sample].astype(float) for sample in range(3))
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    chroma = 1.0 if scale == 1 else 224 / 255
    blueness, redness = (blue - luma) / 1.772 * chroma + 128, (red - luma) / 1.402 * chroma + 128
    values = np.stack([luma * scale + zero, blueness, redness], axis=-1)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _422(ycbcr: np.ndarray) -> bytes:
    """Two lumas, then the colours of the first of them."""
    pairs = ycbcr.reshape(-1, 2, 3)
    return np.stack([pairs[:, 0, 0], pairs[:, 1, 0], pairs[:, 0, 1], pairs[:, 0, 2]], axis=-1).tobytes()


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL"])
def test_native_colour(photometric: str, planar: int, tmp_path: Path) -> None:
    """RGB and YBR, pixel by pixel or plane by plane, show the same colours."""
    coded = COLOURS if photometric == "RGB" else _ycbcr(COLOURS)
    laid_out = coded if planar == 0 else coded.transpose(2, 0, 1)
    ds = _colour(photometric, laid_out.tobytes(), PlanarConfiguration=planar)
    assert 2 >= np.abs(COLOURS.astype(int) - _picture(ds, tmp_path)).max()


def test_native_colour_of_every_second_pixel(tmp_path: Path) -> None:
    """YBR_FULL_422 and the retired YBR_PARTIAL_422 show the same colours."""
    full = _colour("YBR_FULL_422", _422(_ycbcr(COLOURS)))
    partial = _colour("YBR_PARTIAL_422", _422(_ycbcr(COLOURS, scale=219 / 255, zero=16)))
    for ds in (full, partial):
        assert 3 >= np.abs(COLOURS.astype(int) - _picture(ds, tmp_path)).max()


@pytest.mark.parametrize(
    ("photometric", "coded", "markers"),
    [
        ("YBR_FULL_422", "YCBCR", "JFIF"),
        ("YBR_FULL", "YCBCR", "none"),
        ("RGB", "RGB", "none"),
        ("RGB", "RGB", "Adobe"),
        ("RGB", "YCBCR", "JFIF"),  # the stream contradicts the header, and is right
        ("RGB", "YCBCR", "Adobe"),
    ],
)
def test_jpeg_with_and_without_a_colour_transform(
    photometric: str, coded: str, markers: str, tmp_path: Path
) -> None:
    """Colours are right whether a JPEG was transformed or not, in every frame, whatever its markers say."""
    stream = bytes(
        imagecodecs.jpeg8_encode(COLOURS, level=97, colorspace="RGB", outcolorspace=coded, subsampling="444")
    )
    frames = [_marked(stream, markers, transformed=coded == "YCBCR")] * 2
    ds = _encapsulated(_colour(photometric, b"", NumberOfFrames=2), frames, JPEGBaseline8Bit)
    image_file = to_image_file(ds, tmp_path)
    recipe = PictureRecipe(image_file.ds)
    for index, frame in enumerate(image_file.frames()):
        picture = recipe.draw(frame, index=index).picture
        assert 12 >= np.abs(COLOURS.astype(int) - picture).max()


def _marked(stream: bytes, markers: str, *, transformed: bool) -> bytes:
    """A JPEG without the encoder's own application segments, and with the named one."""
    offset = 2
    while stream[offset + 1] in range(0xE0, 0xF0):
        offset += 2 + int.from_bytes(stream[offset + 2 : offset + 4], "big")
    segments = {
        "none": b"",
        "JFIF": b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00",
        "Adobe": b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00" + bytes([transformed]),
    }
    marked = stream[:2] + segments[markers] + stream[offset:]
    # Component identifiers 1, 2, 3: those of an untransformed stream are letters, which tell too much.
    place = marked.index(b"\xff\xc0") + 10
    ids = [marked[place + 3 * component] for component in range(3)]
    scan = marked.index(b"\xff\xda") + 5
    changed = bytearray(marked)
    for component in range(3):
        assert ids[component] == changed[scan + 2 * component]
        changed[place + 3 * component] = changed[scan + 2 * component] = component + 1
    return bytes(changed)


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, JPEGLSLossless, RLELossless])
def test_compressed_colour(syntax: UID, tmp_path: Path) -> None:
    """RGB comes back from the lossless transfer syntaxes as it was."""
    ds = _colour("RGB", COLOURS.tobytes())
    ds.compress(syntax)
    assert np.array_equal(COLOURS, _picture(ds, tmp_path))


def test_colour_of_jpeg_xl(tmp_path: Path) -> None:
    """JPEG XL shows its colours, and a recompressed JPEG those of the JPEG."""
    lossless = bytes(imagecodecs.jpegxl_encode(COLOURS, lossless=True))
    ds = _encapsulated(_colour("RGB", b""), [lossless], JPEGXLLossless)
    assert np.array_equal(COLOURS, _picture(ds, tmp_path))
    jpeg = bytes(imagecodecs.jpeg8_encode(COLOURS, level=97, subsampling="444"))
    again = bytes(imagecodecs.jpegxl_encode_jpeg(jpeg))
    ds = _encapsulated(_colour("YBR_FULL", b""), [again], JPEGXLRecompression)
    assert 12 >= np.abs(COLOURS.astype(int) - _picture(ds, tmp_path)).max()


@pytest.mark.parametrize("form", ["no offsets", "offsets", "many fragments", "extended offsets"])
def test_frames_are_found_with_and_without_offset_tables(form: str, tmp_path: Path) -> None:
    """Three frames come back in order however they are cut into fragments and indexed."""
    values = _ramp(8, signed=False, frames=3)
    frames = [bytes(imagecodecs.ljpeg_encode(frame, bitspersample=8)) for frame in values]
    ds = _encapsulated(_dataset(values, 8, signed=False), frames, JPEGLosslessSV1)
    if form == "extended offsets":
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    elif form == "many fragments":
        ds.PixelData = encapsulate(frames, fragments_per_frame=3)
    else:
        ds.PixelData = encapsulate(frames, has_bot=form == "offsets")
    ds["PixelData"].is_undefined_length = True
    assert np.array_equal(values, _values(ds, tmp_path))


@pytest.mark.parametrize("photometric", ["HSV", "ARGB", "CMYK", "YBR_PARTIAL_420"])
def test_colours_that_retired_are_refused(photometric: str, tmp_path: Path) -> None:
    """A photometric interpretation that nothing writes any more has a cause, not a wrong picture."""
    with pytest.raises(PermanentError, match="PhotometricInterpretation"):
        to_image_file(_colour(photometric, COLOURS.tobytes()), tmp_path)


@pytest.mark.parametrize("bits", [0, 3])
def test_bits_beside_the_stored_ones_are_no_part_of_a_value(bits: int, tmp_path: Path) -> None:
    """An old overlay above the stored bits, or rubbish below a high bit of its own, does not show."""
    values = _ramp(12, signed=True, frames=1)[0]
    stored = (values.view(np.uint16) & 0xFFF) << bits
    rubbish = np.random.default_rng(0).integers(0, 1 << 16, values.shape).astype(np.uint16)
    around = 0xFFFF ^ (0xFFF << bits)
    ds = make_grey(
        (stored | (rubbish & around)).astype(np.uint16),
        BitsStored=12,
        HighBit=11 + bits,
        PixelRepresentation=1,
    )
    image_file = to_image_file(ds, tmp_path)
    frame = next(image_file.frames())
    assert np.array_equal(values, stored_value(image_file.ds).values(frame))
    for window in ({}, {"WindowCenter": 100, "WindowWidth": 900}):
        plain = _dataset(values, 12, signed=True)
        for keyword, value in window.items():
            setattr(plain, keyword, value)
            setattr(image_file.ds, keyword, value)
        expected = _picture(plain, tmp_path)
        assert np.array_equal(expected, PictureRecipe(image_file.ds).draw(frame, index=0).picture)


@pytest.mark.parametrize("keyword", ["FloatPixelData", "DoubleFloatPixelData"])
def test_float_pixels(keyword: str, tmp_path: Path) -> None:
    """Floating point values are drawn over their own range, without those that are not finite."""
    values = np.linspace(-3, 7, 32 * 24).reshape(2, 16, 24)
    dtype = np.float32 if keyword == "FloatPixelData" else np.float64
    ds = make_grey(np.zeros((2, 16, 24), np.uint16))
    del ds.PixelData, ds.PixelRepresentation, ds.BitsStored, ds.HighBit
    ds.BitsAllocated = 8 * np.dtype(dtype).itemsize
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.30"
    setattr(ds, keyword, values.astype(dtype).tobytes())
    image_file = to_image_file(ds, tmp_path)
    recipe = PictureRecipe(image_file.ds)
    for index, frame in enumerate(image_file.frames()):
        own = values[index]
        expected = (own - own.min()) / (own.max() - own.min()) * 255
        assert 1 >= np.abs(expected - recipe.draw(frame, index=index).picture).max()


def test_segmented_palette(tmp_path: Path) -> None:
    """A palette given in segments shows pydicom's colours (PS3.3 C.7.9.2)."""
    path = real_path("gdcm-US-ALOKA-16.dcm")
    image_file = to_image_file(path.read_bytes(), tmp_path)
    drawing = PictureRecipe(image_file.ds).draw(next(image_file.frames()), index=0)
    ds = pydicom.dcmread(path)
    expected = pydicom.pixels.apply_color_lut(ds.pixel_array, ds) / 257
    assert 1 >= np.abs(expected - drawing.picture).max()
    assert "palette colour; 8 bit" == drawing.recipe
