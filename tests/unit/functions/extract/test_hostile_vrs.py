"""Texts under every VR, and texts that could name a patient: no output contains them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom._dicom_dict import DicomDictionary
from pydicom.tag import Tag

from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from tests.support.extract_outputs import contains, prepared_outputs, text_outputs
from tests.support.factories import PSEUDONYMS, make_dataset, to_image_file
from tests.support.raw_elements import MARKER, PREFIX, TEXT, ct_with, element, item

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom", "ignore::RuntimeWarning")

TEXT_VRS = "AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split()
BINARY_VRS = "OB OD OF OL OV OW UN AT US SS UL SL FL FD SV UV".split()
# Attributes without which the file is refused.
REQUIRED = frozenset(
    Tag(keyword)
    for keyword in """SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID PhotometricInterpretation
    SpecificCharacterSet Rows Columns BitsAllocated BitsStored HighBit PixelRepresentation SamplesPerPixel
    NumberOfFrames PlanarConfiguration PixelAspectRatio""".split()
)


def _all_tags() -> Iterator[tuple[int, str]]:
    """Every attribute in the dictionary that an image does not require, and its VR."""
    for tag, (vr, *_) in DicomDictionary.items():
        if tag >> 16 > 4 and tag >> 16 < 0x7FE0 and Tag(tag) not in REQUIRED:
            yield tag, f"{vr} or OB" if vr.endswith("OW") else vr


@pytest.mark.parametrize("vr", TEXT_VRS + BINARY_VRS)
@pytest.mark.parametrize("is_nested", [False, True])
def test_text_under_every_vr(vr: str, *, is_nested: bool, tmp_path: Path) -> None:
    """A text in every attribute of the dictionary, under another VR than its own, is removed."""
    own_vrs = set(BINARY_VRS) if vr == "UN" else {vr}  # UN stands for the attribute's own VR
    tags = [tag for tag, own in _all_tags() if not own_vrs & set(own.split(" or "))]
    elements = b"".join(element(tag, vr, TEXT + TEXT[:4]) for tag in tags)  # 16 bytes fit every VR
    outputs = text_outputs(
        ct_with(element(0x52009229, "SQ", item(elements)) if is_nested else elements), tmp_path
    )
    assert outputs.startswith(PREFIX), outputs
    assert not contains(MARKER, outputs)


@pytest.mark.parametrize("vr", [*TEXT_VRS, "UN"])
def test_names_under_another_vr_are_names(vr: str, tmp_path: Path) -> None:
    """A patient name is found under any VR: a description with a part of it is removed."""
    data = ct_with(element(0x00100010, vr, b"THORAX^A"), PatientName=None, StudyDescription="CT Thorax")
    outcome, outputs = prepared_outputs(data, tmp_path)
    assert "prepared" == outcome, outputs
    assert not contains("Thorax", outputs)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("ConvolutionKernel", "5551234567"),
        ("ConvolutionKernel", "B30f 5551234567"),
        ("Manufacturer", "Siemens 5551234567"),
        ("ManufacturerModelName", "Sensation 1912"),
    ],
)
def test_long_numbers_in_device_names_are_removed(keyword: str, value: str, tmp_path: Path) -> None:
    """A number of more than three digits next to known words may be an id or a telephone number."""
    image_file = to_image_file(make_dataset(**{keyword: value}), tmp_path)
    assert not deidentify(image_file, PSEUDONYMS, Profile()).attributes.get(keyword)


@pytest.mark.parametrize("date", ["12 03 65", "12 3 1965", "12:03:65", "12.03.65", "65-03-12", "3 / 12 / 65"])
def test_dates_in_descriptions_are_removed(date: str, tmp_path: Path) -> None:
    """Integers next to each other may be a date, whatever separates them."""
    image_file = to_image_file(make_dataset(StudyDescription=f"Head {date} axial 3 mm"), tmp_path)
    instance = deidentify(image_file, PSEUDONYMS, Profile())
    assert "Head axial 3 mm" == instance.attributes.StudyDescription
