"""Cleaning a complete data set: nested sequences, depth, the tally."""

import pytest
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deidentification.header.clean_dataset import MAX_DEPTH
from deidentification.identity import identity_of
from deidentification.profile import Profile
from tests.support.factories import make_dataset
from tests.unit.deidentification.header.cleaned import cleaned, make_cleaner

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")


def test_names_in_sequences_count_as_identifying() -> None:
    """Words of names in nested items are part of the identity."""
    item = Dataset()
    item.PatientName = "Nested^Name"
    ds = make_dataset(ReferencedPatientSequence=Sequence([item]), PatientName="Doe^Jane")
    assert {"NESTED", "NAME", "DOE", "JANE"} <= identity_of(ds).words


def test_names_in_other_alphabets_count_as_identifying() -> None:
    """Words may have letters outside ASCII; Latin ones are compared without their marks."""
    ds = make_dataset(SpecificCharacterSet="ISO_IR 192", PatientName="Müller^Łucja=山田^太郎")
    assert {"MULLER", "MUELLER", "LUCJA", "山田", "太郎"} <= identity_of(ds).words


def test_sequences_are_cleaned_by_the_same_rules() -> None:
    """Items of kept sequences are cleaned by the same rules; sequences of the table are removed."""
    item = Dataset()
    item.PixelSpacing, item.PatientName, item.SliceThickness = [1, 2], "Doe^Jane", "2.5"
    group = Dataset()
    group.PixelMeasuresSequence = Sequence([item])
    kept = cleaned(SharedFunctionalGroupsSequence=Sequence([group]), OtherPatientIDsSequence=Sequence([item]))
    assert "OtherPatientIDsSequence" not in kept
    (shared,) = kept.SharedFunctionalGroupsSequence
    (measures,) = shared.PixelMeasuresSequence
    assert [1, 2] == [float(value) for value in measures.PixelSpacing]
    assert not measures.get("PatientName")


def test_code_of_another_scheme_is_removed() -> None:
    """A code of a scheme that is not standard is removed, because anyone may have written it."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "ROOM7", "99HOSPITAL", "Ward 7"
    assert "AnatomicRegionSequence" not in cleaned(AnatomicRegionSequence=Sequence([code]))


def test_depth_is_limited() -> None:
    """Sequences nested deeper than the limit are removed."""
    ds = Dataset()
    ds.KVP = "120"
    for _ in range(MAX_DEPTH + 5):
        outer = Dataset()
        outer.SharedFunctionalGroupsSequence = Sequence([ds])
        ds = outer
    kept, depth = cleaned(ds), 0
    while "SharedFunctionalGroupsSequence" in kept:
        (kept,), depth = kept.SharedFunctionalGroupsSequence, depth + 1
    assert MAX_DEPTH == depth


def test_sequence_attribute_with_another_vr_is_removed() -> None:
    """Text in the attribute of an allowed sequence is removed."""
    ds = make_dataset()
    ds.add(DataElement(0x52009229, "LO", "Doe^Jane"))
    assert "SharedFunctionalGroupsSequence" not in cleaned(ds)


def test_original_is_unchanged() -> None:
    """The original data set is not changed."""
    ds = make_dataset()
    before = ds.to_json()
    cleaned(ds)
    assert before == ds.to_json()


def test_what_was_done_is_counted() -> None:
    """The tally has the outcome for each keyword."""
    ds = make_dataset(PatientAge="095Y", StudyDate="20040119")
    cleaner = make_cleaner(ds, Profile())
    cleaner.clean(ds)
    for expected in (
        ("PatientName", "emptied"),
        ("StudyDate", "shifted"),
        ("SOPInstanceUID", "replaced"),
        ("PatientAge", "cleaned"),
        ("Rows", "kept"),
        ("private", "removed"),
    ):
        assert cleaner.tally[expected], expected
