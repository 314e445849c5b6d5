"""The picture recipe, measured against pydicom's own pipeline."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut, pixel_array
from pydicom.sequence import Sequence

from imaging.frames.image_checks import Limits
from imaging.frames.image_file import read_image_file
from imaging.rendering.picture_recipe import Drawing, PictureRecipe, PictureRules
from imaging.rendering.voi_lut import Picture
from tests.support.factories import make_grey, real_path, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

GREY = """MR_small MR_small_RLE MR_small_bigendian MR_small_expb MR_small_implicit
    MR_small_jp2klossless MR_small_jpeg_ls_lossless MR_small_padded 693_J2KI JPEG2000
    image_dfl examples_overlay examples_jpeg2k rtdose_1frame rtdose_rle_1frame
    J2K_pixelrep_mismatch liver_1frame""".split()
COLOUR = """examples_rgb_color examples_ybr_color SC_rgb_jpeg_dcmtk SC_rgb_rle SC_rgb_small_odd
    SC_rgb_rle_16bit SC_ybr_full_422_uncompressed SC_rgb_gdcm_KY""".split()
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
WIDE = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)


def _drawn(ds_or_path: pydicom.FileDataset | Path, folder: Path, **rules: object) -> list[Picture]:
    return [drawing.picture for drawing in _drawings(ds_or_path, folder, **rules)]


def _drawings(ds_or_path: pydicom.FileDataset | Path, folder: Path, **rules: object) -> list[Drawing]:
    if isinstance(ds_or_path, Path):
        image_file = read_image_file(ds_or_path, Limits())
    else:
        image_file = to_image_file(ds_or_path, folder)
    frames = image_file.frames()
    recipe = PictureRecipe(image_file.ds, PictureRules(**rules))
    return [recipe.draw(frame, index=index) for index, frame in enumerate(frames)]


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
    picture = PictureRecipe(ds).draw(frame, index=0).picture
    assert (0, 255) == (picture[0, 0], picture[0, 1])
    assert 0 == picture[1, 0]


def test_ct_without_a_window_shows_soft_tissue(tmp_path: Path) -> None:
    """A CT in Hounsfield units without a window is drawn with 40/400, and says so."""
    (drawing,) = _drawings(real_path("CT_small.dcm"), tmp_path)
    ds = pydicom.dcmread(real_path("CT_small.dcm"))
    ds.WindowCenter, ds.WindowWidth = 40, 400
    (expected,) = _drawings(ds, tmp_path)
    assert np.array_equal(expected.picture, drawing.picture)
    assert "rescale 1 x + -1024; window 40/400 LINEAR by default for CT; 8 bit" == drawing.recipe
    assert "rescale 1 x + -1024; window 40/400 LINEAR of the file; 8 bit" == expected.recipe


def test_window_by_setting_stands_above_the_files_own(tmp_path: Path) -> None:
    """A window set for a modality is used for its files, whatever these bring, and for no others."""
    windows = {"CT": (-600, 1500)}
    own = make_grey(WIDE, WindowCenter=10, WindowWidth=20, Modality="CT")
    (drawing,) = _drawings(own, tmp_path, windows=windows)
    expected = np.clip((WIDE - (-600.5)) / 1499 * 255 + 127.5, 0, 255)
    assert 1 >= np.abs(expected - drawing.picture).max()
    assert "window -600/1500 LINEAR by setting for CT; 8 bit" == drawing.recipe
    own.Modality = "MR"
    assert "of the file" in _drawings(own, tmp_path, windows=windows)[0].recipe


@pytest.mark.parametrize(
    ("photometric", "shape", "is_inverted"),
    [
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", True),
    ],
)
def test_presentation_lut_shape(photometric: str, shape: str, is_inverted: bool, tmp_path: Path) -> None:
    """INVERSE and MONOCHROME1 each mean that the least value is white, and both together no more."""
    ds = make_grey(RAMP, PhotometricInterpretation=photometric, PresentationLUTShape=shape)
    (drawing,) = _drawings(ds, tmp_path)
    assert np.array_equal(255 - RAMP if is_inverted else RAMP, drawing.picture)
    assert is_inverted == ("inverted" in drawing.recipe)


@pytest.mark.parametrize("padding", [63536, -2000])
def test_padding_does_not_widen_the_range(padding: int, tmp_path: Path) -> None:
    """Values outside the field of view don't press the picture together, however the value is written."""
    values = np.linspace(0, 1000, 256).astype(np.int16).reshape(16, 16)
    values[0] = -2000
    ds = make_grey(values, PixelRepresentation=1)
    ds.add_new("PixelPaddingValue", "SS" if padding < 0 else "US", padding)
    picture = _drawn(ds, tmp_path)[0]
    inside = values[1:].astype(float)
    expected = (inside - inside.min()) / (inside.max() - inside.min()) * 255
    assert 1 >= np.abs(expected - picture[1:]).max()
    assert not picture[0].any()


def test_overlays_are_not_drawn(tmp_path: Path) -> None:
    """An overlay in an element of its own, or in the bits above the stored ones, is no part of a picture."""
    whole = pydicom.dcmread(real_path("examples_overlay.dcm"))
    without = pydicom.dcmread(real_path("examples_overlay.dcm"))
    for element in list(without.group_dataset(0x6000)):
        del without[element.tag]
    assert np.array_equal(_drawn(without, tmp_path), _drawn(whole, tmp_path))
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    overlaid = make_grey(values | 0x1000, BitsStored=12, HighBit=11)
    assert np.array_equal(_drawn(make_grey(values), tmp_path), _drawn(overlaid, tmp_path))


def test_modality_values_in_16_bits(tmp_path: Path) -> None:
    """By setting, a CT's picture holds its Hounsfield units, which its recipe tells how to read."""
    (drawing,) = _drawings(real_path("CT_small.dcm"), tmp_path, is_deep=True)
    ds = pydicom.dcmread(real_path("CT_small.dcm"))
    assert np.uint16 == drawing.picture.dtype
    assert np.array_equal(apply_modality_lut(ds.pixel_array, ds), drawing.picture - 32768.0)
    assert "rescale 1 x + -1024; 16 bit, value = pixel x 1 + -32768" == drawing.recipe


@pytest.mark.parametrize(
    ("elements", "step", "zero"),
    [
        ({}, 1, 0),
        ({"RescaleSlope": "0.5", "RescaleIntercept": "0"}, 0.5, 0),
        ({"RescaleSlope": "0.25", "RescaleIntercept": "-100"}, 0.25, -100),
        ({"RescaleSlope": "3", "RescaleIntercept": "0"}, 4, 0),
        ({"PhotometricInterpretation": "MONOCHROME1"}, 1, 0),
    ],
)
def test_16_bits_hold_every_scale(elements: dict, step: float, zero: float, tmp_path: Path) -> None:
    """Pixel times step plus zero gives the value back, within half a step."""
    ds = make_grey(WIDE, Modality="MR", **elements)
    (drawing,) = _drawings(ds, tmp_path, is_deep=True)
    assert f"value = pixel x {step:g} + {zero:g}" in drawing.recipe
    values = WIDE * float(ds.get("RescaleSlope", 1)) + float(ds.get("RescaleIntercept", 0))
    assert step / 2 >= np.abs(values - (drawing.picture * float(step) + zero)).max()


def test_fractional_segmentation_has_the_same_greys_in_every_frame(tmp_path: Path) -> None:
    """A segmentation's fractions are drawn from none to its greatest, not from each frame's own range."""
    values = np.stack([RAMP // 4, RAMP // 8])
    ds = make_grey(values, SegmentationType="FRACTIONAL", MaximumFractionalValue=100)
    for value, drawing in zip(values, _drawings(ds, tmp_path), strict=True):
        assert 1 >= np.abs(np.clip(value * 2.55, 0, 255) - drawing.picture).max()
        assert "range 0 to 100; 8 bit" == drawing.recipe
