"""Descriptions: what stays of them, judged by neighbours, numbers, ages and names."""

import pytest

from tests.unit.deidentification.header.cleaned import cleaned

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def described(text: str, **elements: object) -> str | None:
    """The cleaned description of a series, or None."""
    description = cleaned(SeriesDescription=text, **elements).get("SeriesDescription")
    return None if description is None else str(description)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("T1 123 456 789 sag", "T1 sag"),
        ("123 456 789", None),
        ("12 345 678", None),
        ("NHS 943 476 5919 chest", "chest"),
        ("06 12 34 56 78 chest", "chest"),
        ("+1 (555) 123-4567 chest", "chest"),
        ("chest 123-45-6789", "chest"),
        ("chest 123/456", "chest"),
        ("head 12 Zweifelhuber 345 B 678", "head"),
        ("head 12345678 12", "head"),
        ("chest 2019 08 23", "chest"),
        ("23 Aug 2019 chest", "chest"),
        ("chest Aug 23 19", "chest"),
        ("123456 head", "head"),
        ("1.23456E5 head", "head"),
    ],
)
def test_groups_of_digits_go(text: str, expected: str | None) -> None:
    """Numbers that together have more than four digits go, also if they are nobody's known id."""
    assert expected == described(text)


@pytest.mark.parametrize(
    "text",
    [
        "CT Abdomen 5.0 B30f",
        "Thorax 2.0 0.75 Br40d",
        "CT head 120 kV 250 mAs 5 mm",
        "DWI b50 400 800",
        "Matrix 256 256",
        "Chest 2 views",
        "spine 3 4 view",
        "Phase 70 30 s".removesuffix(" s"),
        "CT 45 year old male chest",
        "120 kV 97 mAs",
        "short axis cine 8 slices",
        "white matter",
        "Low Dose Lung Screening",
        "LWS sag T2 3 mm",
    ],
)
def test_numbers_of_the_vocabulary_stay(text: str) -> None:
    """Values with units, b-values, matrices, counts, kernels and ages up to 89 stay."""
    assert text == described(text)


@pytest.mark.parametrize(
    "text",
    [
        "T1 flip 5 10 15 20",
        "T1 flip 3 6 9 12 15 head",
        "perfusion 30 60 90 120 sec",
        "DWI 0 50 100 150",
        "segments 1 2 3 4 5 6",
        "multi echo 10 20 30 40 50 60 70 80 ms",
    ],
)
def test_lists_of_multiples_stay(text: str) -> None:
    """Four or more multiples of one number in a row stay: hardly any id or telephone number is that."""
    assert text == described(text)


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("chest 5 10 15", {}),
        ("chest 12 34 56 78", {}),
        ("chest 06 12 18 24", {}),
        ("chest 20 15 10 5", {}),
        ("chest 5 10 15 20 30", {}),
        ("chest 7 5 10 15 20", {}),
        ("chest 1234 5 10 15 20", {}),
        ("chest (555) 5 10 15 20", {}),
        ("chest +33 6 12 18 24", {}),
        ("chest 5 10 15 20 Zweifelhuber 25", {}),
        ("Aug 5 10 15 20 chest", {}),
        ("chest 60 70 80 90 year old", {}),
        ("chest 5 10 15 20", {"StudyDate": "20151005"}),
        ("chest 5 10 15 20", {"AcquisitionDate": "20151005"}),
        ("chest 10 20 30 40", {"PatientBirthDate": "19301020"}),
        ("chest 10 20 30 40", {"PatientAge": "040Y", "PatientBirthDate": "19301020"}),
    ],
)
def test_other_rows_of_numbers_go(text: str, elements: dict[str, object]) -> None:
    """Rows that may be an id, a telephone number or a date of the file are no list."""
    assert not any(letter.isdigit() for letter in described(text, **elements) or "")


def test_lists_that_are_the_patient_s_number_go() -> None:
    """A list that is the patient's id or telephone number removes the description."""
    assert described("chest 5 10 15 20", PatientID="5101520") is None
    assert described("chest 20 30 40 50", PatientTelephoneNumbers="+45 20304050") is None


def test_hardly_any_number_in_pairs_is_a_list() -> None:
    """Of all telephone numbers in four pairs, as many pass as have pairs that are multiples in a row."""
    rows = {
        " ".join(str(step * (first + index)) for index in range(4))
        for step in range(1, 100)
        for first in range(1, 100)
    }
    pairs = {row for row in rows if all(len(pair) == 2 for pair in row.split())}
    assert 269 == len(pairs)
    assert pairs == {row for row in pairs if described(f"chest {row}") == f"chest {row}"}


@pytest.mark.parametrize(
    "text",
    [
        "CHEST 97 YEAR OLD FEMALE",
        "chest 97Y",
        "chest 97yo",
        "chest 97 y/o",
        "97-year-old chest",
        "chest age 97",
        "chest, age of 97",
        "chest 97 F",
        "female 97 chest",
        "Thorax 97 Jahre",
        "Thorax, Alter 97",
        "thorax 97 ans",
        "torace 97 anni",
        "tórax 97 años",
        "chest 97.5 years",
        "chest 101 Zweifelhuber female",
    ],
)
def test_ages_over_89_go(text: str) -> None:
    """No age over 89 stays, in whatever words."""
    assert not any(letter.isdigit() for letter in described(text, SpecificCharacterSet="ISO_IR 192") or "")


@pytest.mark.parametrize(
    "elements", [{"PatientAge": "097Y"}, {"PatientBirthDate": "19061201", "PatientAge": None}]
)
def test_the_patient_s_own_age_over_89_goes(elements: dict[str, object]) -> None:
    """A number that is the age of a patient over 89 goes without any word for it; other numbers stay."""
    assert "CHEST" == described("CHEST 97", StudyDate="20040119", **elements)
    assert "CHEST 96" == described("CHEST 96", StudyDate="20040119", **elements)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Li^Na", "MR Li Na head", "MR head"),
        ("Ng^Wei Ling", "CT Ng head", "CT head"),
        ("Ma^Wu", "head 120 kV 100 mA", "head 120 kV 100"),
        ("CT^Phantom", "CT head", "CT head"),
        ("Doe^Jane", "Knie li", "Knie li"),
    ],
)
def test_names_of_two_letters_go_alone(name: str, text: str, expected: str) -> None:
    """A name of two letters goes from a description; the other words stay, as it may be a common word."""
    assert expected == described(text, PatientName=name)


@pytest.mark.parametrize("surname", ["White", "Gray", "Long", "Stone", "Short", "Black", "Dixon", "Ray"])
def test_surnames_of_others_go(surname: str) -> None:
    """A common surname goes from a description, also if it is a word of radiology in its phrase."""
    assert "CT chest" == described(f"CT chest {surname}")
    assert "CT chest" == described(f"{surname} CT chest")


@pytest.mark.parametrize(
    "keyword", ["ConvolutionKernel", "ManufacturerModelName", "Manufacturer", "FilterType"]
)
@pytest.mark.parametrize("value", ["JD123AB45", "123 456 789", "12 345", ["123", "456", "789"]])
def test_no_number_of_many_digits_is_a_name(keyword: str, value: object) -> None:
    """An id in groups is no kernel, maker, model or filter, also if it is in several values."""
    assert keyword not in cleaned(**{keyword: value})


@pytest.mark.parametrize(
    "value", ["B30f", "Br40d", "Hr38", "FC08", "FC08-H", ["I30f", "3"], "STANDARD", "BONEPLUS"]
)
def test_kernels_stay(value: object) -> None:
    """The forms of kernels that scanners write stay."""
    assert value == cleaned(ConvolutionKernel=value).ConvolutionKernel
