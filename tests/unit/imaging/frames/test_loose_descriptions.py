"""Headers that leave something open or say it wrongly: read if one reading is possible, else a true cause."""

import io
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import FileDataset
from pydicom.encaps import encapsulate, encapsulate_extended, generate_frames
from pydicom.uid import UID, ImplicitVRLittleEndian, JPEG2000Lossless, JPEGLSLossless, RLELossless

from common.errors import PermanentError
from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from imaging.frames.stored_value import stored_value
from tests.support.factories import PSEUDONYMS, make_grey, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


def _values(ds: FileDataset | bytes, folder: Path) -> np.ndarray:
    """The stored values of all frames: those of the file, which are the same in the de-identified one."""
    image_file = to_image_file(ds, folder)
    frames = [stored_value(image_file.ds).values(frame) for frame in image_file.frames()]
    buffer = io.BytesIO()
    deidentify(image_file, PSEUDONYMS, Profile()).write(buffer)
    written = to_image_file(buffer.getvalue(), folder)
    left = [stored_value(written.ds).values(frame) for frame in written.frames()]
    assert np.array_equal(frames, left)
    return np.stack(frames)


def _cause(ds: FileDataset, folder: Path) -> str:
    with pytest.raises(PermanentError) as caught:
        list(to_image_file(ds, folder).frames())
    assert caught.value.next_step
    return str(caught.value)


def _implicit(ds: FileDataset, folder: Path) -> bytes:
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    path = folder / "implicit.dcm"
    written = FileDataset(path, dict(ds), preamble=bytes(128), file_meta=ds.file_meta)
    written.set_original_encoding(True, True)
    written.save_as(path)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("rows", "columns"),
    [(33, 257), (32, 257), (8481, 1), (2157, 3001), (2500, 2048), (131, 127), (8353, 2)],
)
def test_implicit_length_spelt_with_letters(rows: int, columns: int, tmp_path: Path) -> None:
    """In implicit VR, a length whose bytes are letters is a length and no VR (PS3.5 7.1.3)."""
    values = np.arange(rows * columns, dtype=np.uint32).astype(np.uint16).reshape(rows, columns)
    ds = make_grey(values)
    image_file = to_image_file(_implicit(ds, tmp_path), tmp_path)
    assert np.array_equal(values, next(image_file.frames()))


def test_length_is_of_letters_in_the_test_above() -> None:
    """The sizes above include lengths that look like a VR."""
    assert b"BB\0\0" == (33 * 257 * 2).to_bytes(4, "little")
    assert b"BB" == (8481 * 1 * 2).to_bytes(4, "little")[:2]


STORED = np.linspace(0, 4095, 1024).astype(np.uint16).reshape(32, 32)


@pytest.mark.parametrize("high", [None, 0, 7, 16, 40])
@pytest.mark.parametrize("syntax", [None, RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_high_bit_that_no_pixel_can_have(high: int | None, syntax: UID | None, tmp_path: Path) -> None:
    """A High Bit that is missing or lower than the stored bits counts as Bits Stored - 1."""
    ds = make_grey(STORED, BitsStored=12, HighBit=11)
    if syntax is not None:
        ds.compress(syntax, generate_instance_uid=False)
    if high is None:
        del ds.HighBit
    else:
        ds.HighBit = high
    assert np.array_equal(STORED[np.newaxis], _values(ds, tmp_path))


@pytest.mark.parametrize(
    ("elements", "named"),
    [
        ({"BitsStored": 0}, "BitsStored "),
        ({"BitsStored": 17}, "BitsStored "),
        ({"BitsAllocated": 12}, "BitsAllocated "),
        ({"BitsAllocated": 24}, "BitsAllocated "),
        ({"PixelRepresentation": 2}, "PixelRepresentation "),
    ],
)
def test_cause_names_the_attribute(elements: dict[str, int], named: str, tmp_path: Path) -> None:
    """A value that the standard doesn't allow is refused by its attribute's name."""
    assert _cause(make_grey(STORED, **elements), tmp_path).startswith(named)


def _colours(photometric: str = "RGB") -> tuple[np.ndarray, FileDataset]:
    values = np.random.default_rng(5).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    ds = make_grey(values[..., 0], SamplesPerPixel=3, PhotometricInterpretation=photometric)
    ds.PlanarConfiguration, ds.PixelData = 0, values.tobytes()
    return values, ds


def test_ybr_of_more_than_bytes_is_named(tmp_path: Path) -> None:
    """YBR_FULL has samples of 8 bits (C.7.6.3.1.2)."""
    _, ds = _colours("YBR_FULL")
    ds.BitsAllocated, ds.PixelData = 16, ds.PixelData * 2
    assert _cause(ds, tmp_path).startswith("BitsAllocated is not 8")


@pytest.mark.parametrize("planar", [None, 2])
def test_planes_are_not_guessed(planar: int | None, tmp_path: Path) -> None:
    """Native colours without Planar Configuration have two readings, so the attribute is named."""
    _, ds = _colours()
    if planar is None:
        del ds.PlanarConfiguration
    else:
        ds.PlanarConfiguration = planar
    assert _cause(ds, tmp_path).startswith("PlanarConfiguration ")


@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless, JPEG2000Lossless])
def test_planes_of_a_code_stream_need_no_attribute(syntax: UID, tmp_path: Path) -> None:
    """A code stream says itself how its colours lie."""
    values, ds = _colours()
    ds.compress(syntax, generate_instance_uid=False)
    del ds.PlanarConfiguration
    assert np.array_equal(values[np.newaxis], _values(ds, tmp_path))


def test_planes_of_422_need_no_attribute(tmp_path: Path) -> None:
    """The samples of two pixels lie together in 422, whatever Planar Configuration says (C.7.6.3.1.3)."""
    _, ds = _colours("YBR_FULL_422")
    ds.PixelData = np.tile(np.array([90, 120, 128, 128], np.uint8), 64 * 32).tobytes()
    del ds.PlanarConfiguration
    (frame,) = to_image_file(ds, tmp_path).frames()
    expected = np.repeat(np.tile([90, 120], 32)[:, np.newaxis], 3, axis=1)
    assert np.array_equal(np.stack([expected] * 64), frame)


FRAMES = np.stack([STORED, STORED[::-1], STORED.T])


def _streams(syntax: UID = JPEGLSLossless) -> list[bytes]:
    ds = make_grey(FRAMES, BitsStored=12, HighBit=11)
    ds.compress(syntax, generate_instance_uid=False)
    return list(generate_frames(ds.PixelData, number_of_frames=3))


def _compressed(pixel_data: bytes, syntax: UID = JPEGLSLossless, **elements: object) -> FileDataset:
    ds = make_grey(FRAMES, BitsStored=12, HighBit=11, **elements)
    ds.file_meta.TransferSyntaxUID = syntax
    ds.PixelData = pixel_data
    ds["PixelData"].VR, ds["PixelData"].is_undefined_length = "OB", True
    return ds


def _with_table(pixel_data: bytes, *offsets: int) -> bytes:
    """Encapsulated pixel data whose basic offset table has other offsets."""
    length = int.from_bytes(pixel_data[4:8], "little")
    table = b"".join(offset.to_bytes(4, "little") for offset in offsets)
    return pixel_data[:4] + len(table).to_bytes(4, "little") + table + pixel_data[8 + length :]


@pytest.mark.parametrize("offsets", [(0, 0, 0), (0, 10, 20), (5,), (0, 99_999_999), (8, 4, 0, 0)])
@pytest.mark.parametrize("syntax", [RLELossless, JPEGLSLossless])
def test_wrong_offsets_of_one_fragment_a_frame(syntax: UID, offsets: tuple[int, ...], tmp_path: Path) -> None:
    """With as many fragments as frames, a wrong Basic Offset Table is not needed."""
    ds = _compressed(_with_table(encapsulate(_streams(syntax)), *offsets), syntax)
    assert np.array_equal(FRAMES, _values(ds, tmp_path))


@pytest.mark.parametrize("changed", ["offsets", "lengths", "number"])
def test_wrong_extended_offsets_of_one_fragment_a_frame(changed: str, tmp_path: Path) -> None:
    """Neither is a wrong Extended Offset Table."""
    pixel_data, offsets, lengths = encapsulate_extended(_streams())
    if changed == "number":
        offsets, lengths = offsets[:16], lengths[:16]
    tables = {"ExtendedOffsetTable": offsets, "ExtendedOffsetTableLengths": lengths}
    if changed in ("offsets", "lengths"):
        keyword = "ExtendedOffsetTable" if changed == "offsets" else "ExtendedOffsetTableLengths"
        tables[keyword] = bytes(24)
    assert np.array_equal(FRAMES, _values(_compressed(pixel_data, **tables), tmp_path))


@pytest.mark.parametrize("offsets", [(4,), (0, 30)])
def test_wrong_offsets_of_a_single_frame(offsets: tuple[int, ...], tmp_path: Path) -> None:
    """All fragments belong to a single frame, whatever the table says."""
    pixel_data = _with_table(encapsulate(_streams()[:1], fragments_per_frame=3), *offsets)
    ds = _compressed(pixel_data)
    ds.NumberOfFrames = 1
    assert np.array_equal(FRAMES[:1], _values(ds, tmp_path))


def test_wrong_offsets_of_several_fragments_a_frame(tmp_path: Path) -> None:
    """Frames of several fragments are told apart by the end of their images."""
    pixel_data = _with_table(encapsulate(_streams(), fragments_per_frame=2), 0, 2, 4)
    assert np.array_equal(FRAMES, _values(_compressed(pixel_data), tmp_path))


def test_wrong_offsets_that_are_needed_are_named(tmp_path: Path) -> None:
    """Streams of RLE have no end, so the table must be right."""
    pixel_data = _with_table(encapsulate(_streams(RLELossless), fragments_per_frame=2), 0, 2, 4)
    assert _cause(_compressed(pixel_data, RLELossless), tmp_path).startswith("The Basic Offset Table ")


def test_fewer_fragments_than_frames_are_counted(tmp_path: Path) -> None:
    """NumberOfFrames is named if there are not as many fragments."""
    assert _cause(_compressed(encapsulate(_streams()[:2])), tmp_path).startswith("NumberOfFrames is 3")


@pytest.mark.parametrize("keyword", ["Rows", "Columns"])
@pytest.mark.parametrize("syntax", [JPEGLSLossless, JPEG2000Lossless])
def test_cause_names_what_differs_from_the_code_stream(syntax: UID, keyword: str, tmp_path: Path) -> None:
    """A frame that is not of the header's size is refused by the attribute's name."""
    ds = _compressed(encapsulate(_streams(syntax)), syntax)
    setattr(ds, keyword, 40)
    assert _cause(ds, tmp_path).startswith(f"{keyword} differs from what the code stream")
