"""Nothing is hidden in compressed pixel data, and its pixels stay the same."""

import io
import warnings
from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

from common.errors import PermanentError
from deidentification.pixels import pixel_data
from imaging.dataset.newer_uids import DeflatedFrames
from imaging.frames import image_checks
from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.code_streams import (
    MARKER,
    SYNTAXES,
    Place,
    bits_of,
    dataset_of,
    deidentified,
    encode,
    file_of,
    grey_dataset,
    picture,
    places,
    segment,
    values_of,
)
from tests.support.factories import make_dataset, make_grey, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

PLACES = [(syntax, place) for syntax in SYNTAXES for place in places(syntax)]
OVERLAID = [RLELossless, JPEGLossless, JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless, DeflatedFrames]


def test_noise_of_a_few_pixels_is_written_decoded(tmp_path: Path) -> None:
    """A frame that an encoder can't write, because it would grow too much, leaves native."""
    values = np.random.default_rng(0).integers(0, 256, (11, 9)).astype(np.uint8)
    ds = make_grey(values)
    ds.PixelData = encapsulate([bytes(imagecodecs.jpegls_encode(values))])
    ds["PixelData"].is_undefined_length = True
    ds.file_meta.TransferSyntaxUID = JPEGLSLossless
    written = pydicom.dcmread(io.BytesIO(deidentified(ds, tmp_path)))
    assert ExplicitVRLittleEndian == written.file_meta.TransferSyntaxUID
    assert np.array_equal(values, written.pixel_array)


def _stream_of(syntax: UID) -> bytes:
    return encode(picture(bits_of(syntax)), syntax, bits_of(syntax))


def _keyword(value: UID | Place) -> str:
    return value.name if isinstance(value, Place) else UID(value).keyword


@pytest.mark.parametrize(("syntax", "place"), PLACES, ids=_keyword)
def test_a_marker_at_a_place_that_decoders_skip_is_removed(syntax: UID, place: Place, tmp_path: Path) -> None:
    """The marker is nowhere in the file, the pixels are those without it, and nothing changes twice."""
    expected = values_of(grey_dataset([_stream_of(syntax)], syntax), tmp_path)
    planted = grey_dataset([place.plant(_stream_of(syntax))], syntax)
    assert MARKER[:8] in file_of(planted)
    try:
        assert np.array_equal(expected, values_of(planted, tmp_path))
    except PermanentError:
        return  # the decoder refuses such a stream, so it is quarantined
    data = deidentified(planted, tmp_path)
    assert MARKER[:8] not in data
    assert np.array_equal(expected, values_of(data, tmp_path))
    assert np.array_equal(expected, values_of(deidentified(data, tmp_path), tmp_path))


def test_most_planted_streams_can_be_decoded(tmp_path: Path) -> None:
    """Decoders accept nearly all of these streams, so that the test above tests something."""
    refused = []
    for syntax, place in PLACES:
        try:
            values_of(grey_dataset([place.plant(_stream_of(syntax))], syntax), tmp_path)
        except PermanentError:
            refused.append(f"{UID(syntax).keyword}: {place.name}")
    assert len(refused) <= len(PLACES) // 20, refused


@pytest.mark.parametrize("syntax", OVERLAID, ids=_keyword)
def test_an_overlay_above_the_stored_bits_is_removed(syntax: UID, tmp_path: Path) -> None:
    """An overlay in bit 15 of pixels of 12 bits is neither in the file nor in the picture (PS3.5 8.1.2)."""
    plain = picture(12)
    overlay = np.zeros(plain.shape, bool)
    overlay[10:20, 10:70:3] = True
    overlaid = np.where(overlay, plain | 0x8000, plain).astype(np.uint16)
    description = {"BitsStored": 12, "HighBit": 11}
    ds = dataset_of([encode(overlaid, syntax, 16)], syntax, plain, **description)
    data = deidentified(ds, tmp_path)
    (frame,) = to_image_file(data, tmp_path).frames()
    assert np.array_equal(plain, frame)
    image_file = to_image_file(ds, tmp_path)
    drawn = PictureRecipe(image_file.ds).draw(next(image_file.frames()), index=0).picture
    ds = dataset_of([encode(plain, syntax, 16)], syntax, plain, **description)
    image_file = to_image_file(ds, tmp_path)
    expected = PictureRecipe(image_file.ds).draw(next(image_file.frames()), index=0).picture
    assert np.array_equal(expected, drawn)


def test_a_lossy_jpeg_with_more_bits_than_the_stored_ones_is_written_decoded(tmp_path: Path) -> None:
    """JPEG Extended of 12 bits in a file of 11: the values are cut to the stored bits."""
    ds = grey_dataset([_stream_of(JPEGExtended12Bit)], JPEGExtended12Bit)
    ds.BitsStored, ds.HighBit = 11, 10
    (original,) = values_of(ds, tmp_path)
    written = pydicom.dcmread(io.BytesIO(deidentified(ds, tmp_path)))
    assert ExplicitVRLittleEndian == written.file_meta.TransferSyntaxUID
    assert np.array_equal(original & 0x7FF, written.pixel_array)


@pytest.mark.parametrize("signed", [0, 1], ids=["unsigned", "signed"])
@pytest.mark.parametrize("bits", [8, 10, 12, 15, 16])
@pytest.mark.parametrize("syntax", OVERLAID, ids=_keyword)
def test_values_of_every_depth_and_sign_stay_the_same(
    syntax: UID, bits: int, signed: int, tmp_path: Path
) -> None:
    """Stored values, negative ones too, of two frames are the same after de-identification."""
    values = np.stack([picture(bits), picture(bits)[::-1]])
    description = {"BitsStored": bits, "HighBit": bits - 1, "PixelRepresentation": signed}
    if syntax in (JPEGLSLossless, JPEG2000Lossless, RLELossless):
        above = 8 * values.itemsize - bits
        stored = (values << above).view(f"i{values.itemsize}") >> above if signed else values
        ds = make_grey(stored, **description)
        ds.compress(syntax)
    else:
        ds = dataset_of([encode(frame, syntax, bits) for frame in values], syntax, values[0], **description)
    data = deidentified(ds, tmp_path)
    assert syntax == pydicom.dcmread(io.BytesIO(data)).file_meta.TransferSyntaxUID
    expected, actual = values_of(ds, tmp_path), values_of(data, tmp_path)
    assert 2 == len(expected)
    assert bool(signed) == (np.min(expected) < 0)
    assert np.array_equal(expected, actual)


def _real_files() -> list[Path]:
    folder = Path(str(get_testdata_file("CT_small.dcm"))).parent
    found = []
    for path in sorted(folder.glob("*.dcm")):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                ds = pydicom.dcmread(path, stop_before_pixels=True)
            except pydicom.errors.InvalidDicomError:
                continue
        if "Rows" in ds and UID(ds.file_meta.get("TransferSyntaxUID", "")).is_compressed:
            found.append(path)
    return found


REAL = _real_files()


def test_there_are_real_files() -> None:
    """The pydicom package has files of most transfer syntaxes."""
    assert len(REAL) >= 25


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_files_have_the_same_pixels(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every frame of every compressed file of pydicom has the same values, and the same transfer syntax."""
    monkeypatch.setattr(image_checks, "_check_identity", lambda _: None)
    ds, data = pydicom.dcmread(path), path.read_bytes()
    uids = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
    missing = [keyword for keyword in uids if keyword not in ds]
    for keyword in missing:
        setattr(ds, keyword, "1.2.840.10008.5.1.4.1.1.7")
    if missing:
        data = file_of(ds)
    try:
        expected = values_of(data, tmp_path)
    except PermanentError:
        return
    written = deidentified(data, tmp_path)
    assert np.array_equal(expected, values_of(written, tmp_path))
    after = pydicom.dcmread(io.BytesIO(written)).file_meta.TransferSyntaxUID
    before = ds.file_meta.TransferSyntaxUID
    if before == JPEGLSNearLossless:
        before = JPEGLSLossless
    assert after == (ExplicitVRLittleEndian if before.is_deflated else before)


@pytest.mark.parametrize("kept", [0, 1, 1 << 20], ids=["none", "one byte", "all"])
def test_a_clip_has_nothing_but_its_frames(
    kept: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comment, and a second image in a frame's fragment, are removed, however much stays in memory."""
    monkeypatch.setattr(pixel_data, "_MAX_KEPT", kept)
    values = picture(8)
    streams = [encode(frame, JPEGBaseline8Bit, 8) for frame in (values, values[::-1].copy(), values // 2)]
    planted = [streams[0], streams[1] + segment(0xFE), streams[2] + streams[0] + MARKER]
    ds = dataset_of(planted, JPEGBaseline8Bit, values)
    data = deidentified(ds, tmp_path)
    assert MARKER not in data
    assert 3 == data.count(b"\xff\xd8\xff")
    assert np.array_equal(values_of(ds, tmp_path), values_of(data, tmp_path))


def test_fragments_outside_the_frames_are_not_copied(tmp_path: Path) -> None:
    """Text between the frames of an extended offset table, and in the basic one, is not in the file."""
    streams = [_stream_of(JPEGLosslessSV1), MARKER + b"\0", _stream_of(JPEGLosslessSV1)]
    ds = dataset_of(streams, JPEGLosslessSV1, picture(12), BitsStored=12, HighBit=11)
    data, offsets, lengths = encapsulate_extended(streams)
    ds.NumberOfFrames, ds.PixelData = 2, data
    ds["PixelData"].is_undefined_length = True
    ds.ExtendedOffsetTable, ds.ExtendedOffsetTableLengths = (
        table[:8] + table[16:] for table in (offsets, lengths)
    )
    assert MARKER in file_of(ds)
    data = deidentified(ds, tmp_path)
    assert MARKER not in data
    assert np.array_equal(values_of(ds, tmp_path), values_of(data, tmp_path))


def test_the_tail_of_a_deflated_data_set_is_removed(tmp_path: Path) -> None:
    """Bytes behind the deflated data, an element behind the pixels, and the pixel data's own tail."""
    ds = make_dataset(name="image_dfl.dcm")
    ds.PixelData += MARKER + b"\0"
    ds.DataSetTrailingPadding = MARKER + b"\0"
    planted = file_of(ds) + MARKER
    data = deidentified(planted, tmp_path)
    assert MARKER[:8] not in data
    assert np.array_equal(values_of(planted, tmp_path), values_of(data, tmp_path))


@pytest.mark.parametrize("high", [3, 15, 40])
@pytest.mark.parametrize("signed", [0, 1])
def test_native_pixels_of_any_described_position_hide_nothing(signed: int, high: int, tmp_path: Path) -> None:
    """An overlay is removed at every HighBit, also at one that the stored bits do not fit."""
    values = picture(12)
    stored = values << 4 if high == 15 else values
    unused = 0x000F if high == 15 else 0xF000
    ds = make_grey(stored | unused, BitsStored=12, HighBit=high, PixelRepresentation=signed)
    (written,) = values_of(deidentified(ds, tmp_path), tmp_path)
    expected = (values << 4).view(np.int16) >> 4 if signed else values
    assert np.array_equal(expected, written)
    pixels = np.frombuffer(pydicom.dcmread(tmp_path / "image.dcm").PixelData, np.uint16)
    above = (pixels & unused).reshape(values.shape)
    assert np.array_equal(above, np.where(expected < 0, unused, 0) if high != 15 else 0 * above)
