"""The score by the types of actions of the MIDI-B challenge."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from benchmarks.support.midi_b.leaks import words_left
from benchmarks.support.midi_b.planted_files import PlantedFile, planted_files
from benchmarks.support.midi_b.required_actions import Action, Category, Place, Required
from benchmarks.support.midi_b.score import Output, checked_actions, is_done_at, shift_in_days
from tests.support.factories import make_grey

DATE, UID, ID, PIXELS = Place("StudyDate"), Place("SOPInstanceUID"), Place("PatientID"), Place("PixelData")
BLACK = (8, 8, 16, 8)


def required(action: Action, place: Place, text: str = "", **options: object) -> Required:
    """An action for one place."""
    return Required(action, Category.STANDARD, place, text, **options)  # type: ignore[arg-type]


def planted(patient: int, *actions: Required, path: Path = Path()) -> PlantedFile:
    """A file of a patient with required actions."""
    return PlantedFile(path, patient, "CT", {}, actions)


def output(**elements: object) -> Output:
    """A de-identified file with these elements."""
    ds = Dataset()
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return Output(ds, (), "")


def done(files: Iterable[tuple[PlantedFile, Output | None]]) -> list[bool]:
    """For each action whether it was done."""
    return [checked.is_done for checked in checked_actions(list(files))]


@pytest.mark.parametrize(
    ("action", "text", "value", "expected"),
    [
        (Action.TAG_RETAINED, "", None, False),
        (Action.TAG_RETAINED, "", "", True),
        (Action.TEXT_NOTNULL, "", "", False),
        (Action.TEXT_NOTNULL, "", "P12", True),
        (Action.TEXT_RETAINED, "CT CHEST", None, False),
        (Action.TEXT_RETAINED, "CT CHEST", "ct  chest native", True),
        (Action.TEXT_RETAINED, "CT CHEST", "CHEST", False),
        (Action.TEXT_REMOVED, "Müller", None, True),
        (Action.TEXT_REMOVED, "Müller", "CT for MULLER", False),
        (Action.TEXT_REMOVED, "123-45-67", "no. 1234567", False),
        (Action.TEXT_REMOVED, "Müller", "CT", True),
        (Action.UID_CHANGED, "1.2.3", "1.2.3", False),
        (Action.UID_CHANGED, "1.2.3", "2.25.7", True),
        (Action.UID_CHANGED, "1.2.3", "", False),
        (Action.UID_CHANGED, "1.2.3", None, False),
    ],
)
def test_actions_on_one_value(action: Action, text: str, value: str | None, expected: bool) -> None:
    """Each action is judged by what is left at its place."""
    assert expected is is_done_at(action, text, value)


def test_a_date_must_be_moved_as_the_others_of_its_patient() -> None:
    """An unshifted date, another shift and a date that is gone are not done."""
    action = required(Action.DATE_SHIFTED, DATE, "20200110")
    values = ("20190110", "20190110", "20190111", "20200110", "")
    files = [(planted(1, action), output(StudyDate=value)) for value in values]
    assert [True, True, False, False, False] == done(files)
    assert 365 == shift_in_days("20200110101500.5+0100", "20190110")


def test_two_patients_may_have_different_shifts() -> None:
    """Each patient's shift is found from that patient's files alone."""
    action = required(Action.DATE_SHIFTED, DATE, "20200110")
    files = [
        (planted(1, action), output(StudyDate="20190110")),
        (planted(2, action), output(StudyDate="20180110")),
    ]
    assert [True, True] == done(files)


def test_a_uid_must_be_replaced_by_the_same_one_everywhere() -> None:
    """A reference to another UID, and two UIDs that became one, are not consistent."""

    def of(original: str) -> PlantedFile:
        return planted(1, required(Action.UID_CONSISTENT, UID, original))

    values = [
        ("1.2.3", "2.25.1"),
        ("1.2.3", "2.25.1"),
        ("1.2.3", "2.25.9"),
        ("1.2.4", "2.25.4"),
        ("1.2.5", "2.25.4"),
    ]
    files = [(of(original), output(SOPInstanceUID=value)) for original, value in values]
    assert [True, True, False, False, False] == done(files)


def test_patients_must_keep_ids_of_their_own() -> None:
    """One patient's files have one id, which no other patient has."""
    action = required(Action.PATID_CONSISTENT, ID)
    values = [(1, "PA"), (1, "PA"), (1, "PX"), (2, "PB"), (3, "PC"), (4, "PC")]
    files = [(planted(patient, action), output(PatientID=value)) for patient, value in values]
    assert [True, True, False, True, False, False] == done(files)


def test_nothing_of_a_held_file_leaks_and_nothing_is_retained() -> None:
    """A held file fulfils what must go, and misses what must stay."""
    actions = [required(action, PIXELS) for action in Action]
    gone = {Action.TEXT_REMOVED, Action.UID_CHANGED, Action.PIXELS_HIDDEN}
    assert [action in gone for action in Action] == done([(planted(1, *actions), None)])


def test_pixels_are_compared_in_their_rectangle(tmp_path: Path) -> None:
    """A hidden text is black in every frame of both files; other pixels are those of the original."""
    before = np.random.default_rng(2).integers(1, 200, (2, 32, 32), dtype=np.uint8)
    after = before.copy()
    after[:, 8:16, 8:24] = 0
    half = after.copy()
    half[1] = before[1]
    path = tmp_path / "before.dcm"
    make_grey(before).save_as(path)
    actions = [
        required(Action.PIXELS_HIDDEN, PIXELS, rectangle=BLACK),
        required(Action.PIXELS_RETAINED, PIXELS, rectangle=(0, 16, 32, 16)),
        required(Action.PIXELS_RETAINED, PIXELS, rectangle=(0, 0, 32, 32)),
    ]
    files = [
        (planted(1, *actions, path=path), Output(make_grey(dicom), list(pngs), ""))
        for dicom, pngs in ((after, after), (after, half), (half, after))
    ]
    assert [True, True, False, False, True, False, False, True, False] == done(files)


@pytest.mark.parametrize(
    "name",
    [
        "StudyDescription",
        "AnatomicRegionSequence/CodeMeaning",
        "PerFrameFunctionalGroupsSequence/FrameContentSequence/FrameComments",
        "0009,ACME ARCHIVE,10 LO",
    ],
)
def test_a_planted_value_is_found_at_its_place(name: str) -> None:
    """Attributes, nested ones and private ones are read where they were planted."""
    place, ds = Place(name), Dataset()
    assert place.value(ds) is None
    place.plant(ds, "text")
    assert "text" == place.value(ds)


def test_the_originals_themselves_score_nothing_that_must_go(tmp_path: Path) -> None:
    """If every file leaves unchanged, all is retained, and no text, date, UID or id is removed."""
    files = [(file, Output(pydicom.dcmread(file.path), (), "")) for file in planted_files(tmp_path, 3)]
    kept = {
        Action.TAG_RETAINED,
        Action.TEXT_NOTNULL,
        Action.TEXT_RETAINED,
        Action.UID_CONSISTENT,
        Action.PIXELS_RETAINED,
    }
    wrong = {
        (str(one.required.action), one.required.place.name)
        for one in checked_actions(files)
        if one.is_done is not (one.required.action in kept | {Action.PATID_CONSISTENT})
    }
    assert set() == wrong
    assert {"family", "id", "study_uid"} <= set(words_left(*files[0]))
