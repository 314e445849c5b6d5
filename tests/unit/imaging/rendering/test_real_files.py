"""Pictures of real files, compared with pydicom's own functions."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array

from tests.support.factories import real_path
from tests.unit.imaging.rendering.drawings import pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

GREY = """MR_small MR_small_RLE MR_small_bigendian MR_small_expb MR_small_implicit
    MR_small_jp2klossless MR_small_jpeg_ls_lossless MR_small_padded 693_J2KI JPEG2000
    image_dfl examples_overlay examples_jpeg2k rtdose_1frame rtdose_rle_1frame
    J2K_pixelrep_mismatch liver_1frame""".split()
COLOUR = """examples_rgb_color examples_ybr_color SC_rgb_jpeg_dcmtk SC_rgb_rle SC_rgb_small_odd
    SC_rgb_rle_16bit SC_ybr_full_422_uncompressed SC_rgb_gdcm_KY""".split()


def _own_range(values: NDArray) -> NDArray:
    low, high = float(values.min()), float(values.max())
    return (values - low) * (255 / (high - low)) if high > low else np.zeros(values.shape)


def _window_range(ds: Dataset) -> tuple[float, float]:
    """The output range of pydicom's window: the range of the stored bits in modality units."""
    bits, signed = ds.BitsStored, ds.PixelRepresentation
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    slope, intercept = float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
    return low * slope + intercept, high * slope + intercept


def _by_pydicom(path: Path) -> NDArray:
    """The first frame drawn with pydicom's functions, scaled to 0..255."""
    ds = pydicom.dcmread(path)
    values = apply_modality_lut(pixel_array(ds, index=0), ds)
    if "WindowWidth" in ds or "VOILUTSequence" in ds:
        low, high = _window_range(ds)
        expected = (apply_voi_lut(values, ds) - low) * (255 / (high - low))
    else:
        expected = _own_range(values)
    return 255 - expected if ds.PhotometricInterpretation == "MONOCHROME1" else expected


@pytest.mark.parametrize("name", GREY)
def test_grey_files_look_as_pydicom_draws_them(name: str, tmp_path: Path) -> None:
    """Every grey level differs by at most one from that of pydicom's modality and VOI functions."""
    picture = pictures(real_path(f"{name}.dcm"), tmp_path)[0]
    assert np.uint8 == picture.dtype
    assert 1 >= np.abs(_by_pydicom(real_path(f"{name}.dcm")) - picture).max()


@pytest.mark.parametrize("name", COLOUR)
def test_colour_files_look_as_pydicom_decodes_them(name: str, tmp_path: Path) -> None:
    """RGB is drawn as decoded, scaled to 8 bits."""
    path = real_path(f"{name}.dcm")
    decoded = pixel_array(path, index=0)
    expected = decoded * (255 / ((1 << pydicom.dcmread(path).BitsStored) - 1))
    picture = pictures(path, tmp_path)[0]
    assert (*decoded.shape[:2], 3) == picture.shape
    assert 1 >= np.abs(expected - picture).max()


def test_palette_file_is_drawn_in_colour(tmp_path: Path) -> None:
    """PALETTE COLOR is converted to RGB by its tables."""
    path = real_path("examples_palette.dcm")
    ds = pydicom.dcmread(path)
    expected = apply_color_lut(pixel_array(path, index=0), ds)
    scale = 255 / ((1 << ds.RedPaletteColorLookupTableDescriptor[2]) - 1)
    picture, *_ = pictures(path, tmp_path)
    assert (*ds.pixel_array.shape[:2], 3) == picture.shape
    assert 1 >= np.abs(expected * scale - picture).max()


@pytest.mark.parametrize("name", ["SC_rgb_rle_2frame", "SC_rgb_rle_16bit_2frame", "rtdose_rle", "rtdose"])
def test_every_frame_is_drawn(name: str, tmp_path: Path) -> None:
    """There are as many pictures as frames, each of the frame's size."""
    ds = pydicom.dcmread(real_path(f"{name}.dcm"))
    drawn = pictures(real_path(f"{name}.dcm"), tmp_path)
    assert [(ds.Rows, ds.Columns)] * ds.NumberOfFrames == [picture.shape[:2] for picture in drawn]
