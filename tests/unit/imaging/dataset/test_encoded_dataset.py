"""Encoding data sets made in memory."""

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.sequence import Sequence

import imaging  # noqa: F401 silences pydicom's warnings as in production
from imaging.dataset.encoded_dataset import Encoding
from tests.support.factories import make_dataset

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
LAYOUTS = [(True, True), (False, True), (False, False)]


def _by_pydicom(ds: Dataset, *, is_implicit_vr: bool, is_little_endian: bool) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = is_implicit_vr, is_little_endian
    write_dataset(buffer, ds)
    return buffer.getvalue()


def _copied(ds: Dataset) -> Dataset:
    """The elements in a new data set, without undefined lengths."""
    copy = Dataset()
    for element in ds:
        value = Sequence([_copied(item) for item in element.value]) if element.VR == "SQ" else element.value
        copy.add(DataElement(element.tag, element.VR, value))
    return copy


def _every_kind() -> Dataset:
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.StudyDescription, ds.PatientName, ds.PatientComments = "Schädel", "Müller^Zoë=王^小东", ""
    ds.ImagePositionPatient, ds.InstanceNumber, ds.KVP = ["-1.50", 2, "3e1"], "07", None
    ds.FrameIncrementPointer, ds.Rows, ds.PixelSpacing = 0x00181063, 5, [0.1, 0.2]
    ds.add_new(0x00281101, "SS", [256, -5, 16])
    ds.add_new(0x00281201, "OW", b"12345")
    ds.add_new(0x00720073, "FD", [1.5, -2.5])
    ds.add_new(0x00081190, "UR", "a:b")
    ds.ReferencedImageSequence = Sequence([_copied(ds), Dataset()])
    return ds


@pytest.mark.parametrize(("is_implicit_vr", "is_little_endian"), LAYOUTS)
@pytest.mark.parametrize(
    "name", ["CT_small", "MR_small", "liver_1frame", "examples_palette", "rtdose", "every kind"]
)
def test_bytes_are_those_of_pydicom(name: str, *, is_implicit_vr: bool, is_little_endian: bool) -> None:
    """Every kind of element, in every layout, is encoded as pydicom encodes it."""
    ds = _every_kind() if name == "every kind" else _copied(make_dataset(name=f"{name}.dcm", PixelData=None))
    ds.SpecificCharacterSet = "ISO_IR 192"
    layout = {"is_implicit_vr": is_implicit_vr, "is_little_endian": is_little_endian}
    assert _by_pydicom(ds, **layout) == Encoding(**layout).encoded(ds)


def test_a_value_too_long_for_its_vr_is_encoded_by_pydicom() -> None:
    """A short string of 64 kB gets the VR UN (PS3.5 6.2.2)."""
    ds = Dataset()
    ds.StudyDescription = "a" * 70_000
    layout = {"is_implicit_vr": False, "is_little_endian": True}
    assert _by_pydicom(ds, **layout) == Encoding(**layout).encoded(ds)
