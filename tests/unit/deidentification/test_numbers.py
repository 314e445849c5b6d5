"""Numbers of any VR that are an id, a date or a time of the file, however they are spelled or counted."""

from datetime import UTC, datetime
from itertools import product

import pytest

import imaging  # noqa: F401 silences pydicom's warnings as in production
from tests.support.factories import make_dataset
from tests.unit.deidentification.header.cleaned import cleaned

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

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
