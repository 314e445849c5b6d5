"""The de-identified file: it is valid, and only its pixels are those of the original."""

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset
from pydicom.uid import ExplicitVRLittleEndian

from deidentification.profile import Profile
from functions.extract.deidentified_instance import DeidentifiedInstance, deidentify
from tests.support.factories import PSEUDONYMS, make_dataset, make_grey, real_path, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

READABLE = """CT_small MR_small_RLE MR_small_bigendian MR_small_implicit JPEG2000 image_dfl SC_rgb_rle_2frame
    examples_palette examples_ybr_color SC_rgb_jpeg_dcmtk MR_small_jpeg_ls_lossless
    rtdose_1frame 693_J2KI""".split()


def _deidentified(data: bytes | FileDataset, folder: Path) -> DeidentifiedInstance:
    return deidentify(to_image_file(data, folder), PSEUDONYMS, Profile())


def _file_of(instance: DeidentifiedInstance) -> bytes:
    buffer = io.BytesIO()
    instance.write(buffer)
    return buffer.getvalue()


def _reread(data: bytes | FileDataset, folder: Path) -> FileDataset:
    return pydicom.dcmread(io.BytesIO(_file_of(_deidentified(data, folder))))


@pytest.mark.parametrize("name", READABLE)
def test_file_is_valid_and_has_the_same_pixels(name: str, tmp_path: Path) -> None:
    """In every transfer syntax, the file can be read and has the pixels of the original."""
    original = pydicom.dcmread(real_path(f"{name}.dcm"))
    reread = _reread(real_path(f"{name}.dcm").read_bytes(), tmp_path)
    assert np.array_equal(original.pixel_array, reread.pixel_array)
    syntax = original.file_meta.TransferSyntaxUID
    assert (ExplicitVRLittleEndian if syntax.is_deflated else syntax) == reread.file_meta.TransferSyntaxUID


def test_identifiers_are_pseudonyms(tmp_path: Path) -> None:
    """Patient and UIDs are pseudonyms of the key, also in the file meta information."""
    instance = _deidentified(make_dataset(), tmp_path)
    ds = pydicom.dcmread(io.BytesIO(_file_of(instance)))
    original = make_dataset()
    patient = PSEUDONYMS.patient(original.PatientID, "", original.StudyInstanceUID)
    assert patient == str(ds.PatientName) == ds.PatientID == instance.path.patient
    assert PSEUDONYMS.uid(original.SOPInstanceUID) == ds.SOPInstanceUID
    assert ds.SOPInstanceUID == ds.file_meta.MediaStorageSOPInstanceUID
    assert original.SOPClassUID == ds.file_meta.MediaStorageSOPClassUID


def test_original_file_meta_is_removed(tmp_path: Path) -> None:
    """File meta information, preamble and private information are new."""
    ds = make_dataset()
    ds.preamble = b"MARKER-PREAMBLE".ljust(128, b"\0")
    ds.file_meta.SourceApplicationEntityTitle = "MARKER-AE"
    ds.file_meta.PrivateInformationCreatorUID = "1.2.3"
    ds.file_meta.PrivateInformation = b"MARKER-PRIVATE"
    data = _file_of(_deidentified(ds, tmp_path))
    assert b"MARKER" not in data
    assert b"\0" * 128 + b"DICM" == data[:132]


def test_no_identifier_of_the_original_is_in_the_file(tmp_path: Path) -> None:
    """No value of an identifying element is in the file."""
    ds = make_dataset(
        PatientName="Marker^Name", PatientID="MARKER-ID", InstitutionName="MARKER", StudyDescription="Marker"
    )
    data = _file_of(_deidentified(ds, tmp_path))
    assert b"marker" not in data.lower()
    for uid in (ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID):
        assert uid.encode() not in data


def test_deidentification_is_declared(tmp_path: Path) -> None:
    """The file states that and how it was de-identified, and that its dates were shifted (PS3.15 E.2)."""
    ds = _reread(make_dataset(), tmp_path)
    assert "YES" == ds.PatientIdentityRemoved
    assert "dcm2set" in ds.DeidentificationMethod
    assert "MODIFIED" == ds.LongitudinalTemporalInformationModified


def test_required_elements_are_present_if_empty(tmp_path: Path) -> None:
    """Required elements whose value was removed are present with zero length (Type 2, PS3.5 7.4.3)."""
    ds = _reread(make_dataset(), tmp_path)
    for keyword in ("PatientBirthDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName", "StudyID"):
        assert keyword in ds
        assert not ds[keyword].value


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    """A replay writes the same file."""
    first = _file_of(_deidentified(make_dataset(), tmp_path))
    assert first == _file_of(_deidentified(make_dataset(), tmp_path))


def test_bits_above_the_stored_ones_are_cleared(tmp_path: Path) -> None:
    """Bits above BitsStored may contain an overlay with text (retired, PS3.5 8.1.2), so they are cleared."""
    values = np.arange(256, dtype=np.uint16).reshape(16, 16)
    hidden = values | 0x8000
    ds = make_grey(hidden, BitsStored=12, HighBit=11)
    reread = _reread(ds, tmp_path)
    assert np.array_equal(values, np.frombuffer(reread.PixelData, np.uint16).reshape(16, 16))


def test_surplus_bytes_after_the_pixels_are_cut(tmp_path: Path) -> None:
    """Pixel data longer than its frames is cut to their length."""
    ds = make_dataset()
    length = len(ds.PixelData)
    ds.PixelData += b"MARKER"
    assert length == len(_reread(ds, tmp_path).PixelData)


def test_comments_in_a_jpeg_stream_are_removed(tmp_path: Path) -> None:
    """A comment segment (COM) in a JPEG code stream may name a patient, so it is removed."""
    ds = make_dataset(name="SC_rgb_jpeg_dcmtk.dcm")
    soi = ds.PixelData.index(b"\xff\xd8")
    comment = b"\xff\xfe\x00\x12MARKER-IN-COMMENT"[: 2 + 18]
    data = ds.PixelData[: soi + 2] + comment + ds.PixelData[soi + 2 :]
    # The item is longer by the inserted comment.
    item = data.rindex(b"\xfe\xff\x00\xe0", 0, soi)
    length = int.from_bytes(data[item + 4 : item + 8], "little") + len(comment)
    ds.PixelData = data[: item + 4] + length.to_bytes(4, "little") + data[item + 8 :]
    instance = _deidentified(ds, tmp_path)
    assert b"MARKER" not in _file_of(instance)
