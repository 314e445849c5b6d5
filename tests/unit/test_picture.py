"""The picture recipe, measured against pydicom's own pipeline."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.sequence import Sequence

from common.dicom.image_file import Limits, read_image_file
from common.dicom.picture import Picture, render_frame
from tests.unit.factories import make_grey, real_path, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

GREY = """CT_small MR_small MR_small_RLE MR_small_bigendian MR_small_expb MR_small_implicit
    MR_small_jp2klossless MR_small_jpeg_ls_lossless MR_small_padded 693_J2KI JPEG2000
    image_dfl examples_overlay examples_jpeg2k rtdose_1frame rtdose_rle_1frame
    J2K_pixelrep_mismatch liver_1frame""".split()
COLOUR = """examples_rgb_color examples_ybr_color SC_rgb_jpeg_dcmtk SC_rgb_rle SC_rgb_small_odd
    SC_rgb_rle_16bit SC_ybr_full_422_uncompressed SC_rgb_gdcm_KY""".split()
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
WIDE = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)


def _drawn(ds_or_path: pydicom.FileDataset | Path, folder: Path) -> list[Picture]:
    if isinstance(ds_or_path, Path):
        image_file = read_image_file(ds_or_path, Limits())
    else:
        image_file = to_image_file(ds_or_path, folder)
    frames = image_file.frames()
    return [render_frame(frame, image_file.ds, index=index) for index, frame in enumerate(frames)]


def _own_range(values: NDArray) -> NDArray:
    low, high = float(values.min()), float(values.max())
    return (values - low) * (255 / (high - low)) if high > low else np.zeros(values.shape)


def _window_range(ds: Dataset) -> tuple[float, float]:
    """The output range of pydicom's window: what the stored bits can say, in modality units."""
    bits, signed = ds.BitsStored, ds.PixelRepresentation
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    slope, intercept = float(ds.get("RescaleSlope", 1)), float(ds.get("RescaleIntercept", 0))
    return low * slope + intercept, high * slope + intercept


def _oracle(path: Path) -> NDArray:
    """A frame by pydicom alone, scaled to 0..255."""
    ds = pydicom.dcmread(path)
    values = apply_modality_lut(pixel_array(ds, index=0), ds)
    if "WindowWidth" in ds or "VOILUTSequence" in ds:
        low, high = _window_range(ds)
        expected = (apply_voi_lut(values, ds) - low) * (255 / (high - low))
    else:
        expected = _own_range(values)
    return 255 - expected if ds.PhotometricInterpretation == "MONOCHROME1" else expected


@pytest.mark.parametrize("name", GREY)
def test_real_grey_files_look_as_pydicom_draws_them(name: str, tmp_path: Path) -> None:
    """Every grey value is within one of what pydicom's modality and VOI functions give."""
    picture = _drawn(real_path(f"{name}.dcm"), tmp_path)[0]
    assert np.uint8 == picture.dtype
    assert 1 >= np.abs(_oracle(real_path(f"{name}.dcm")) - picture).max()


@pytest.mark.parametrize("name", COLOUR)
def test_real_colour_files_look_as_pydicom_decodes_them(name: str, tmp_path: Path) -> None:
    """RGB comes as decoded, scaled to 8 bits."""
    path = real_path(f"{name}.dcm")
    decoded = pixel_array(path, index=0)
    expected = decoded * (255 / ((1 << pydicom.dcmread(path).BitsStored) - 1))
    picture = _drawn(path, tmp_path)[0]
    assert (*decoded.shape[:2], 3) == picture.shape
    assert 1 >= np.abs(expected - picture).max()


def test_real_palette_file_is_coloured(tmp_path: Path) -> None:
    """PALETTE COLOR becomes RGB through its tables."""
    path = real_path("examples_palette.dcm")
    ds = pydicom.dcmread(path)
    expected = apply_color_lut(pixel_array(path, index=0), ds)
    scale = 255 / ((1 << ds.RedPaletteColorLookupTableDescriptor[2]) - 1)
    (picture, *_) = _drawn(path, tmp_path)
    assert (*ds.pixel_array.shape[:2], 3) == picture.shape
    assert 1 >= np.abs(expected * scale - picture).max()


@pytest.mark.parametrize("name", ["SC_rgb_rle_2frame", "SC_rgb_rle_16bit_2frame", "rtdose_rle", "rtdose"])
def test_every_frame_is_drawn(name: str, tmp_path: Path) -> None:
    """As many pictures as frames, each of the frame's size."""
    ds = pydicom.dcmread(real_path(f"{name}.dcm"))
    pictures = _drawn(real_path(f"{name}.dcm"), tmp_path)
    assert [(ds.Rows, ds.Columns)] * ds.NumberOfFrames == [picture.shape[:2] for picture in pictures]


def test_monochrome1_is_inverted(tmp_path: Path) -> None:
    """The smallest value is shown white."""
    (plain,) = _drawn(make_grey(WIDE), tmp_path)
    (inverted,) = _drawn(make_grey(WIDE, PhotometricInterpretation="MONOCHROME1"), tmp_path)
    assert np.array_equal(255 - plain, inverted)
    assert (0, 255) == (plain[0, 0], inverted[0, 0])


def test_without_a_window_the_own_range_is_stretched(tmp_path: Path) -> None:
    """The smallest value is black, the largest white."""
    (picture,) = _drawn(make_grey((WIDE // 100 + 300).astype(np.uint16)), tmp_path)
    assert (0, 255) == (picture.min(), picture.max())


@pytest.mark.parametrize("value", [0, 7, 65535])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_constant_frame_without_a_window(value: int, photometric: str, tmp_path: Path) -> None:
    """A frame of one value is one grey, whatever the value: it shows nothing."""
    ds = make_grey(np.full((8, 8), value, np.uint16), PhotometricInterpretation=photometric)
    (picture,) = _drawn(ds, tmp_path)
    assert picture.min() == picture.max()


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (None, [0, 0, 128, 255, 255]),
        ("LINEAR", [0, 0, 128, 255, 255]),
        ("LINEAR_EXACT", [0, 0, 128, 255, 255]),
        ("SIGMOID", [0, 30, 128, 225, 255]),
    ],
)
def test_windows(function: str | None, expected: list[int], tmp_path: Path) -> None:
    """Window functions by the formulas of PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    values = np.array([[0, 750, 1000, 1250, 2000]], np.uint16)
    elements = {"WindowCenter": 1000, "WindowWidth": 500}
    ds = make_grey(values, **elements, **({"VOILUTFunction": function} if function else {}))
    (picture,) = _drawn(ds, tmp_path)
    assert 1 >= np.abs(np.array(expected) - picture[0].astype(int)).max()


def test_first_of_several_windows_is_used(tmp_path: Path) -> None:
    """Of several windows the first one holds."""
    one = make_grey(WIDE, WindowCenter=1000, WindowWidth=500)
    several = make_grey(WIDE, WindowCenter=[1000, 9], WindowWidth=[500, 3])
    assert np.array_equal(_drawn(one, tmp_path), _drawn(several, tmp_path))


@pytest.mark.parametrize("width", [0, -5])
def test_window_of_no_width_is_not_used(width: int, tmp_path: Path) -> None:
    """A width below 1 is not allowed (C.11.2.1.2.1); the own range is taken."""
    (picture,) = _drawn(make_grey(WIDE, WindowCenter=10, WindowWidth=width), tmp_path)
    assert np.array_equal(_drawn(make_grey(WIDE), tmp_path)[0], picture)


def test_window_of_width_one_is_a_step(tmp_path: Path) -> None:
    """A width of 1 parts values at the centre: below or at half a value under it black, above white."""
    ds = make_grey(RAMP.astype(np.uint16), WindowCenter=100, WindowWidth=1)
    (picture,) = _drawn(ds, tmp_path)
    assert np.array_equal(np.where(RAMP >= 100, 255, 0), picture)


def test_rescale_comes_before_the_window(tmp_path: Path) -> None:
    """The window is in modality units."""
    ds = make_grey(WIDE, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=0, WindowWidth=2000)
    expected = np.clip(((WIDE.astype(float) * 2 - 1000 + 0.5) / 1999 + 0.5) * 255, 0, 255)
    assert 1 >= np.abs(expected - _drawn(ds, tmp_path)[0]).max()


@pytest.mark.parametrize("vr", ["OW", "US"])
@pytest.mark.parametrize("keyword", ["ModalityLUTSequence", "VOILUTSequence"])
def test_tables_of_either_representation(keyword: str, vr: str, tmp_path: Path) -> None:
    """A table's data may be words in a row (OW, as most files have it) or numbers (US)."""
    values = np.arange(0, 65536, 257, dtype=np.uint16)[::-1]
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [256, 0, 16])
    table.add_new("LUTData", vr, values.tobytes() if vr == "OW" else values.tolist())
    (picture,) = _drawn(make_grey(RAMP, **{keyword: Sequence([table])}), tmp_path)
    assert np.array_equal(255 - RAMP, picture)


def test_functional_groups_hold_for_their_frame(tmp_path: Path) -> None:
    """A per-frame window is used for its frame, the shared one for the others."""

    def group(center: int) -> Dataset:
        voi, outer = Dataset(), Dataset()
        voi.WindowCenter, voi.WindowWidth = center, 100
        outer.FrameVOILUTSequence = Sequence([voi])
        return outer

    ds = make_grey(
        np.full((2, 4, 4), 1000, np.uint16),
        SharedFunctionalGroupsSequence=Sequence([group(1000)]),
        PerFrameFunctionalGroupsSequence=Sequence([group(5000), Dataset()]),
    )
    first, second = _drawn(ds, tmp_path)
    assert (0, 129) == (first.max(), second.max())


def test_8_bit_grey_with_its_full_range_is_unchanged(tmp_path: Path) -> None:
    """Values from 0 to 255 come back as they are."""
    assert np.array_equal(RAMP, _drawn(make_grey(RAMP), tmp_path)[0])


def test_values_that_are_not_finite_are_drawn() -> None:
    """Float pixels that are no number are shown as the darkest."""
    frame = np.array([[0.0, 1.0], [np.nan, np.inf]], np.float32)
    ds = Dataset()
    ds.PhotometricInterpretation = "MONOCHROME2"
    picture = render_frame(frame, ds, index=0)
    assert (0, 255) == (picture[0, 0], picture[0, 1])
    assert 0 == picture[1, 0]
