"""Windows, slopes, units and padding as files write them, against pictures computed in the tests."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from tests.support.factories import make_grey
from tests.unit.imaging.rendering.drawings import drawings, pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

STORED = np.linspace(0, 4095, 1024).astype(np.uint16).reshape(32, 32)


def _with_texts(ds: Dataset, **texts: str) -> Dataset:
    """A data set with elements whose text is written as it is."""
    for keyword, text in texts.items():
        tag, raw = Tag(tag_for_keyword(keyword)), text.encode() + b" " * (len(text) % 2)
        element = RawDataElement(tag, dictionary_VR(tag), len(raw), raw, 0, False, True)
        ds._dict[tag] = element  # noqa: SLF001 setting it would parse the text
    return ds


def _mr(**elements: object) -> FileDataset:
    return make_grey(STORED, BitsStored=12, HighBit=11, Modality="MR", **elements)


def _stretched(values: np.ndarray, low: float, high: float) -> np.ndarray:
    x = (values.astype(float) - low) / (high - low)
    return np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)


def _linear(values: np.ndarray, center: float, width: float) -> np.ndarray:
    """C.11.2.1.2.1: ((x - (c - 0.5)) / (w - 1) + 0.5) of the output range."""
    x = (values.astype(float) - (center - 0.5)) / (width - 1) + 0.5
    return np.rint(np.clip(x, 0, 1) * 255).astype(np.uint8)


OWN = _stretched(STORED, 0, 4095)


@pytest.mark.parametrize(
    "texts",
    [
        {"WindowCenter": "NaN", "WindowWidth": "NaN"},
        {"WindowCenter": "400", "WindowWidth": "1e999"},
        {"WindowCenter": "-inf", "WindowWidth": "100"},
        {"WindowCenter": "\\300", "WindowWidth": "\\20"},
        {"WindowCenter": "soft", "WindowWidth": "tissue"},
        {"WindowCenter": "300", "WindowWidth": "-20"},
        {"WindowCenter": "1,2,3", "WindowWidth": "20"},
        {"WindowCenter": "1_000", "WindowWidth": "500"},
        {"WindowCenter": "1000HU", "WindowWidth": "500"},
        {"RescaleSlope": "1\\2", "RescaleIntercept": "0"},
        {"RescaleSlope": "NaN", "RescaleIntercept": "-1024"},
        {"RescaleSlope": "0", "RescaleIntercept": "5"},
        {"RescaleSlope": "1", "RescaleIntercept": "1e999"},
    ],
)
def test_values_that_are_no_numbers_count_as_absent(texts: dict[str, str], tmp_path: Path) -> None:
    """The picture is that of a file without them, and the recipe says which value was not used."""
    (drawing,) = drawings(_with_texts(_mr(), **texts), tmp_path)
    assert np.array_equal(OWN, drawing.picture)
    remarks = drawing.recipe.partition("8 bit; ")[2]
    assert remarks
    assert all(remark.split()[0] in texts for remark in remarks.split("; "))


@pytest.mark.parametrize("texts", [{"WindowCenter": "", "WindowWidth": ""}, {"RescaleSlope": ""}])
def test_empty_values_need_no_remark(texts: dict[str, str], tmp_path: Path) -> None:
    """An element without a value is as none."""
    (drawing,) = drawings(_with_texts(_mr(), **texts), tmp_path)
    assert np.array_equal(OWN, drawing.picture)
    assert "own range; 8 bit" == drawing.recipe


def test_decimal_commas_are_read(tmp_path: Path) -> None:
    """A number with a decimal comma is that number, with a remark."""
    texts = {"WindowCenter": "1000,5", "WindowWidth": "512,0"}
    (drawing,) = drawings(_with_texts(_mr(), **texts), tmp_path)
    assert np.array_equal(_linear(STORED, 1000.5, 512), drawing.picture)
    assert drawing.recipe.endswith("; WindowCenter has a decimal comma; WindowWidth has a decimal comma")


@pytest.mark.parametrize("slope", ["2\\2", "2\\2.0", "2.00\\2\\2e0"])
def test_same_slope_twice_is_the_slope(slope: str, tmp_path: Path) -> None:
    """A slope that is written twice can only be meant once."""
    ds = _mr(WindowCenter=1000, WindowWidth=2000)
    _with_texts(ds, RescaleSlope=slope, RescaleIntercept="-5\\-5")
    assert np.array_equal(_linear(STORED * 2.0 - 5, 1000, 2000), pictures(ds, tmp_path)[0])


@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
def test_item_without_a_table_counts_as_absent(keyword: str, tmp_path: Path) -> None:
    """A sequence whose item is empty doesn't stand above the window."""
    ds = _mr(WindowCenter=1000, WindowWidth=500, **{keyword: Sequence([Dataset()])})
    (drawing,) = drawings(ds, tmp_path)
    assert np.array_equal(_linear(STORED, 1000, 500), drawing.picture)
    assert drawing.recipe.endswith(f"; {keyword} has no table")


def _group(**sequences: dict[str, object]) -> Dataset:
    group = Dataset()
    for keyword, elements in sequences.items():
        item = Dataset()
        for name, value in elements.items():
            setattr(item, name, value)
        setattr(group, keyword, Sequence([item]))
    return group


def _table() -> Sequence:
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [4096, 0, 16])
    item.add_new("LUTData", "OW", np.zeros(4096, "<u2").tobytes())
    return Sequence([item])


WINDOW = {"FrameVOILUTSequence": {"WindowCenter": 300, "WindowWidth": 200}}
SLOPE = {"PixelValueTransformationSequence": {"RescaleSlope": 3, "RescaleIntercept": 7, "RescaleType": "US"}}


@pytest.mark.parametrize("level", ["PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence"])
@pytest.mark.parametrize(
    ("group", "top", "expected"),
    [
        (WINDOW, {"VOILUTSequence": _table()}, _linear(STORED, 300, 200)),
        (WINDOW, {"VOILUTFunction": "SIGMOID"}, _linear(STORED, 300, 200)),
        (WINDOW, {"WindowCenter": 5, "WindowWidth": 5}, _linear(STORED, 300, 200)),
        (SLOPE | WINDOW, {"ModalityLUTSequence": _table()}, _linear(STORED * 3.0 + 7, 300, 200)),
        (SLOPE | WINDOW, {"RescaleSlope": 9, "RescaleIntercept": 9}, _linear(STORED * 3.0 + 7, 300, 200)),
        (
            {"FrameVOILUTSequence": {"WindowCenter": 300, "WindowWidth": 0}},
            {"WindowCenter": 900, "WindowWidth": 50},
            _linear(STORED, 900, 50),
        ),
    ],
)
def test_the_nearer_group_stands_above_the_data_set(
    level: str, group: dict, top: dict, expected: np.ndarray, tmp_path: Path
) -> None:
    """Attributes of a module in a functional group replace the data set's, not keyword by keyword."""
    ds = _mr(**top, **{level: Sequence([_group(**group)])})
    assert np.array_equal(expected, pictures(ds, tmp_path)[0])


def test_the_frames_group_stands_above_the_shared_one(tmp_path: Path) -> None:
    """A window of the frame replaces a VOI LUT of the shared group."""
    shared = _group(FrameVOILUTSequence={"VOILUTSequence": _table()})
    ds = _mr(
        SharedFunctionalGroupsSequence=Sequence([shared]),
        PerFrameFunctionalGroupsSequence=Sequence([_group(**WINDOW)]),
    )
    assert np.array_equal(_linear(STORED, 300, 200), pictures(ds, tmp_path)[0])


@pytest.mark.parametrize("kind", ["MGML", "Z_EFF", "US", "PCT", "HU_MOD", "mg/ml"])
def test_ct_of_another_unit_has_no_window_for_tissue(kind: str, tmp_path: Path) -> None:
    """A CT whose Rescale Type is not HU is drawn over its own range, in 16 bits with its own scale."""
    ds = _mr(RescaleSlope="0.01", RescaleIntercept="0", RescaleType=kind)
    ds.Modality = "CT"
    assert np.array_equal(OWN, pictures(ds, tmp_path)[0])
    assert np.array_equal(OWN, pictures(ds, tmp_path, windows={"CT": (40, 400)})[0])
    (drawing,) = drawings(ds, tmp_path, is_16_bit=True)
    assert np.array_equal(STORED, drawing.picture)
    assert "rescale 0.01 x + 0; 16 bit, value = pixel x 0.01 + 0" == drawing.recipe


@pytest.mark.parametrize("kind", [None, "HU", "hu "])
def test_ct_in_hounsfield_units(kind: str | None, tmp_path: Path) -> None:
    """A CT whose Rescale Type is HU or absent is drawn for soft tissue."""
    ds = _mr(RescaleSlope="1", RescaleIntercept="-1024", **({"RescaleType": kind} if kind else {}))
    ds.Modality = "CT"
    assert np.array_equal(_linear(STORED.astype(int) - 1024, 40, 400), pictures(ds, tmp_path)[0])


@pytest.mark.parametrize("kind", ["FloatPixel", "DoubleFloatPixel"])
@pytest.mark.parametrize(
    ("values", "limit"),
    [((-9999.1,), None), ((-9999.1, -5000.3), -5000.3), ((1e6,), None), ((1e6, 7e5), 7e5)],
)
@pytest.mark.parametrize("is_16_bit", [False, True])
def test_padding_of_float_pixels(
    kind: str, values: tuple[float, ...], limit: float | None, is_16_bit: bool, tmp_path: Path
) -> None:
    """Floating point padding, with or without its range limit, takes no part in the range."""
    dtype = np.float32 if kind == "FloatPixel" else np.float64
    pixels = np.linspace(0.2, 1.7, 1024).reshape(32, 32).astype(dtype)
    pixels[0], pixels[1] = values[0], values[-1]
    inside = pixels[2:].astype(float)
    ds = make_grey(np.zeros((32, 32), np.uint16))
    del ds.PixelData, ds.BitsStored, ds.HighBit, ds.PixelRepresentation
    ds.BitsAllocated = 8 * np.dtype(dtype).itemsize
    setattr(ds, f"{kind}Data", pixels.tobytes())
    setattr(ds, f"{kind}PaddingValue", values[0])
    if limit is not None:
        setattr(ds, f"{kind}PaddingRangeLimit", limit)
    (picture,) = pictures(ds, tmp_path, is_16_bit=is_16_bit)
    white = 65535 if is_16_bit else 255
    expected = (inside - inside.min()) / (inside.max() - inside.min()) * white
    assert 1 >= np.abs(expected - picture[2:]).max()
    assert {0 if values[0] < 0 else white} == set(picture[:2].ravel().tolist())


def test_rescaled_single_floats_keep_their_differences(tmp_path: Path) -> None:
    """An intercept far above the differences of single floats doesn't round them."""
    pixels = np.linspace(0.2, 0.21, 1024).reshape(32, 32).astype(np.float32)
    ds = make_grey(np.zeros((32, 32), np.uint16), RescaleSlope="1", RescaleIntercept="-10000")
    del ds.PixelData, ds.BitsStored, ds.HighBit, ds.PixelRepresentation
    ds.BitsAllocated, ds.FloatPixelData, ds.Modality = 32, pixels.tobytes(), "PT"
    expected = _stretched(pixels, pixels.min(), pixels.max())
    assert 1 >= np.abs(expected.astype(int) - pictures(ds, tmp_path)[0]).max()


def test_padding_of_unsigned_pixels_written_as_signed(tmp_path: Path) -> None:
    """Padding of 65,535 that a file writes as -1 is found among unsigned values."""
    values = STORED.copy()
    values[0] = 65535
    ds = make_grey(values)
    ds.add_new("PixelPaddingValue", "SS", -1)
    inside = values[1:]
    assert np.array_equal(_stretched(inside, inside.min(), 4095), pictures(ds, tmp_path)[0][1:])


@pytest.mark.parametrize("kind", ["LABELMAP", None])
@pytest.mark.parametrize("numbers", [[1, 2], [1, 2, 7], []])
def test_label_map_has_one_grey_for_each_segment(
    kind: str | None, numbers: list[int], tmp_path: Path
) -> None:
    """A segment has the same grey in every frame, from black for none to white for the greatest number."""
    values = np.zeros((3, 8, 8), np.uint8)
    values[0, 2:4], values[1, 2:4], values[2, 2:4], values[2, 4:6] = 1, 2, 1, 2
    ds = make_grey(values, Modality="SEG", SOPClassUID="1.2.840.10008.5.1.4.1.1.66.7")
    if kind is not None:
        ds.SegmentationType = kind
    segments = [Dataset() for _ in numbers]
    for segment, number in zip(segments, numbers, strict=True):
        segment.SegmentNumber = number
    ds.SegmentSequence = Sequence(segments)
    greatest = max(numbers, default=255)
    expected = np.rint(values / greatest * 255).astype(np.uint8)
    assert np.array_equal(expected, np.stack(pictures(ds, tmp_path)))
