"""The patient's words, numbers and dates, compared in normal form."""

import numpy as np
import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

import imaging  # noqa: F401 silences pydicom's warnings as in production
from common.errors import PermanentError
from deidentification.header.residue import check_residue
from deidentification.identity import identity_of
from tests.support.factories import make_dataset
from tests.unit.deidentification.header.cleaned import cleaned

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
_UTF_8 = "ISO_IR 192"


def patient(**elements: object) -> Dataset:
    """A data set of which only the given elements and a study date identify."""
    ds = Dataset()
    ds.SpecificCharacterSet, ds.StudyDate = _UTF_8, "20190823"
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


@pytest.mark.parametrize(
    ("patient_id", "text"),
    [
        ("123-456-789", "head 123 456 789"),
        ("123-456-789", "123456789"),
        ("123456789", "id 123.456.789"),
        ("123 456 789", "0123-456-789"),
        ("000123456", "123456"),
        ("123456", "000 123 456"),
        ("123-456-789", "789/456/123"),
        ("AB-12-CD-34", "ab12cd34"),
        ("AB12CD34", "AB 12 CD 34"),
        ("A00123456", "A-123456"),
        ("MRN 123-456", "no. 123456"),
        ("943 476 5919", "9434765919"),
        ("+44 20 7946 0958", "020 7946 0958"),
        ("+45 20304050", "20 30 40 50"),
        ("123456789", "\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19"),
        ("123456789", "٣ ١٢٣٤٥٦٧٨٩"),
    ],
)
def test_ids_are_found_in_any_grouping(patient_id: str, text: str) -> None:
    """Separators, zeros before a number, the order of its groups and other scripts' digits do not matter."""
    assert "PatientID" == identity_of(patient(PatientID=patient_id)).found_in(text)


@pytest.mark.parametrize(
    "text", ["12 345", "head 123 456", "5123456789", "1234567890", "CT 789 mm 456 cm 123"]
)
def test_other_numbers_are_not_found(text: str) -> None:
    """Parts of an id and longer numbers are not the id."""
    assert identity_of(patient(PatientID="123-456-789")).found_in(text) is None


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Müller^Jörg", "MUELLER"),
        ("Müller^Jörg", "muller"),
        ("Mueller^Joerg", "Müller"),
        ("Mueller^Joerg", "Muller"),
        ("Muller^J", "Müller"),
        ("Łukasiewicz^J", "lukasiewicz"),
        ("Sørensen^J", "Soerensen"),
        ("Sørensen^J", "Sorensen"),
        ("O'Brien^J", "OBRIEN"),
        ("Doe^Jane", "JANEDOE"),
        ("Doe^Jane", "DoeJane"),
        ("山田^太郎", "山田"),
        ("Doe^Jane", "head, jane"),
    ],
)
def test_names_are_found_in_any_spelling(name: str, text: str) -> None:
    """Accents, letters written as two, joined names and the order of names do not matter."""
    assert "PatientName" == identity_of(patient(PatientName=name)).found_in(text)


@pytest.mark.parametrize(
    "value",
    ["123456", "000123456", "123456.0", "1.23456E5", "12345.6E1", "+1.23456e+05", "123456.00001", "-123456"],
)
def test_ids_are_removed_from_numbers_in_any_spelling(value: str) -> None:
    """A DS value that is the patient's id as a number is removed, however it is spelled."""
    assert "TableHeight" not in cleaned(PatientID="123456", TableHeight=value)
    assert "TableHeight" in cleaned(PatientID="654321", TableHeight=value)


def test_ids_are_removed_from_binary_numbers() -> None:
    """An id as UL, FD or FL is removed; 32 bits may have rounded it."""
    for vr, value in (("UL", 123456789), ("FD", 123456789.0), ("FL", float(np.float32(123456789)))):
        ds = make_dataset(PatientID="123-456-789")
        ds.add_new("TableHeight", vr, value)
        assert "TableHeight" not in cleaned(ds), vr
    assert "AcquisitionMatrix" not in cleaned(
        PatientID="123456789123", AcquisitionMatrix=[123, 456, 789, 123]
    )


def test_geometry_stays_whatever_the_id() -> None:
    """Zeros, ones and fractions of positions are not taken for parts of an id."""
    geometry = {
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        "ImagePositionPatient": ["-158.135", "-179.035", "-75.7"],
        "PixelSpacing": ["0.661468", "0.661468"],
    }
    kept = cleaned(PatientID="100010", AccessionNumber="158135", **geometry)
    assert [list(map(float, value)) for value in geometry.values()] == [
        list(kept[keyword].value) for keyword in geometry
    ]


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("SeriesDescription", "head 123 456 789"),
        ("SeriesDescription", "head Mueller"),
        ("SeriesDescription", "head Ng"),
        ("SeriesDescription", "head 97"),
        ("StudyDescription", "23082019"),
        ("SeriesNumber", "20190823"),
        ("TableHeight", "1.23456789E8"),
        ("TableHeight", "123456789.0"),
    ],
)
def test_the_last_check_looks_in_the_same_normal_form(keyword: str, value: str) -> None:
    """What is left of the identity in any grouping or spelling stops the file."""
    identity = identity_of(patient(PatientID="123-456-789", PatientName="Müller^Ng", PatientAge="097Y"))
    ds = Dataset()
    setattr(ds, keyword, value)
    with pytest.raises(PermanentError, match=f"still found in {keyword}"):
        check_residue(ds, identity)


def test_the_last_check_lets_closed_lists_and_safe_creators_pass() -> None:
    """A maker, a code, a unit and a private creator may be the name of a patient or hospital."""
    identity = identity_of(patient(PatientName="Ge^Ma", InstitutionName="Imaging Center"))
    ds = Dataset()
    ds.Manufacturer, ds.CodeValue, ds.ConvolutionKernel = "GE MEDICAL SYSTEMS", "mA", "B30f"
    ds.private_block(0x2001, "Philips Imaging DD 001", create=True).add_new(0x03, "FL", 1000.0)
    check_residue(ds, identity)


def test_a_birth_date_on_the_day_of_the_study_identifies() -> None:
    """The birth date of a newborn is found in text although it is the date of the study too."""
    identity = identity_of(patient(PatientBirthDate="20190823"))
    assert {"PatientBirthDate"} == {
        identity.found_in(text) for text in ("20190823", "23.08.2019", "23 08 19")
    }


def test_a_date_with_the_vr_of_text_is_a_date() -> None:
    """A date of the study is known whatever VR the file has for it."""
    ds = make_dataset(StudyDate=None, SeriesNumber="20190823")
    ds.add(DataElement(0x00080020, "LO", "20190823"))
    assert "SeriesNumber" not in cleaned(ds)


def test_numerals_that_are_no_decimal_digits_are_letters() -> None:
    """A name, an age or an id of such numerals, as in Ethiopic or in superscript, stops nothing."""
    identity = identity_of(patient(PatientName="፩፪፫፬፭፮", PatientID="①②③④⑤⑥⑦⑧⑨", PatientAge="²²²Y"))
    assert identity.found_in_number(float(1 << 25), str(1 << 25)) is None
    assert "PatientID" == identity.found_in_number(123456789.0, "123456789.0")


def test_a_part_of_a_series_does_not_reach_another_patient() -> None:
    """What is cached of equal elements is the same for each file, and of one patient only."""
    first = patient(PatientName="Zweifelhuber^Jo", PatientID="4711471", StudyDate="20190823")
    other = patient(PatientName="Obermoser^Li", PatientID="8155815", StudyDate="20190823")
    known = identity_of(first)
    assert known == identity_of(patient(PatientName="Zweifelhuber^Jo", PatientID="4711471"))
    assert known.words.isdisjoint(identity_of(other).words)
    assert (frozenset({"JO"}), frozenset({"LI"})) == (known.short_names, identity_of(other).short_names)


def test_long_values_of_an_identity_are_searched_too() -> None:
    """A value that is too long for the cache is part of the identity."""
    address = " ".join(f"Zweifelhuber{chr(97 + number)}strasse" for number in range(26))
    assert "PatientAddress" == identity_of(patient(PatientAddress=address)).found_in("zweifelhuberzstrasse")


def test_a_date_and_time_that_differs_by_the_time_has_the_same_day() -> None:
    """Each date of an element with several values and times is known."""
    values = ["20190823101500.0", " 2018.01.02", "20170304"]
    identity = identity_of(patient(FrameReferenceDateTime=values))
    found = [identity.date_in(text) for text in ("20190823", "20180102", "20170304")]
    assert ["StudyDate", "FrameReferenceDateTime", "FrameReferenceDateTime"] == found


def test_words_of_many_institutions_do_not_identify() -> None:
    """A file of a Medical Center keeps its maker GE MEDICAL SYSTEMS; the institution's own name is found."""
    identity = identity_of(
        patient(InstitutionName="Zenda Medical Center", InstitutionalDepartmentName="MRI", StationName="MRI")
    )
    assert identity.found_in("GE MEDICAL SYSTEMS") is None
    assert identity.found_in("MRI BRAIN") is None
    assert "InstitutionName" == identity.found_in("ZENDA BRAIN")


def test_words_of_institutions_identify_a_person_of_that_name() -> None:
    """A patient named Center is found, although many institutions have that word."""
    named = identity_of(patient(PatientName="Center^Jane", InstitutionName="Medical Center"))
    assert "PatientName" == named.found_in("center")


@pytest.mark.parametrize("name", ["\u041d\u0430nd^\u0410nn\u0430", "\u039aNEE^Ann", "Bru\u0455t^Anna"])
def test_names_with_letters_that_look_like_latin_ones_are_found(name: str) -> None:
    """A name typed with Cyrillic or Greek letters among Latin ones is found in Latin letters."""
    found = identity_of(patient(PatientName=name))
    assert "PatientName" in {found.found_in(text) for text in ("hand", "knee", "brust")}
    assert found.found_in("head") is None
