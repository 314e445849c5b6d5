"""The metadata document of an instance."""

import io
import json
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from common.errors import PermanentError
from common.metadata_document import ImageEntry, MetadataDocument, parse_metadata
from deidentification.profile import Profile
from functions.extract.deidentified_instance import deidentify
from functions.extract.instance_metadata import build_document, to_json_values
from tests.support.documents import make_document
from tests.support.factories import PSEUDONYMS, make_dataset, real_path, to_image_file

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

ENTRY = ImageEntry(
    frame=1,
    key="P/1.png",
    rows=128,
    columns=128,
    samples=1,
    bits=8,
    recipe="RGB; 8 bit",
    sha256="0" * 64,
)


def _document(folder: Path, data: object = None, **elements: object) -> MetadataDocument:
    instance = deidentify(to_image_file(data or make_dataset(**elements), folder), PSEUDONYMS, Profile())
    return build_document(instance, rows=128, columns=128, key_id=PSEUDONYMS.key_id).with_images([ENTRY])


def test_typed_fields(tmp_path: Path) -> None:
    """The typed fields have the values of the file."""
    document = _document(
        tmp_path,
        PatientSex="F",
        PatientAge="045Y",
        BodyPartExamined="CHEST",
        Laterality="L",
        ViewPosition="PA",
    )
    instance, series = document.instance, document.series
    assert ("CT", "CHEST", "L") == (series.modality, series.body_part, series.laterality)
    assert ("F", 45.0, "PA") == (document.patient.sex, instance.age_years, instance.view_position)
    assert (128, 128, 1) == (instance.rows, instance.columns, instance.number_of_frames)
    assert (0.661468, 0.661468, 5.0, 120.0) == (
        instance.pixel_spacing_row,
        instance.pixel_spacing_col,
        instance.slice_thickness,
        instance.kvp,
    )
    assert document.study.study_date is not None


def test_missing_fields_are_none(tmp_path: Path) -> None:
    """A field that is missing in the file is None."""
    keywords = "PatientSex PatientAge StudyDate Modality Manufacturer PixelSpacing SliceThickness KVP".split()
    document = _document(tmp_path, **dict.fromkeys(keywords))
    assert (None, None, None) == (
        document.patient.sex,
        document.study.study_date,
        document.series.modality,
    )
    assert (None, None, None) == (
        document.instance.age_years,
        document.instance.pixel_spacing_row,
        document.instance.kvp,
    )


@pytest.mark.parametrize(
    "name",
    """CT_small MR_small examples_palette examples_rgb_color JPEG2000 rtdose_1frame SC_rgb_rle_2frame
    liver_1frame 693_J2KI""".split(),
)
def test_document_to_json_and_back(name: str, tmp_path: Path) -> None:
    """The document of any real file is the same after a conversion to JSON and back."""
    document = _document(tmp_path, real_path(f"{name}.dcm").read_bytes())
    assert document == parse_metadata(document.to_json())
    assert document.to_json() == parse_metadata(document.to_json()).to_json()


def test_attributes_are_json_values(tmp_path: Path) -> None:
    """Numbers, texts, lists and items become JSON values by keyword; look-up tables are left out."""
    attributes = _document(tmp_path, real_path("examples_palette.dcm").read_bytes()).instance.attributes
    assert attributes == json.loads(json.dumps(attributes))
    assert not [keyword for keyword in attributes if keyword.endswith("LookupTableData")]
    ds = Dataset()
    ds.InstanceNumber, ds.PixelSpacing, ds.Modality = "3", ["0.5", "0.25"], "CT"
    assert {"InstanceNumber": 3, "PixelSpacing": [0.5, 0.25], "Modality": "CT"} == to_json_values(ds)


@pytest.mark.parametrize("number", ["2147483648", "-2147483649", "3000000000"])
def test_instance_number_too_large_for_a_row_is_left_out(number: str, tmp_path: Path) -> None:
    """An instance number too large for an integer column is None, and no error."""
    assert _document(tmp_path, InstanceNumber=number).instance.instance_number is None


def test_fields_with_several_values_are_left_out(tmp_path: Path) -> None:
    """A field with several values instead of one is None."""
    document = _document(tmp_path, KVP=["120", "80"], SliceThickness=["1", "2"])
    assert (None, None) == (document.instance.kvp, document.instance.slice_thickness)


def test_detector_spacing_without_pixel_spacing(tmp_path: Path) -> None:
    """Without PixelSpacing, the spacing at the detector is used."""
    document = _document(tmp_path, PixelSpacing=None, ImagerPixelSpacing=[0.1, 0.2])
    assert (0.1, 0.2) == (document.instance.pixel_spacing_row, document.instance.pixel_spacing_col)


def test_no_planted_marker_is_in_the_document(tmp_path: Path) -> None:
    """Names, ids and free text of the file are not in its document."""
    document = _document(
        tmp_path,
        PatientName="Marker^X",
        PatientID="MARKER",
        StudyDescription="Marker",
        ImageComments="Marker",
    )
    assert b"marker" not in document.to_json().lower()


def test_images_are_added_after_their_allocation(tmp_path: Path) -> None:
    """A document is built before its images are written; their entries are added later."""
    instance = deidentify(to_image_file(make_dataset(), tmp_path), PSEUDONYMS, Profile())
    document = build_document(instance, rows=128, columns=128, key_id="x")
    assert [] == document.header.images
    assert [ENTRY] == document.with_images([ENTRY]).header.images


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"1", b'"x"', b"{}", b"\xff"])
def test_anything_but_a_document_is_refused(body: bytes) -> None:
    """Anything but a document raises PermanentError."""
    with pytest.raises(PermanentError):
        parse_metadata(body)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"patient": {"patient_id": "Doe^Jane"}}, "patient.patient_id"),
        ({"study": {"study_instance_uid": "x"}}, "study.study_instance_uid"),
        ({"instance": {"rows": "many"}}, "instance.rows"),
        ({"instance": {"extra": 1}}, "instance.extra"),
        ({"series": {"modality": "x" * 65}}, "series.modality"),
        ({"instance": {"instance_number": 2**31}}, "instance.instance_number"),
    ],
)
def test_wrong_field_is_named_without_its_value(changes: dict, field: str) -> None:
    """The error names a wrong field, but not its value."""
    document = json.loads(make_document().to_json())
    for part, values in changes.items():
        document[part] |= values
    with pytest.raises(PermanentError) as caught:
        parse_metadata(json.dumps(document).encode())
    assert f"The metadata object is wrong at {field}." == str(caught.value)


def test_building_a_document_does_not_change_the_data_set(tmp_path: Path) -> None:
    """The data set of the file stays as it is."""
    image_file = to_image_file(make_dataset(), tmp_path)
    before = io.BytesIO()
    image_file.ds.save_as(before)
    build_document(deidentify(image_file, PSEUDONYMS, Profile()), rows=128, columns=128, key_id="x")
    after = io.BytesIO()
    image_file.ds.save_as(after)
    assert before.getvalue() == after.getvalue()
    assert pydicom.dcmread(image_file.path).PatientName == image_file.ds.PatientName
