"""The last check for words of the patient's identity."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import imaging  # noqa: F401 silences pydicom's warnings as in production
from common.errors import PermanentError
from deidentification.header.residue import check_residue
from deidentification.identity import identity_of, searchable_words
from tests.support.factories import make_dataset

IDENTITY = identity_of(
    make_dataset(
        PatientName="Doe^Jane", PatientID="AB12CD34", AccessionNumber="7654321", InstitutionName="Head"
    )
)


@pytest.mark.parametrize("value", ["Scan of DOE", "jane", "ab12cd34", "no. 7654321", "doe^jane"])
def test_an_identifying_word_stops_the_file(value: str) -> None:
    """A name or number left in any attribute, case or order is refused; the message names only attributes."""
    ds, item = Dataset(), Dataset()
    item.StudyDescription = value
    ds.AnatomicRegionSequence = Sequence([item])
    with pytest.raises(PermanentError, match="still found in StudyDescription") as caught:
        check_residue(ds, IDENTITY)
    assert value.lower() not in str(caught.value).lower()


def test_terms_of_closed_lists_are_allowed() -> None:
    """A body part may stay, even if it is also a word of the hospital's name."""
    ds = Dataset()
    ds.BodyPartExamined, ds.Modality, ds.SOPClassUID = "HEAD", "CT", "1.2.840.10008.5.1.4.1.1.2"
    check_residue(ds, IDENTITY)


def test_short_words_are_ignored() -> None:
    """Initials and numbers of four digits are too common to identify anyone."""
    assert set() == searchable_words("A B 12 1234 ct")
    assert {"ABC", "12345", "A1B2C"} <= searchable_words("abc 12345 a1b2c")
