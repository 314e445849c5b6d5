"""Modality LUT, VOI LUT and windows."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.support.factories import make_grey, real_path
from tests.unit.imaging.rendering.drawings import RAMP, WIDE, drawings, pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


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
    """Window functions follow the formulas of PS3.3 C.11.2.1.2 and C.11.2.1.3."""
    values = np.array([[0, 750, 1000, 1250, 2000]], np.uint16)
    elements = {"WindowCenter": 1000, "WindowWidth": 500}
    ds = make_grey(values, **elements, **({"VOILUTFunction": function} if function else {}))
    (picture,) = pictures(ds, tmp_path)
    assert 1 >= np.abs(np.array(expected) - picture[0].astype(int)).max()


def test_first_of_several_windows_is_used(tmp_path: Path) -> None:
    """The first of several windows is used."""
    one = make_grey(WIDE, WindowCenter=1000, WindowWidth=500)
    several = make_grey(WIDE, WindowCenter=[1000, 9], WindowWidth=[500, 3])
    assert np.array_equal(pictures(one, tmp_path), pictures(several, tmp_path))


@pytest.mark.parametrize("width", [0, -5])
def test_window_of_zero_or_negative_width_is_not_used(width: int, tmp_path: Path) -> None:
    """A width below 1 is not allowed (C.11.2.1.2.1); the frame's own range is used."""
    (picture,) = pictures(make_grey(WIDE, WindowCenter=10, WindowWidth=width), tmp_path)
    assert np.array_equal(pictures(make_grey(WIDE), tmp_path)[0], picture)


def test_window_of_width_one_is_a_step(tmp_path: Path) -> None:
    """With a width of 1, values up to half a value below the center are black, others white."""
    ds = make_grey(RAMP.astype(np.uint16), WindowCenter=100, WindowWidth=1)
    (picture,) = pictures(ds, tmp_path)
    assert np.array_equal(np.where(RAMP >= 100, 255, 0), picture)


def test_rescale_is_applied_before_the_window(tmp_path: Path) -> None:
    """The window is in modality units."""
    ds = make_grey(WIDE, RescaleSlope=2, RescaleIntercept=-1000, WindowCenter=0, WindowWidth=2000)
    expected = np.clip(((WIDE.astype(float) * 2 - 1000 + 0.5) / 1999 + 0.5) * 255, 0, 255)
    assert 1 >= np.abs(expected - pictures(ds, tmp_path)[0]).max()


@pytest.mark.parametrize("vr", ["OW", "US"])
@pytest.mark.parametrize("keyword", ["ModalityLUTSequence", "VOILUTSequence"])
def test_tables_of_words_or_numbers(keyword: str, vr: str, tmp_path: Path) -> None:
    """The data of a table may be words (OW, as in most files) or numbers (US)."""
    values = np.arange(0, 65536, 257, dtype=np.uint16)[::-1]
    table = Dataset()
    table.add_new("LUTDescriptor", "US", [256, 0, 16])
    table.add_new("LUTData", vr, values.tobytes() if vr == "OW" else values.tolist())
    (picture,) = pictures(make_grey(RAMP, **{keyword: Sequence([table])}), tmp_path)
    assert np.array_equal(255 - RAMP, picture)


def test_functional_groups_apply_to_their_frame(tmp_path: Path) -> None:
    """A per-frame window is used for its frame, the shared window for the others."""

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
    first, second = pictures(ds, tmp_path)
    assert (0, 129) == (first.max(), second.max())


def test_ct_without_a_window_shows_soft_tissue(tmp_path: Path) -> None:
    """A CT in Hounsfield units without a window is drawn with 40/400, and its recipe says so."""
    (drawing,) = drawings(real_path("CT_small.dcm"), tmp_path)
    ds = pydicom.dcmread(real_path("CT_small.dcm"))
    ds.WindowCenter, ds.WindowWidth = 40, 400
    (expected,) = drawings(ds, tmp_path)
    assert np.array_equal(expected.picture, drawing.picture)
    assert "rescale 1 x + -1024; window 40/400 LINEAR by default for CT; 8 bit" == drawing.recipe
    assert "rescale 1 x + -1024; window 40/400 LINEAR of the file; 8 bit" == expected.recipe


def test_window_of_the_settings_replaces_the_files_window(tmp_path: Path) -> None:
    """A window set for a modality is used for all files of it, and for no others."""
    windows = {"CT": (-600, 1500)}
    own = make_grey(WIDE, WindowCenter=10, WindowWidth=20, Modality="CT")
    (drawing,) = drawings(own, tmp_path, windows=windows)
    expected = np.clip((WIDE - (-600.5)) / 1499 * 255 + 127.5, 0, 255)
    assert 1 >= np.abs(expected - drawing.picture).max()
    assert "window -600/1500 LINEAR by setting for CT; 8 bit" == drawing.recipe
    own.Modality = "MR"
    assert "of the file" in drawings(own, tmp_path, windows=windows)[0].recipe


def test_own_range_is_stretched_without_a_window(tmp_path: Path) -> None:
    """The least value is black, the greatest white."""
    (picture,) = pictures(make_grey((WIDE // 100 + 300).astype(np.uint16)), tmp_path)
    assert (0, 255) == (picture.min(), picture.max())


@pytest.mark.parametrize("value", [0, 7, 65535])
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_constant_frame_without_a_window(value: int, photometric: str, tmp_path: Path) -> None:
    """A frame of one value is drawn in one grey level, whatever the value."""
    ds = make_grey(np.full((8, 8), value, np.uint16), PhotometricInterpretation=photometric)
    (picture,) = pictures(ds, tmp_path)
    assert picture.min() == picture.max()
