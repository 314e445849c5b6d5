"""The digest of what a file says: the same in every encoding, another with any other content."""

import io
import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from imaging.frames.content_digest import ContentDigest
from imaging.frames.image_file import read_image_file
from tests.support.factories import LIMITS, make_dataset, real_path, to_bytes

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

REAL = """CT_small MR_small MR_small_implicit MR_small_bigendian JPEG2000 examples_palette examples_ybr_color
    emri_small_jpeg_2k_lossless liver rtdose SC_rgb_rle_2frame image_dfl""".split()


def digest_of(data: bytes, folder: Path) -> bytes:
    """The digest of a file with these bytes."""
    path = folder / "image.dcm"
    path.write_bytes(data)
    image_file = read_image_file(path, LIMITS)
    content = ContentDigest(image_file)
    for frame in image_file.frames():
        content.add(frame)
    return content.digest()


def written(ds: FileDataset, syntax: UID) -> bytes:
    """A file of a data set in another uncompressed transfer syntax."""
    buffer = io.BytesIO()
    ds.file_meta.TransferSyntaxUID = syntax
    implicit, little = syntax.is_implicit_VR, syntax.is_little_endian
    pydicom.dcmwrite(buffer, ds, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return buffer.getvalue()


def rich_dataset() -> FileDataset:
    """A CT with nested sequences, private elements, an icon and text of an odd length."""
    ds = make_dataset(PatientName="Odd^Name", StationName="ABC", ViewPosition="PA")
    inner = Dataset()
    inner.CodeValue, inner.CodeMeaning, inner.LossyImageCompressionRatio = "T-1", "word", [1.5, 2]
    outer = Dataset()
    outer.PurposeOfReferenceCodeSequence = Sequence([inner, Dataset()])
    icon = Dataset()
    icon.Rows, icon.Columns, icon.BitsAllocated, icon.PixelData = 2, 2, 8, b"\1\2\3\4"
    icon["PixelData"].VR = "OB"
    ds.ReferencedImageSequence, ds.IconImageSequence = Sequence([outer]), Sequence([icon])
    ds.SourceImageSequence = Sequence()
    block = ds.private_block(0x0029, "ACME 1", create=True)
    block.add_new(0x01, "LO", "text")
    block.add_new(0x02, "US", [1, 258])
    block.add_new(0x03, "SQ", Sequence([inner]))
    return ds


@pytest.fixture
def plain(tmp_path: Path) -> bytes:
    return digest_of(written(rich_dataset(), ExplicitVRLittleEndian), tmp_path)


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_encodings_of_one_data_set(plain: bytes, syntax: UID, tmp_path: Path) -> None:
    """A file in implicit VR or deflated says the same as in explicit VR."""
    assert plain == digest_of(written(rich_dataset(), syntax), tmp_path)


def test_big_endian(plain: bytes, tmp_path: Path) -> None:
    """A file in big endian says the same; its pixels are swapped as its numbers are."""
    ds = rich_dataset()
    ds.PixelData = np.frombuffer(ds.PixelData, "<u2").byteswap().tobytes()
    assert plain == digest_of(written(ds, ExplicitVRBigEndian), tmp_path)


def test_file_meta_and_preamble(plain: bytes, tmp_path: Path) -> None:
    """The preamble, and who wrote the file, say nothing about the image."""
    ds = rich_dataset()
    ds.file_meta.SourceApplicationEntityTitle = "OTHER"
    ds.file_meta.ImplementationVersionName = "OTHER 2"
    ds.preamble = b"II*\0" + bytes(124)
    assert plain == digest_of(written(ds, ExplicitVRLittleEndian), tmp_path)


def test_lengths_and_padding(plain: bytes, tmp_path: Path) -> None:
    """Sequences of undefined length, group lengths, other padding and trailing padding change nothing."""
    ds = rich_dataset()
    for element in ds.iterall():
        element.is_undefined_length = element.VR == "SQ"
    data = written(ds, ExplicitVRLittleEndian)
    station = struct.pack("<HH2sH", 8, 0x1010, b"SH", 4)
    assert data.count(station + b"ABC ") == 1
    data = data.replace(station + b"ABC ", struct.pack("<HH2sH", 8, 0x1010, b"SH", 6) + b"ABC\0  ")
    first = data.index(struct.pack("<HH2s", 8, 5, b"CS"))  # SpecificCharacterSet
    group_length = struct.pack("<HH2sHL", 8, 0, b"UL", 4, 99)
    data = data[:first] + group_length + data[first:]
    trailing = struct.pack("<HH2s2xL", 0xFFFC, 0xFFFC, b"OB", 6) + bytes(6)
    assert plain == digest_of(data + trailing, tmp_path)


def test_lossless_codecs_give_the_same_content(tmp_path: Path) -> None:
    """The same stored values count as the same, in whatever lossless transfer syntax; signs and 12 bits."""
    values = np.linspace(-2000, 2000, 64 * 64).astype(np.int16).reshape(64, 64)
    ds = make_dataset(Rows=64, Columns=64, BitsStored=12, HighBit=11, PixelRepresentation=1)
    ds.PixelData = (values & 0x0FFF).astype("<u2").tobytes()  # not extended to the other four bits
    found = {digest_of(to_bytes(ds), tmp_path)}
    ds.PixelData = values.astype("<i2").tobytes()
    found.add(digest_of(to_bytes(ds), tmp_path))
    for syntax in (RLELossless, JPEG2000Lossless, JPEGLSLossless):
        compressed = pydicom.dcmread(io.BytesIO(to_bytes(ds)))
        compressed.compress(syntax, generate_instance_uid=False)
        found.add(digest_of(to_bytes(compressed), tmp_path))
    assert 1 == len(found)


def test_planes_of_colours(tmp_path: Path) -> None:
    """Interleaved colours and colours by plane count as the same."""
    ds = make_dataset(name="SC_rgb_rle.dcm")
    rle = digest_of(to_bytes(ds), tmp_path)
    ds.decompress(generate_instance_uid=False)
    assert rle == digest_of(to_bytes(ds), tmp_path)


def test_fragments_of_a_lossy_stream(tmp_path: Path) -> None:
    """A lossy code stream is compared as it is, however it is cut into fragments."""
    ds = make_dataset(name="SC_rgb_jpeg_dcmtk.dcm")
    image_file = read_image_file(real_path("SC_rgb_jpeg_dcmtk.dcm"), LIMITS)
    (frame,) = image_file.pixels.frames(ds, 1)
    found = set()
    for number in (1, 2):
        ds.PixelData = encapsulate([frame], fragments_per_frame=number, has_bot=number == 1)
        found.add(digest_of(to_bytes(ds), tmp_path))
    assert 1 == len(found)


@pytest.mark.parametrize(
    "change",
    [
        {"StationName": "ABD"},
        {"StationName": " ABC"},
        {"PatientID": "OTHER"},
        {"SliceThickness": "5.00"},
        {"ViewPosition": "AP"},
        {"SourceImageSequence": None},
        {"BitsStored": 15},
        {"PixelData": bytes(32768)},
    ],
)
def test_other_content(plain: bytes, change: dict[str, object], tmp_path: Path) -> None:
    """Any other attribute, value or pixel is another content."""
    ds = rich_dataset()
    for keyword, value in change.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    assert plain != digest_of(written(ds, ExplicitVRLittleEndian), tmp_path)


def test_structure_is_part_of_the_content(plain: bytes, tmp_path: Path) -> None:
    """The same elements in another nesting are another content."""
    ds = rich_dataset()
    items = ds.ReferencedImageSequence[0].PurposeOfReferenceCodeSequence
    items.append(items.pop(0))
    assert plain != digest_of(written(ds, ExplicitVRLittleEndian), tmp_path)


def test_a_data_set_that_is_hard_to_read_counts_byte_by_byte(tmp_path: Path) -> None:
    """A private value that only looks like a sequence is compared with the complete file."""
    ds = make_dataset()
    block = ds.private_block(0x0029, "ACME 1", create=True)
    block.add_new(0x01, "UN", b"\xfe\xff\x00\xe0\x10\0\0\0" + bytes(4))
    data = to_bytes(ds)
    other = b"XX" + data[2:]
    assert digest_of(data, tmp_path) == digest_of(data, tmp_path)
    assert digest_of(data, tmp_path) != digest_of(other, tmp_path)


def test_numbers_are_never_stripped(tmp_path: Path) -> None:
    """A number that ends like padding stays what it is."""
    found = {
        digest_of(to_bytes(make_dataset(RepresentativeFrameNumber=value)), tmp_path)
        for value in (0, 32, 8192)
    }
    assert 3 == len(found)


@pytest.mark.parametrize("name", REAL)
def test_every_real_file_has_a_form(name: str, tmp_path: Path) -> None:
    """Real files are read element by element: another preamble changes nothing."""
    data = real_path(f"{name}.dcm").read_bytes()
    digest = digest_of(data, tmp_path)
    assert digest == digest_of(b"XX" + bytes(126) + data[128:], tmp_path)
