"""The patient's words, numbers and dates, compared in normal form."""

from datetime import UTC, datetime
from itertools import product

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


_STUDY, _BORN = {"StudyDate": "20190823"}, {"PatientBirthDate": "19510317"}
_SECONDS = int(datetime(2019, 8, 23, 10, 15, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("elements", "number"),
    [
        (_STUDY, "20190823"),
        (_STUDY, "190823"),
        (_STUDY, "23082019"),
        (_STUDY, "08232019"),
        (_STUDY, "230819"),
        (_STUDY, "201908"),
        (_STUDY, "20190823001"),
        (_STUDY, "190823101500"),
        (_STUDY, str(_SECONDS)),
        (_BORN, "19510317"),
        (_BORN, "17031951"),
        (_BORN, "170351"),
        ({"AcquisitionDateTime": "20190823101500"}, "20190823"),
    ],
)
@pytest.mark.parametrize("keyword", ["SeriesNumber", "InstanceNumber", "AcquisitionNumber"])
def test_numbers_that_are_dates_are_removed(elements: dict[str, object], number: str, keyword: str) -> None:
    """A whole number that is a date of the study or the patient, or Unix time, is removed."""
    assert keyword not in cleaned(**elements, **{keyword: number})


@pytest.mark.parametrize(
    ("vr", "number"),
    [
        *product(("DS", "UL", "FD", "UV"), (20190823, _SECONDS, 17031951)),
        *product(("DS", "FD", "UV"), (_SECONDS * 1000,)),  # UL has 32 bits
    ],
)
def test_dates_are_removed_from_numbers_of_every_vr(vr: str, number: int) -> None:
    """Dates and Unix seconds and milliseconds are removed from numbers of any VR."""
    ds = make_dataset(**_STUDY, **_BORN)
    ds.add_new("TableHeight", vr, float(number) if vr == "FD" else str(number) if vr == "DS" else number)
    assert "TableHeight" not in cleaned(ds)


# The same days as other clocks, calendars and programs count or write them.
@pytest.mark.parametrize(
    "number",
    [
        *("2019235", "19235", "1951076", "51076", "201934", "2019345", "195111", "1951116"),
        *("43700", "42238", "58718", "18131", "18704", "2458719", "2458718.5", "2458718.9", "43700.427083"),
        *("737294", "737660", "435154", "26109255", "2019.6438", "1951.2055"),
        *(f"{_SECONDS + 2_082_844_800}", f"{_SECONDS - 315_964_800}", f"{_SECONDS - 946_684_799}"),
        *("2382019", "8232019", "2019823", "23819", "82319", "19823", "82019", "082019", "1731951", "31951"),
        *("143512", "143512.0", "-143512", "154601"),
    ],
)
def test_days_and_times_are_removed_however_they_are_counted(number: str) -> None:
    """Days of the year, weeks, counts of other epochs, days without zeros and times of day are removed."""
    times = {"StudyTime": "143512.5", "ContentTime": "15:46:01"}
    kept = cleaned(**_STUDY, **_BORN, **times, TableHeight=number)
    assert "TableHeight" not in kept


@pytest.mark.parametrize("number", [1566570912000000000, 132110445120000000, 637021677120000000])
def test_times_in_small_parts_of_a_second_are_removed(number: int) -> None:
    """Nanoseconds of Unix, and ticks of 100 ns since 1601 and since the year 1."""
    ds = make_dataset(**_STUDY)
    ds.add_new("TableHeight", "FD", float(number))
    assert "TableHeight" not in cleaned(ds)


@pytest.mark.parametrize(
    "number",
    [
        *(
            "2019100",
            "19100",
            "201901",
            "43750",
            "2458800",
            "737000",
            "430000",
            "26000000",
            "2019.5",
            "82018",
        ),
        *(
            "370000000",
            "143500.5",
            "120000",
            "65535",
            "32768",
            "63.687259",
            "2018.75312",
            "1000000",
            "10000000",
        ),
    ],
)
def test_numbers_of_other_days_and_of_measurements_stay(number: str) -> None:
    """A number that no clock or calendar takes for a day of the file stays, and so do round numbers."""
    times = {"StudyTime": "143512.5", "ContentTime": "120000", "PatientID": "10000000123"}
    kept = cleaned(**_STUDY, **_BORN, **times, TableHeight=number)
    assert float(number) == kept.TableHeight


@pytest.mark.parametrize(
    "number", ["1234567897", "1234567890", "1234567", "2345678", "987654321", "91234567890"]
)
def test_a_number_that_has_an_id_or_a_part_of_it_is_removed(number: str) -> None:
    """An id with a check digit, digits of an id, and an id written backwards are removed."""
    assert "TableHeight" not in cleaned(PatientID="123456789", TableHeight=number)


@pytest.mark.parametrize(("patient_id", "value"), [("123456789", 12345.6789), ("20190823", 2019.0823)])
def test_a_number_with_a_point_that_was_rounded_to_32_bits_is_removed(patient_id: str, value: float) -> None:
    """An id or date with a decimal point is found as FL, which keeps about seven digits."""
    ds = make_dataset(PatientID=patient_id)
    ds.add_new("TableHeight", "FL", value)
    assert "TableHeight" not in cleaned(ds)


@pytest.mark.parametrize("number", ["2", "301", "1000", "20190", "20180823", "190924", "16777216"])
def test_other_numbers_of_a_series_stay(number: str) -> None:
    """Numbers that are no date of the file stay."""
    assert number == str(cleaned(**_STUDY, SeriesNumber=number).SeriesNumber)


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
