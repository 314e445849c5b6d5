"""The score: which of the required actions were done, found out from what left alone."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from benchmarks.support.midi_b.planted_files import PlantedFile
from benchmarks.support.midi_b.required_actions import Action, Place, Rectangle, Required

_UID = re.compile(r"[0-9]+(\.[0-9]+)+")


@dataclass(frozen=True)
class Output:
    """What left of one file."""

    dicom: Dataset
    pictures: Sequence[NDArray[Any]]  # of the PNGs, one for each frame
    document: str  # the metadata document


@dataclass(frozen=True)
class Checked:
    """A required action, and whether it was done."""

    required: Required
    is_done: bool


def checked_actions(files: Sequence[tuple[PlantedFile, Output | None]]) -> Iterator[Checked]:
    """Check all files of a set; the output of a file that is held is None.

    Nothing of such a file leaks, but nothing is retained either.
    """
    left = [(file, output) for file, output in files if output is not None]
    across = _AcrossFiles(left)
    for file, output in files:
        for required in file.required:
            action = required.action
            is_done = (
                action.is_done_if_nothing_leaves
                if output is None
                else _is_done(file, output, required, across)
            )
            yield Checked(required, is_done)


class _AcrossFiles:
    """What is the same in all files: each patient's shift and id, and what replaces each UID."""

    def __init__(self, files: Iterable[tuple[PlantedFile, Output]]) -> None:
        shifts: dict[int, Counter[int]] = defaultdict(Counter)
        ids: dict[int, Counter[str]] = defaultdict(Counter)
        uids: dict[str, Counter[str]] = defaultdict(Counter)
        for file, output in files:
            for required in file.required:
                value = required.place.value(output.dicom)
                if required.action is Action.DATE_SHIFTED:
                    days = shift_in_days(required.text, value)
                    shifts[file.patient].update([] if days is None else [days])
                elif required.action is Action.PATID_CONSISTENT:
                    ids[file.patient][value or ""] += 1
                elif required.action is Action.UID_CONSISTENT:
                    uids[required.text][value or ""] += 1
        self.shift = _most_common(shifts)
        self.patient_id = _most_common(ids)
        self.uid = _most_common(uids)
        self._patients_of_id = Counter(self.patient_id.values())
        self._originals_of_uid = Counter(self.uid.values())

    def is_id_of(self, patient: int, value: str | None) -> bool:
        """Whether a patient has this id in most files, and no other patient has it."""
        return bool(value) and self.patient_id.get(patient) == value and self._patients_of_id[value] == 1

    def replaces(self, original: str, value: str | None) -> bool:
        """Whether a UID replaces another in most places, and no other one."""
        return bool(value) and self.uid.get(original) == value and self._originals_of_uid[value] == 1


def _most_common(counters: Mapping[Any, Counter[Any]]) -> dict[Any, Any]:
    return {key: counter.most_common(1)[0][0] for key, counter in counters.items() if counter}


def _is_done(file: PlantedFile, output: Output, required: Required, across: _AcrossFiles) -> bool:
    if required.action is Action.PIXELS_HIDDEN and required.rectangle:
        return is_hidden(output, required.rectangle)
    if required.action is Action.PIXELS_RETAINED and required.rectangle:
        return _are_retained(file, output, required.rectangle)
    value = required.place.value(output.dicom)
    match required.action:
        case Action.UID_CONSISTENT:
            return across.replaces(required.text, value)
        case Action.PATID_CONSISTENT:
            return across.is_id_of(file.patient, value)
        case Action.DATE_SHIFTED:
            days = shift_in_days(required.text, value)
            return bool(days) and days == across.shift.get(file.patient)
    return is_done_at(required.action, required.text, value)


def is_done_at(action: Action, text: str, value: str | None) -> bool:
    """Whether an action on one value was done; the value is None if the attribute is gone."""
    match action:
        case Action.TAG_RETAINED:
            return value is not None
        case Action.TEXT_NOTNULL:
            return bool(value)
        case Action.TEXT_RETAINED:
            return value is not None and _spaced(text) in _spaced(value)
        case Action.TEXT_REMOVED:
            return value is None or plain(text) not in plain(value)
        case Action.UID_CHANGED:
            return value != text and bool(_UID.fullmatch(value or ""))
    raise ValueError(action)


def shift_in_days(before: str, after: str | None) -> int | None:
    """By how many days a date was moved back; None if it isn't a date any more."""
    first, second = _day(before), _day(after or "")
    return None if first is None or second is None else (first - second).days


def _day(text: str) -> date | None:
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()
    except ValueError:
        return None


def plain(text: str) -> str:
    """Letters and digits alone, without accents and case: as a person recognises a name or a number."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if character.isalnum())


def _spaced(text: str) -> str:
    return " ".join(text.casefold().split())


def frames_of(ds: Dataset) -> NDArray[Any]:
    """The frames of a file, (frames, rows, columns) or (frames, rows, columns, 3)."""
    pixels: NDArray[Any] = ds.pixel_array
    return pixels if int(ds.get("NumberOfFrames") or 1) > 1 else pixels[None]


def is_hidden(output: Output, rectangle: Rectangle) -> bool:
    """Whether a rectangle has one value in every frame, in the DICOM file and in the PNGs."""
    frames = [*frames_of(output.dicom), *output.pictures]
    return all(np.ptp(_part(frame, rectangle)) == 0 for frame in frames)


def _are_retained(file: PlantedFile, output: Output, rectangle: Rectangle) -> bool:
    """Whether a rectangle has the values of the original in every frame of the DICOM file."""
    before, after = frames_of(pydicom.dcmread(file.path)), frames_of(output.dicom)
    return before.shape == after.shape and all(
        np.array_equal(_part(old, rectangle), _part(new, rectangle))
        for old, new in zip(before, after, strict=True)
    )


def _part(frame: NDArray[Any], rectangle: Rectangle) -> NDArray[Any]:
    left, top, width, height = rectangle
    return frame[top : top + height, left : left + width]


def name_of(place: Place) -> str:
    """The place by keyword; of a private element without its creator."""
    return "a private element" if place.is_private else place.name
