"""The last look for the patient's words."""

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

import imaging  # noqa: F401 pydicom's warnings are silenced as in production
from common.errors import PermanentError
from deidentification.header.residue import check_residue
from deidentification.identity import identity_of, words_of
from tests.support.factories import make_dataset

IDENTITY = identity_of(
    make_dataset(
        PatientName="Doe^Jane", PatientID="AB12CD34", AccessionNumber="7654321", InstitutionName="Head"
    )
)


@pytest.mark.parametrize("value", ["Scan of DOE", "jane", "ab12cd34", "no. 7654321", "doe^jane"])
def test_a_word_that_is_left_stops_the_file(value: str) -> None:
    """A name or number in any attribute, in any case and order, is told by the attributes' names alone."""
    ds, item = Dataset(), Dataset()
    item.StudyDescription = value
    ds.AnatomicRegionSequence = Sequence([item])
    with pytest.raises(PermanentError, match="still found in StudyDescription") as caught:
        check_residue(ds, IDENTITY)
    assert value.lower() not in str(caught.value).lower()


def test_terms_of_closed_lists_stop_nothing() -> None:
    """A body part is no name, though the hospital is called like it."""
    ds = Dataset()
    ds.BodyPartExamined, ds.Modality, ds.SOPClassUID = "HEAD", "CT", "1.2.840.10008.5.1.4.1.1.2"
    check_residue(ds, IDENTITY)


def test_short_words_tell_no_one() -> None:
    """Initials and numbers of four digits are in everything."""
    assert set() == words_of("A B 12 1234 ct")
    assert {"ABC", "12345", "A1B2C"} <= words_of("abc 12345 a1b2c")
