"""Which values of attributes stay, and in which form."""

from datetime import date

import pytest
from pydicom.dataelem import DataElement

from deidentification.header.value_rules import age_years, parse_date
from tests.support.factories import PSEUDONYMS, make_dataset
from tests.unit.deidentification.header.cleaned import cleaned

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def test_times_are_removed() -> None:
    """Times of day are removed; a date and time keeps only its shifted date."""
    times = ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime")
    ds = cleaned(**dict.fromkeys(times, "101500"), AcquisitionDateTime="20040119101500+0100")
    assert [] == [keyword for keyword in times if keyword in ds]
    assert f"{PSEUDONYMS.shifted(date(2004, 1, 19), 'P1'):%Y%m%d}" == ds.AcquisitionDateTime


def test_times_of_pet_and_nuclear_medicine_stay() -> None:
    """Times of PET and nuclear medicine stay, because activities are computed from them."""
    times = {"SeriesTime": "101500", "AcquisitionTime": "101501.5"}
    assert times == {keyword: cleaned(Modality="PT", **times).get(keyword) for keyword in times}


def test_dates_are_shifted() -> None:
    """Dates are shifted by the patient's number of days."""
    kept = cleaned(StudyDate="20040119", ContentDate="20040121")
    shifted = PSEUDONYMS.shifted(date(2004, 1, 19), "P1")
    assert f"{shifted:%Y%m%d}" == kept.StudyDate
    assert 2 == (parse_date(kept.ContentDate) - shifted).days


@pytest.mark.parametrize(
    "value", ["2004", "200401", "20041301", "20040119-20040121", "Marker", "2004.01.19", ""]
)
def test_incomplete_dates_are_removed(value: str) -> None:
    """A value that is not a complete date is removed."""
    assert "StudyDate" not in cleaned(StudyDate=value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("000D", "000D"),
        ("045Y", "045Y"),
        ("089Y", "089Y"),
        ("090Y", "090Y"),
        ("101Y", "090Y"),
        ("999M", "999M"),
        ("999W", "999W"),
        (" 045Y", "045Y"),
    ],
)
def test_ages_over_89_become_90(value: str, expected: str) -> None:
    """An age over 89 becomes 90; others stay unchanged."""
    assert expected == cleaned(PatientAge=value).PatientAge


@pytest.mark.parametrize("value", ["45", "45Y", "Marker", "0450", "-45Y", "045y"])
def test_ages_of_another_form_are_removed(value: str) -> None:
    """An age that is not an AS value is removed."""
    assert "PatientAge" not in cleaned(PatientAge=value)


@pytest.mark.parametrize(
    ("text", "expected"), [("045Y", 45.0), ("006M", 0.5), ("091Y", 90.0), ("089Y", 89.0), ("x", None)]
)
def test_age_in_years(text: str, expected: float | None) -> None:
    """An AS value is converted to years."""
    assert expected == age_years(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_removed(value: float) -> None:
    """A number that is not finite is removed."""
    ds = make_dataset()
    ds.add_new("TableHeight", "FD", value)
    assert "TableHeight" not in cleaned(ds)


def test_text_in_a_number_attribute_is_removed() -> None:
    """A value that is not a number is removed from a number attribute, whatever the element's VR."""
    ds = make_dataset()
    ds.add(DataElement(0x00180060, "LO", "Doe 120 kV"))
    assert "KVP" not in cleaned(ds)


@pytest.mark.parametrize(
    "value", ["Doe Imaging", "Scanner of JANE", "doe", "Clinic ROOM-12345", "Hospital of Springfield"]
)
@pytest.mark.parametrize("keyword", ["Manufacturer", "ManufacturerModelName", "ConvolutionKernel"])
def test_names_inside_allowed_text_are_removed(keyword: str, value: str) -> None:
    """A manufacturer, model or kernel with a word of an identifying attribute is removed."""
    kept = cleaned(
        PatientName="Doe^Jane",
        PatientID="ROOM-12345",
        InstitutionName="Springfield",
        **{keyword: value},
    )
    assert keyword not in kept


@pytest.mark.parametrize("value", ["DOE", "JANE DOE", "marker", "see report 12", "A" * 17, "Größe", "A\nB"])
def test_coded_strings_of_another_form_are_removed(value: str) -> None:
    """A coded string stays only if it is short, consists of listed terms and has no word of the identity."""
    assert "BodyPartExamined" not in cleaned(PatientName="Doe^Jane", BodyPartExamined=value)


@pytest.mark.parametrize("keyword", ["RescaleType", "ModalityLUTType"])
@pytest.mark.parametrize(("value", "expected"), [("HU", "HU"), ("MGML", "MGML"), ("Dr. Doe's", "US")])
def test_unknown_type_of_values_becomes_unspecified(keyword: str, value: str, expected: str) -> None:
    """Values of an unknown type are said to be unspecified: without a type, those of a CT would be HU."""
    assert expected == cleaned(PatientName="Doe^Jane", **{keyword: value})[keyword].value


def test_one_refused_value_of_several_refuses_all() -> None:
    """Scan options with a name among them are all removed; a value of an image type is replaced."""
    kept = cleaned(
        PatientName="Doe^Jane", ScanOptions=["FS", "DOE"], ImageType=["ORIGINAL", "PRIMARY", "DOE"]
    )
    assert "ScanOptions" not in kept
    assert ["ORIGINAL", "PRIMARY", "OTHER"] == kept.ImageType


def test_descriptions_keep_the_words_of_radiology() -> None:
    """Unknown words are removed from a description; all of it is removed if one is of the identity."""
    kept = cleaned(StudyDescription="CT Thorax for Zweifelhuber 12.03.1965", PatientName="Doe^Jane")
    assert "CT Thorax for" == kept.StudyDescription
    assert "StudyDescription" not in cleaned(StudyDescription="CT head Doe", PatientName="Doe^Jane")


@pytest.mark.parametrize(
    "text",
    [
        "chest 123 mm 456 mm 789 mm",
        "123 chest 456 head 789 liver",
        "chest 123x456x789mm",
        "1 chest 2 chest 3 chest 4 chest 5 chest 6 7 chest 8 9",
    ],
)
def test_an_id_spread_over_a_description_removes_it(text: str) -> None:
    """The digits of an id are found in order whatever words and units are between them."""
    assert "SeriesDescription" not in cleaned(PatientID="123456789", SeriesDescription=text)
    assert text == cleaned(PatientID="987654329", SeriesDescription=text).SeriesDescription


@pytest.mark.parametrize("keyword", ["ConvolutionKernel", "ManufacturerModelName"])
def test_an_age_over_89_is_no_number_of_a_model_or_kernel(keyword: str) -> None:
    """The patient's own age over 89 is removed from there too; another number stays."""
    value = "STANDARD 91" if keyword == "ConvolutionKernel" else "Signa 91"
    assert keyword not in cleaned(PatientAge="091Y", **{keyword: value})
    assert value == cleaned(PatientAge="092Y", **{keyword: value})[keyword].value
