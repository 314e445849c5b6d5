"""Grey frames in every transfer syntax, in every depth and sign that it can have."""

import zlib
from pathlib import Path

import imagecodecs
import numpy as np
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

from imaging.dataset.newer_uids import DeflatedFrames, JPEGXLLossless
from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.factories import real_path, to_image_file
from tests.unit.imaging.frames.encoded import encapsulated, grey_dataset, ramp, stored_values

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


def _encoded(values: np.ndarray, bits: int, syntax: UID) -> bytes:
    """An encoded frame; of signed values only the stored bits are encoded."""
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


def _dataset_in(syntax: UID, values: np.ndarray, bits: int, *, signed: bool) -> FileDataset:
    ds = grey_dataset(values, bits, signed=signed)
    if syntax in NATIVE:
        if syntax == ExplicitVRBigEndian:
            ds.PixelData = values.astype(values.dtype.newbyteorder(">")).tobytes()
            ds["PixelData"].VR = "OW" if bits > 8 else "OB"
        ds.file_meta.TransferSyntaxUID = syntax
        return ds
    if syntax in (RLELossless, JPEGLSLossless, JPEG2000Lossless):
        ds.compress(syntax)
        return ds
    return encapsulated(ds, [_encoded(frame, bits, syntax) for frame in values], syntax)


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("syntax", [*NATIVE, *LOSSLESS], ids=lambda uid: UID(uid).keyword)
def test_lossless_values_are_unchanged(syntax: UID, bits: int, signed: bool, tmp_path: Path) -> None:
    """In every lossless transfer syntax, depth and sign, both frames have the values that were written."""
    values = ramp(bits, signed=signed)
    assert np.array_equal(values, stored_values(_dataset_in(syntax, values, bits, signed=signed), tmp_path))


@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("syntax", NATIVE[:3], ids=lambda uid: uid.keyword)
def test_32_bits(syntax: UID, signed: bool, tmp_path: Path) -> None:
    """Values of 32 bits are unchanged, and can be drawn."""
    values = ramp(32, signed=signed)
    ds = _dataset_in(syntax, values, 32, signed=signed)
    assert np.array_equal(values, stored_values(ds, tmp_path))
    image_file = to_image_file((tmp_path / "image.dcm").read_bytes(), tmp_path)
    picture = PictureRecipe(image_file.ds).draw(next(image_file.frames()), index=0).picture
    assert (0, 255) == (picture.min(), picture.max())


def test_near_lossless(tmp_path: Path) -> None:
    """JPEG-LS with an error of 2 differs by at most 2."""
    values = ramp(12, signed=False)
    frames = [bytes(imagecodecs.jpegls_encode(frame, level=2)) for frame in values]
    ds = encapsulated(grey_dataset(values, 12, signed=False), frames, JPEGLSNearLossless)
    assert 2 >= np.abs(values.astype(int) - stored_values(ds, tmp_path)).max()


def test_lossy_jpeg_2000(tmp_path: Path) -> None:
    """Lossy JPEG 2000 differs by at most 8 of 4096 values."""
    values = ramp(12, signed=False)
    ds = grey_dataset(values, 12, signed=False)
    ds.compress(JPEG2000, j2k_psnr=[80])
    assert 8 >= np.abs(values.astype(int) - stored_values(ds, tmp_path)).max()


@pytest.mark.parametrize(("syntax", "bits"), [(JPEGBaseline8Bit, 8), (JPEGExtended12Bit, 12)])
def test_grey_jpeg(syntax: UID, bits: int, tmp_path: Path) -> None:
    """JPEG of 8 and of 12 bits differs by at most 1/60 of the range."""
    values = ramp(bits, signed=False)
    frames = [bytes(imagecodecs.jpeg8_encode(frame, level=98, bitspersample=bits)) for frame in values]
    ds = encapsulated(grey_dataset(values, bits, signed=False), frames, syntax)
    assert (1 << bits) / 60 >= np.abs(values.astype(int) - stored_values(ds, tmp_path)).max()


@pytest.mark.parametrize("name", ["JPEG-lossy.dcm", "JPGExtended.dcm"])
def test_jpeg_of_12_bits(name: str, tmp_path: Path) -> None:
    """Real files of JPEG Extended with 12 bits look like the lossless file of the same image."""
    original = next(to_image_file(real_path("JPEG-LL.dcm").read_bytes(), tmp_path).frames())
    frame = next(to_image_file(real_path(name).read_bytes(), tmp_path).frames())
    assert np.uint16 == frame.dtype
    assert 3 >= np.abs(frame.astype(int) - original).mean()


@pytest.mark.parametrize("form", ["no offsets", "offsets", "many fragments", "extended offsets"])
def test_frames_are_found_with_and_without_offset_tables(form: str, tmp_path: Path) -> None:
    """Three frames are read in order, whatever their fragments and offset tables."""
    values = ramp(8, signed=False, frames=3)
    frames = [bytes(imagecodecs.ljpeg_encode(frame, bitspersample=8)) for frame in values]
    ds = encapsulated(grey_dataset(values, 8, signed=False), frames, JPEGLosslessSV1)
    if form == "extended offsets":
        ds.PixelData, ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = encapsulate_extended(frames)
    elif form == "many fragments":
        ds.PixelData = encapsulate(frames, fragments_per_frame=3)
    else:
        ds.PixelData = encapsulate(frames, has_bot=form == "offsets")
    ds["PixelData"].is_undefined_length = True
    assert np.array_equal(values, stored_values(ds, tmp_path))
