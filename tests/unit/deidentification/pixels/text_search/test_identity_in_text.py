"""The patient's words in text that a reader read, with its usual errors."""

import pytest
from pydicom.dataset import Dataset

from deidentification.identity import identity_of
from deidentification.pixels.text_search.harmless_text import is_harmless
from deidentification.pixels.text_search.identity_in_text import identity_in_text


def patient() -> Dataset:
    """The attributes of one patient."""
    ds = Dataset()
    ds.PatientName, ds.PatientID, ds.AccessionNumber = "Meierhofer^Annegret", "4711-0815", "ACC778899"
    ds.PatientBirthDate, ds.StudyDate, ds.InstitutionName = "19310517", "20190823", "St. Vincent"
    return ds


IDENTITY = identity_of(patient())


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("MEIERHOFER ANNEGRET", "PatientName"),
        ("Meierhofer,A.", "PatientName"),
        ("ME1ERH0FER", "PatientName"),
        ("MEIERH0FEB", "PatientName"),
        ("MEIEHOFER", "PatientName"),
        ("MEIERHOOFER", "PatientName"),
        ("MEIERHOFERANNEGRET", "PatientName"),
        ("Pat. annegret geb.", "PatientName"),
        ("47110815", "PatientID"),
        ("ID:4711 0815", "PatientID"),
        ("47II-O8I5", "PatientID"),
        ("VINCENT KLINIK", "InstitutionName"),
        ("17.05.1931", "PatientBirthDate"),
        ("05/17/31", "PatientBirthDate"),
        ("23-08-2019", "StudyDate"),
        ("2019.08.20 11:03", "StudyDate"),
        ("20190901", "StudyDate"),
    ],
)
def test_words_and_dates_of_the_patient_are_found(text: str, keyword: str) -> None:
    """Also with characters that look alike, one wrong character, and a date within a month."""
    assert keyword == identity_in_text(text, IDENTITY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "R",
        "AP ERECT",
        "120 kV 5 mAs",
        "WESTERN HOSPITAL",
        "JONES PETER",
        "17.05.1951",
        "01.01.2024",
        "0815",
        "1:2:3",
    ],
)
def test_other_text_is_not_the_patients(text: str) -> None:
    """Markers, other names and distant dates."""
    assert identity_in_text(text, IDENTITY) is None


@pytest.mark.parametrize(
    "line",
    [
        "L",
        "AP",
        "R ERECT",
        "120 kV",
        "5.0 mm",
        "W 400 L",
        "TIS 0.8 MI",
        "cm/s",
        "10 20",
        "Anterior",
        "PHANTOM",
    ],
)
def test_markers_units_and_scales_are_harmless(line: str) -> None:
    """Words of the list and up to four digits."""
    assert is_harmless(line)


@pytest.mark.parametrize(
    "line",
    ["MEIER", "L MEIER", "12.03.1985", "12:45:10", "12345", "AP 10 20 30", "kV Schmidt", "Müller", "AB12"],
)
def test_everything_else_is_not(line: str) -> None:
    """Unknown words, dates, times and numbers."""
    assert not is_harmless(line)
