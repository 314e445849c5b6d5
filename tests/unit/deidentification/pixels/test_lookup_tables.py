"""Look-up tables and palettes have nothing but their described entries."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deidentification.pixels.lookup_tables import keep_described_entries
from tests.support.code_streams import MARKER, deidentified
from tests.support.factories import make_dataset

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def _lut(descriptor: list[int], data: Any, vr: str = "OW") -> Dataset:
    ds = Dataset()
    ds.add_new("LUTDescriptor", "US", descriptor)
    ds.add_new("LUTData", vr, data)
    return ds


def _palette(descriptor: list[int], data: bytes, *, segmented: bool = False) -> Dataset:
    ds = Dataset()
    for colour in ("Red", "Green", "Blue"):
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", descriptor)
        ds.add_new(f"{'Segmented' * segmented}{colour}PaletteColorLookupTableData", "OW", data)
    return ds


def _words(*values: int, order: str = "<") -> bytes:
    return np.array(values, f"{order}u2").tobytes()


@pytest.mark.parametrize("order", ["<", ">"])
def test_entries_behind_the_described_ones_are_cut(order: str) -> None:
    """Text behind the last entry, and in bits above the described ones, is removed."""
    ds = _lut([3, 0, 12], _words(1, 0x4D02, 4095, order=order) + MARKER)
    keep_described_entries(ds, is_little_endian=order == "<")
    assert _words(1, 0x0D02, 4095, order=order) == ds.LUTData


def test_entries_as_numbers_are_cut() -> None:
    """The same for data with the VR US."""
    ds = _lut([3, 0, 12], [1, 0x4D02, 4095, 0x4D4D, 0x4545], vr="US")
    keep_described_entries(ds, is_little_endian=True)
    assert [1, 0x0D02, 4095] == ds.LUTData


def test_packed_entries_of_a_table_of_12_bits_are_kept() -> None:
    """Two entries of 8 bits in a word are no word with bits above the described ones."""
    packed = bytes(range(0xF0, 0xF6))
    ds = _lut([6, 0, 12], packed)
    keep_described_entries(ds, is_little_endian=True)
    assert packed == ds.LUTData


def test_entries_in_upper_bytes_are_kept() -> None:
    """So are entries of 8 bits in the upper bytes of their words."""
    ds = _lut([3, 0, 8], _words(0x0100, 0x4D00, 0xFF00))
    keep_described_entries(ds, is_little_endian=True)
    assert _words(0x0100, 0x4D00, 0xFF00) == ds.LUTData


def test_65536_entries_are_described_by_zero() -> None:
    """A descriptor of 0 entries means 65536 (PS3.3 C.11.1.1.1)."""
    table = np.arange(1 << 16, dtype="<u2").tobytes()
    ds = _lut([0, 0, 16], table + MARKER)
    keep_described_entries(ds, is_little_endian=True)
    assert table == ds.LUTData


def test_two_entries_in_a_word() -> None:
    """A table of 8 bits in bytes is cut at its last byte."""
    ds = _palette([5, 0, 8], b"\1\2\3\4\5Z")
    keep_described_entries(ds, is_little_endian=True)
    assert b"\1\2\3\4\5\0" == ds.RedPaletteColorLookupTableData


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([0x0001, 0x00FF], [0x0001, 0x00FF]),
        ([0x0100, 0xFF00], [0x0100, 0xFF00]),
        ([0x0101, 0xFFFF], [0x0101, 0xFFFF]),
        ([0x015A, 0xFF4D], [0x0101, 0xFFFF]),
    ],
    ids=["low", "high", "both", "text"],
)
def test_8_bits_in_words(words: list[int], expected: list[int]) -> None:
    """Colours of 8 bits stay as they are written, low or scaled; the other byte holds nothing else."""
    ds = _palette([2, 0, 8], _words(*words) + MARKER)
    keep_described_entries(ds, is_little_endian=True)
    assert _words(*expected) == ds.GreenPaletteColorLookupTableData


def test_a_segmented_palette_ends_with_its_last_entry() -> None:
    """Discrete, linear and indirect segments are followed to the described number of entries."""
    segments = _words(0, 2, 100, 200, 1, 3, 500, 2, 2, 0, 0)  # 2 + 3 entries, both repeated
    ds = _palette([10, 0, 16], segments + MARKER + b"\0", segmented=True)
    keep_described_entries(ds, is_little_endian=True)
    assert segments == ds.SegmentedBluePaletteColorLookupTableData


@pytest.mark.parametrize(
    "data", [_words(9, 2, 1, 1), _words(0, 1, 5), _words(2, 1, 0, 0), _words(0, 1, 1, 2, 1, 77, 0)]
)
def test_a_segmented_palette_that_cannot_be_read_is_removed(data: bytes) -> None:
    """Unknown segments, too few entries, and repetitions of what is not there."""
    ds = _palette([4, 0, 16], data, segmented=True)
    keep_described_entries(ds, is_little_endian=True)
    assert "SegmentedRedPaletteColorLookupTableData" not in ds


@pytest.mark.parametrize("descriptor", [None, [3, 0], [3, 0, 0], [3, 0, 77]])
def test_a_table_without_a_descriptor_is_removed(descriptor: list[int] | None) -> None:
    """Without a number of entries and bits, nothing tells a table from text."""
    ds = _lut([3, 0, 8], MARKER)
    if descriptor is None:
        del ds.LUTDescriptor
    else:
        ds.LUTDescriptor = descriptor
    keep_described_entries(ds, is_little_endian=True)
    assert "LUTData" not in ds


def test_tables_in_items_are_cut(tmp_path: Path) -> None:
    """In a file: a VOI LUT and a palette at the end of which stands text; the pixels are drawn the same."""
    ds = make_dataset(name="examples_palette.dcm")
    ds.VOILUTSequence = Sequence([_lut([2, 0, 16], _words(1, 2) + MARKER + b"\0")])
    for colour in ("Red", "Green", "Blue"):
        ds[f"{colour}PaletteColorLookupTableData"].value += MARKER + b"\0"
    original = make_dataset(name="examples_palette.dcm")
    data = deidentified(ds, tmp_path)
    assert MARKER[:8] not in data
    path = tmp_path / "written.dcm"
    path.write_bytes(data)
    written = pydicom.dcmread(path)
    assert original.RedPaletteColorLookupTableData == written.RedPaletteColorLookupTableData
    assert np.array_equal(original.pixel_array, written.pixel_array)
