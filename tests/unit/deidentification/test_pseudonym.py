"""Pseudonyms: keyed, the same everywhere, unrelated to one another."""

import re
from datetime import date, timedelta

import pytest

from deidentification.pseudonym import MAX_SHIFT_DAYS, MIN_SHIFT_DAYS, Pseudonyms
from tests.support.factories import KEY

ONE = Pseudonyms(KEY)
OTHER = Pseudonyms(KEY[::-1])


def test_same_key_gives_the_same_pseudonyms_in_every_process() -> None:
    """Pseudonyms depend only on the key and the input."""
    again = Pseudonyms(bytes(KEY))
    assert again.patient("1CT1", "", "1.2.3") == ONE.patient("1CT1", "", "1.2.3")
    assert again.uid("1.2.3") == ONE.uid("1.2.3")
    assert again.content(b"x") == ONE.content(b"x")
    assert again.shifted(date(2004, 1, 19), "P1") == ONE.shifted(date(2004, 1, 19), "P1")


def test_another_key_gives_other_pseudonyms() -> None:
    """Each pseudonym depends on the key."""
    assert ONE.patient("1CT1", "", "1.2.3") != OTHER.patient("1CT1", "", "1.2.3")
    assert ONE.uid("1.2.3") != OTHER.uid("1.2.3")
    assert ONE.key_id != OTHER.key_id
    assert ONE.content(b"x") != OTHER.content(b"x")


def test_key_of_another_length_is_refused() -> None:
    """A key has 32 bytes."""
    with pytest.raises(ValueError, match="32"):
        Pseudonyms(b"short")


def test_patient_has_the_documented_form() -> None:
    """A patient's pseudonym is P and 20 hex digits."""
    assert re.fullmatch(r"P[0-9a-f]{20}", ONE.patient("1CT1", "ISSUER", "1.2.3"))


def test_patient_does_not_depend_on_the_study() -> None:
    """A patient with an ID has one pseudonym in every study, whatever the padding and case of the ID."""
    expected = ONE.patient("ab1", "Clinic", "1.2.3")
    assert expected == ONE.patient("  AB1 ", "CLINIC ", "4.5.6")


def test_patients_differ_by_id_and_issuer() -> None:
    """The same ID of another issuer is another patient."""
    assert 3 == len(
        {ONE.patient("1", "A", "1.2"), ONE.patient("1", "B", "1.2"), ONE.patient("2", "A", "1.2")}
    )
    assert ONE.patient("1", "", "s") != ONE.patient("", "1", "s")


@pytest.mark.parametrize("empty", ["", "   "])
def test_empty_patient_id_is_scoped_to_its_study(empty: str) -> None:
    """Patients without an ID are one patient within a study, but not across studies."""
    assert ONE.patient(empty, "", "1.2.3") == ONE.patient(empty, "X", "1.2.3")
    assert ONE.patient(empty, "", "1.2.3") != ONE.patient(empty, "", "1.2.4")


def test_uid_is_a_valid_uid_under_2_25() -> None:
    """A replaced UID is under 2.25, has at most 64 characters and no leading zero."""
    for number in range(200):
        uid = ONE.uid(f"1.2.{number}")
        assert re.fullmatch(r"2\.25\.(0|[1-9]\d*)", uid)
        assert len(uid) <= 64


def test_uids_of_dicom_itself_stay() -> None:
    """SOP classes and transfer syntaxes are registered UIDs and stay unchanged."""
    assert "1.2.840.10008.5.1.4.1.1.2" == ONE.uid("1.2.840.10008.5.1.4.1.1.2")
    assert "1.2.840.100081" != ONE.uid("1.2.840.100081")


def test_padding_of_a_uid_is_ignored() -> None:
    """A UID with a trailing space is the same UID."""
    assert ONE.uid("1.2.3") == ONE.uid("1.2.3 ")


def test_domains_are_unrelated() -> None:
    """The same text as patient, UID, content and date shift gives unrelated values."""
    patient = ONE.patient("1.2.3", "", "1.2.3")[1:]
    uid = f"{int(ONE.uid('1.2.3').removeprefix('2.25.')):x}"
    content = ONE.content(b"1.2.3")
    assert 3 == len({patient[:8], uid[:8], content[:8]})
    assert ONE.key_id not in {patient[:8], uid[:8], content[:8]}


def test_interval_between_dates_of_a_patient_is_kept() -> None:
    """All dates of a patient are shifted by the same number of days."""
    first, second = date(2004, 1, 19), date(2004, 3, 1)
    assert second - first == ONE.shifted(second, "P1") - ONE.shifted(first, "P1")


def test_shift_is_into_the_past_and_differs_by_patient() -> None:
    """A date is shifted back by 1 to 40 years, by a different number of days for each patient."""
    day = date(2004, 1, 19)
    shifts = {day - ONE.shifted(day, f"P{number}") for number in range(300)}
    assert len(shifts) > 200
    assert timedelta(days=MIN_SHIFT_DAYS) <= min(shifts)
    assert max(shifts) <= timedelta(days=MAX_SHIFT_DAYS)


def test_ids_with_lone_surrogates_have_pseudonyms() -> None:
    """An ID with lone surrogates, as wrong character sets produce, has a pseudonym too."""
    assert ONE.patient("m\udcfc", "", "s") != ONE.patient("m", "", "s")
