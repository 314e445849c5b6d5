"""VOI LUTs, Modality LUTs and palettes as scanners write them, against tables looked up in the tests."""

from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from common.errors import PermanentError
from tests.support.factories import make_grey, to_image_file
from tests.unit.imaging.rendering.drawings import RAMP, drawings, pictures

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

SYNTAXES = {
    "explicit": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "big endian": ExplicitVRBigEndian,
}
STORED = np.linspace(0, 4095, 1024).astype(np.uint16).reshape(32, 32)
RED = (np.arange(255) * 7 % 256).astype(np.uint8)  # an odd number of entries in no simple order
GREEN, BLUE = RED[::-1].copy(), np.roll(RED, 100)


def _written(ds: FileDataset, folder: Path, syntax: str) -> Path:
    """The path of the data set's file in a transfer syntax; pixels are given in little endian."""
    uid = SYNTAXES[syntax]
    ds.file_meta.TransferSyntaxUID = uid
    if not uid.is_little_endian:
        ds.PixelData = (
            np.frombuffer(ds.PixelData, "<u2" if ds.BitsAllocated == 16 else "u1").byteswap().tobytes()
        )
    path = folder / "written.dcm"
    written = FileDataset(path, dict(ds), preamble=bytes(128), file_meta=ds.file_meta)
    written.set_original_encoding(uid.is_implicit_VR, uid.is_little_endian)
    written.save_as(path)
    return path


def _lut(descriptor: list[int], data: bytes | list[int], *, vr: str = "US", data_vr: str = "OW") -> Sequence:
    item = Dataset()
    item.add_new("LUTDescriptor", vr, descriptor)
    item.add_new("LUTData", data_vr, data)
    return Sequence([item])


def _looked_up(values: np.ndarray, first: int, entries: np.ndarray, bits: int) -> np.ndarray:
    """Grey levels by C.11.2.1.1: the entry of each value, the first below them, the last above them."""
    index = np.minimum(np.maximum(values.astype(int) - first, 0), len(entries) - 1)
    return np.rint(entries.astype(float)[index] / (2.0**bits - 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("syntax", ["explicit", "implicit"])
@pytest.mark.parametrize(("vr", "first"), [("SS", -1024), ("US", 64512)])
def test_first_value_is_signed_after_a_rescale_to_signed(
    syntax: str, vr: str, first: int, tmp_path: Path
) -> None:
    """The first mapped value of a VOI LUT is in the rescaled range, whatever Pixel Representation is."""
    entries = (np.arange(2048) ** 2 // 64).astype("<u2")
    ds = make_grey(STORED, BitsStored=12, HighBit=11, RescaleSlope=1, RescaleIntercept=-1024)
    ds.VOILUTSequence = _lut([2048, first, 16], entries.tobytes(), vr=vr)
    (picture,) = pictures(_written(ds, tmp_path, syntax), tmp_path)
    assert np.array_equal(_looked_up(STORED.astype(int) - 1024, -1024, entries, 16), picture)


@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
def test_first_value_is_unsigned_for_unsigned_values(keyword: str, tmp_path: Path) -> None:
    """A first mapped value over 32,767 is no negative one if no value can be negative."""
    values = np.linspace(0, 65535, 1024).astype(np.uint16).reshape(32, 32)
    entries = (np.arange(20000) * 3).astype("<u2")
    ds = make_grey(values, **{keyword: _lut([20000, 40000 - 65536, 16], entries.tobytes(), vr="SS")})
    (picture,) = pictures(ds, tmp_path)
    mapped = entries[np.clip(values.astype(int) - 40000, 0, 19999)].astype(float)
    expected = mapped / 65535 if keyword == "VOILUTSequence" else mapped / mapped.max()
    assert np.array_equal(np.rint(expected * 255).astype(np.uint8), picture)


def test_first_value_of_signed_pixels_in_a_modality_lut(tmp_path: Path) -> None:
    """A Modality LUT of signed pixels begins at a negative value, also where its VR is US."""
    values = np.linspace(-128, 127, 256).astype(np.int16).reshape(16, 16)
    entries = np.arange(256, dtype="<u2") * 16
    ds = make_grey(
        values, PixelRepresentation=1, ModalityLUTSequence=_lut([256, 65408, 16], entries.tobytes())
    )
    (picture,) = pictures(ds, tmp_path)
    assert np.array_equal(np.arange(256).reshape(16, 16), picture)


@pytest.mark.parametrize("data_vr", ["OW", "US"])
@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("number", [256, 255])
def test_entries_of_8_bits_packed_in_words(number: int, syntax: str, data_vr: str, tmp_path: Path) -> None:
    """A VOI LUT of 8 bits may have two entries in each word (C.11.2.1.1); an odd one is padded."""
    entries = np.concatenate([RED, [3]])[:number].astype(np.uint8)
    packed = entries.tobytes() + b"\0" * (number % 2)
    words = np.frombuffer(packed, "<u2")  # the first entry in the lower byte, in every byte order
    order = "<" if SYNTAXES[syntax].is_little_endian else ">"
    data = words.astype(f"{order}u2").tobytes() if data_vr == "OW" else words.tolist()
    ds = make_grey(RAMP.astype(np.uint16), VOILUTSequence=_lut([number, 0, 8], data, data_vr=data_vr))
    (picture,) = pictures(_written(ds, tmp_path, syntax), tmp_path)
    assert np.array_equal(_looked_up(RAMP, 0, entries, 8), picture)


def test_table_of_8_bits_in_the_upper_bytes(tmp_path: Path) -> None:
    """Entries of 8 bits that stand in the upper bytes of their words are read there."""
    entries = np.arange(256, dtype="<u2")[::-1] * 256
    ds = make_grey(RAMP, VOILUTSequence=_lut([256, 0, 8], entries.astype("<u2").tobytes()))
    assert np.array_equal(255 - RAMP, pictures(ds, tmp_path)[0])


def test_packed_modality_lut(tmp_path: Path) -> None:
    """A Modality LUT of 8 bits may be packed as well."""
    entries = np.arange(256, dtype=np.uint8)[::-1]
    ds = make_grey(RAMP, ModalityLUTSequence=_lut([256, 0, 8], entries.tobytes()))
    assert np.array_equal(255 - RAMP, pictures(ds, tmp_path)[0])


@pytest.mark.parametrize("number", [4096, 1000])
def test_table_of_8_bits_with_more_than_256_entries(number: int, tmp_path: Path) -> None:
    """The bits of an entry do not limit the number of entries."""
    entries = (np.arange(number) * 255 // (number - 1)).astype("<u2")
    ds = make_grey(STORED, BitsStored=12, HighBit=11, VOILUTSequence=_lut([number, 0, 8], entries.tobytes()))
    assert np.array_equal(_looked_up(STORED, 0, entries, 8), pictures(ds, tmp_path)[0])


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
def test_table_of_12_bits(keyword: str, bits: int, tmp_path: Path) -> None:
    """White is the greatest value of the bits that the descriptor says, also where no entry has it."""
    entries = (np.arange(256) * 15).astype("<u2") & ((1 << bits) - 1)
    ds = make_grey(RAMP, **{keyword: _lut([256, 0, bits], entries.astype("<u2").tobytes())})
    white = (1 << bits) - 1 if keyword == "VOILUTSequence" else int(entries.max())
    expected = np.rint(entries[RAMP].astype(float) / white * 255).astype(np.uint8)
    assert np.array_equal(expected, pictures(ds, tmp_path)[0])


@pytest.mark.parametrize(
    ("descriptor", "data", "keyword"),
    [
        ([256, 0, 16], bytes(400), "LUTData"),
        ([256, 0, 8], bytes(100), "LUTData"),
        ([256, 0, 0], bytes(512), "LUTDescriptor"),
        ([256, 0, 32], bytes(512), "LUTDescriptor"),
        ([256, 0], bytes(512), "LUTDescriptor"),
    ],
)
def test_cause_names_the_attribute_of_a_table(
    descriptor: list[int], data: bytes, keyword: str, tmp_path: Path
) -> None:
    """A table that can't be read is refused, and the attribute at fault is named."""
    ds = make_grey(RAMP, VOILUTSequence=_lut(descriptor, data))
    with pytest.raises(PermanentError, match=f"^{keyword} "):
        drawings(ds, tmp_path)


def _palette(data: list[bytes], descriptor: list[int], **elements: object) -> FileDataset:
    ds = make_grey(RAMP, PhotometricInterpretation="PALETTE COLOR", **elements)
    for colour, table in zip(("Red", "Green", "Blue"), data, strict=True):
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", descriptor)
        ds.add_new(f"{colour}PaletteColorLookupTableData", "OW", table)
    return ds


def _colours(first: int) -> np.ndarray:
    index = np.clip(RAMP.astype(int) - first, 0, 254)
    return np.stack([RED[index], GREEN[index], BLUE[index]], axis=-1)


@pytest.mark.parametrize("first", [0, 20])
@pytest.mark.parametrize(
    ("bits", "dtype", "scale"),
    [(8, "u1", 1), (16, "u1", 1), (8, "<u2", 1), (8, "<u2", 257), (8, "<u2", 256), (16, "<u2", 257)],
)
def test_palettes_of_an_odd_number_of_entries(
    bits: int, dtype: str, scale: int, first: int, tmp_path: Path
) -> None:
    """Entries are read as bytes or as words by their length, and scaled colours as their upper 8 bits."""
    tables = [(one.astype(int) * scale).astype(dtype).tobytes() for one in (RED, GREEN, BLUE)]
    ds = _palette([table + b"\0" * (len(table) % 2) for table in tables], [255, first, bits])
    (picture,) = pictures(ds, tmp_path)
    assert np.array_equal(_colours(first), picture)


def test_cause_names_the_short_palette(tmp_path: Path) -> None:
    """A palette with too few entries is refused, and the table is named."""
    ds = _palette([bytes(256), bytes(100), bytes(256)], [256, 0, 8])
    with pytest.raises(PermanentError, match=r"^GreenPaletteColorLookupTableData "):
        drawings(ds, tmp_path)


def test_supplemental_palette_colours_the_values_of_its_range(tmp_path: Path) -> None:
    """With Pixel Presentation COLOR, values from the first mapped one up are coloured, others grey."""
    ds = _supplemental(PixelPresentation="COLOR", WindowCenter=512, WindowWidth=1024)
    (drawing,) = drawings(ds, tmp_path)
    grey = np.clip(np.rint(((SUPPLEMENTAL - 511.5) / 1023 + 0.5) * 255), 0, 255).astype(np.uint8)
    assert np.array_equal(_with_colours(grey), drawing.picture)
    assert drawing.recipe.endswith("8 bit; colours of the supplemental palette")


def test_colours_of_a_supplemental_palette_do_not_widen_the_grey_range(tmp_path: Path) -> None:
    """Without a window, grey values are stretched over their own range alone."""
    (picture,) = pictures(_supplemental(PixelPresentation="MIXED"), tmp_path)
    greys = SUPPLEMENTAL[SUPPLEMENTAL < 1024]
    grey = np.clip(np.rint((SUPPLEMENTAL - greys.min()) / (greys.max() - greys.min()) * 255), 0, 255)
    assert np.array_equal(_with_colours(grey.astype(np.uint8)), picture)


def test_supplemental_palette_of_a_grey_frame_is_not_used(tmp_path: Path) -> None:
    """A frame whose frame type says MONOCHROME is grey, whatever the data set says of all frames."""
    frame_type, group = Dataset(), Dataset()
    frame_type.PixelPresentation = "MONOCHROME"
    group.MRImageFrameTypeSequence = Sequence([frame_type])
    groups = Sequence([group])
    ds = _supplemental(PixelPresentation="MIXED", PerFrameFunctionalGroupsSequence=groups)
    assert (32, 40) == pictures(ds, tmp_path)[0].shape
    assert (32, 40) == pictures(_supplemental(PixelPresentation="MONOCHROME"), tmp_path)[0].shape


SUPPLEMENTAL = np.arange(1280).reshape(32, 40)


def _supplemental(**elements: object) -> FileDataset:
    ds = make_grey(SUPPLEMENTAL.astype(np.uint16), BitsStored=12, HighBit=11, Modality="MR", **elements)
    for colour, table in zip(("Red", "Green", "Blue"), (RED, GREEN, BLUE), strict=True):
        ds.add_new(f"{colour}PaletteColorLookupTableDescriptor", "US", [255, 1024, 8])
        ds.add_new(f"{colour}PaletteColorLookupTableData", "OW", table.tobytes() + b"\0")
    return ds


def _with_colours(grey: np.ndarray) -> np.ndarray:
    picture = np.stack([grey] * 3, axis=-1)
    for row, column in zip(*np.nonzero(SUPPLEMENTAL >= 1024), strict=True):
        index = min(SUPPLEMENTAL[row, column] - 1024, 254)
        picture[row, column] = RED[index], GREEN[index], BLUE[index]
    return picture


def test_palette_is_read_once_for_all_frames(tmp_path: Path) -> None:
    """Frames of one file share their palette."""
    ds = _palette([RED.tobytes() + b"\0"] * 3, [255, 0, 8])
    ds.NumberOfFrames, ds.PixelData = 2, RAMP.tobytes() * 2
    image_file = to_image_file(ds, tmp_path)
    assert 2 == len(list(image_file.frames()))
    first, second = pictures(ds, tmp_path)
    assert np.array_equal(first, second)


@pytest.mark.parametrize("first", [200, -300])
def test_table_beside_all_values_of_8_bits(first: int, tmp_path: Path) -> None:
    """A table that begins above or ends below all signed values of 8 bits gives its nearest end."""
    entries = np.arange(10, 60, dtype="<u2")
    ds = make_grey(RAMP, PixelRepresentation=1, Modality="MR")
    ds.VOILUTSequence = _lut([50, first, 8], entries.tobytes(), vr="SS")
    assert {10 if first > 0 else 59} == set(pictures(ds, tmp_path)[0].ravel().tolist())
