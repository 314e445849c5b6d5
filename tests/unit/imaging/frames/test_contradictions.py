"""Headers that contradict their pixel data: read if one reading is possible, else the attribute is named."""

import io
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate
from pydicom.uid import HTJ2KLossless, JPEG2000Lossless, JPEGLSLossless

from common.errors import PermanentError
from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from tests.support.factories import PSEUDONYMS, make_grey, to_image_file
from tests.unit.imaging.frames.encoded import encapsulated

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

STORED = np.linspace(0, 4095, 1024).astype(np.uint16).reshape(32, 32)
FRAMES = np.stack([STORED, STORED[::-1], STORED.T])
NUMBERS = "Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel".split()


def _grey(values: np.ndarray = STORED) -> FileDataset:
    return make_grey(values, BitsStored=12, HighBit=11)


def _jpeg_ls(**options: object) -> FileDataset:
    streams = [bytes(imagecodecs.jpegls_encode(frame)) for frame in FRAMES]
    ds = encapsulated(_grey(FRAMES), streams, JPEGLSLossless)
    ds.PixelData = encapsulate(streams, **options)
    ds["PixelData"].is_undefined_length = True
    return ds


@pytest.mark.parametrize("vr", ["UL", "SL", "UV"])
@pytest.mark.parametrize("keyword", NUMBERS)
def test_numbers_of_another_vr_stay_in_the_deidentified_file(keyword: str, vr: str, tmp_path: Path) -> None:
    """A description that was read is also written: without it, nobody could read the pixels."""
    ds = _grey()
    value = ds[keyword].value
    ds.add_new(keyword, vr, value)
    image_file = to_image_file(ds, tmp_path)
    assert np.array_equal(STORED, next(image_file.frames()))
    buffer = io.BytesIO()
    deidentify(image_file, PSEUDONYMS, Profile()).write(buffer)
    written = pydicom.dcmread(io.BytesIO(buffer.getvalue()))
    assert ("US", value) == (written[keyword].VR, written[keyword].value)


@pytest.mark.parametrize("term", ["monochrome1", "\0MONOCHROME1", "MONOCHROME1\0\0x", " Monochrome1 "])
def test_terms_in_lower_case_or_with_nul(term: str, tmp_path: Path) -> None:
    """A term has one reading, however it is written."""
    image_file = to_image_file(make_grey(STORED, PhotometricInterpretation=term), tmp_path)
    assert "MONOCHROME1" == image_file.ds.PhotometricInterpretation


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_stream_that_transforms_rgb_holds_rgb(photometric: str, tmp_path: Path) -> None:
    """YBR of a JPEG that became JPEG 2000 is left in headers of streams that hold RGB."""
    colours = np.random.default_rng(0).integers(0, 256, (16, 16, 3)).astype(np.uint8)
    stream = imagecodecs.jpeg2k_encode(colours, codecformat="j2k", reversible=True, mct=True)
    ds = make_grey(colours[..., 0], SamplesPerPixel=3, PlanarConfiguration=0)
    ds.PhotometricInterpretation = photometric
    image_file = to_image_file(encapsulated(ds, [bytes(stream)], JPEG2000Lossless), tmp_path)
    assert np.array_equal(colours, next(image_file.frames()))


def test_offsets_without_lengths_are_not_used(tmp_path: Path) -> None:
    """An Extended Offset Table means nothing without its lengths."""
    ds = _jpeg_ls(has_bot=False)
    ds.ExtendedOffsetTable = np.array([0, 5, 9], "<u8").tobytes()
    assert np.array_equal(FRAMES, np.stack(list(to_image_file(ds, tmp_path).frames())))


@pytest.mark.parametrize("frames", [1, 2, 4])
@pytest.mark.parametrize("kind", ["native", "fragments"])
def test_wrong_number_of_frames_is_named(kind: str, frames: int, tmp_path: Path) -> None:
    """Pixel data of more or fewer frames is refused, and what may be wrong is named."""
    ds = _grey(FRAMES) if kind == "native" else _jpeg_ls()
    ds.NumberOfFrames = frames
    with pytest.raises(PermanentError, match="NumberOfFrames"):
        list(to_image_file(ds, tmp_path).frames())


@pytest.mark.parametrize("syntax", [JPEG2000Lossless, HTJ2KLossless])
def test_stream_of_more_bits_than_are_allocated_is_not_cut(syntax: str, tmp_path: Path) -> None:
    """A stream of 12 bits in 8 allocated ones would lose its upper bits, so it is refused."""
    encode = imagecodecs.jpeg2k_encode if syntax == JPEG2000Lossless else imagecodecs.htj2k_encode
    options = {"codecformat": "j2k"} if syntax == JPEG2000Lossless else {}
    ds = encapsulated(_grey(), [bytes(encode(STORED, reversible=True, **options))], syntax)
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8, 8, 7
    with pytest.raises(PermanentError, match=r"^BitsAllocated "):
        list(to_image_file(ds, tmp_path).frames())
