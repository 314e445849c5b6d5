"""The synthetic set: files of invented patients with planted attributes and pixels, and the answer key."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import data_store
import numpy as np
import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import RLELossless, generate_uid

from benchmarks.support.midi_b.people import Words, patient_words, study_words
from benchmarks.support.midi_b.pictures import away_from_text, draw_text, inner_part, picture_for
from benchmarks.support.midi_b.plants import descriptions, plant_attributes
from benchmarks.support.midi_b.required_actions import Action, Category, Place, Rectangle, Required
from benchmarks.support.privacy.picture_files import picture_dataset

KINDS = ("CT", "MR", "CR", "US", "DX", "PT", "XA", "MG", "NM", "OT", "EMR")
_ENHANCED = Path(str(data_store.__file__)).parent / "data" / "emri_small.dcm"
_BODY_PARTS = {"CT": "CHEST", "MR": "BRAIN", "EMR": "BRAIN", "MG": "BREAST", "US": "ABDOMEN", "XA": "HEART"}
_SERIES, _INSTANCES = 2, 2
_DRAWN_EVERY, _COMPRESSED_EVERY, _FRAMES = 3, 5, 3
_PIXELS = Place("PixelData")


@dataclass(frozen=True)
class PlantedFile:
    """A file of the set and what must become of it."""

    path: Path
    patient: int
    kind: str
    words: Words
    required: tuple[Required, ...]


def planted_files(folder: Path, patients: int) -> Iterator[PlantedFile]:
    """Write the set; each patient has one or two studies of different kinds, of two series with two files."""
    number = 0
    for patient in range(patients):
        for study in range(1 + patient % 2):
            kind = KINDS[(patient + 5 * study) % len(KINDS)]
            for series in range(_SERIES):
                for instance in range(_INSTANCES):
                    words = _words(patient, study, series, instance, kind)
                    yield _planted_file(folder / f"{number}.dcm", number, patient, kind, words)
                    number += 1


def _words(patient: int, study: int, series: int, instance: int, kind: str) -> Words:
    exams, names = descriptions(kind)

    def uid(*parts: object) -> str:
        return str(
            generate_uid(prefix="1.2.826.0.1.3680043.8.498.", entropy_srcs=[str(part) for part in parts])
        )

    return {
        **patient_words(patient),
        **study_words(patient, study),
        "exam": exams[(patient + study) % len(exams)],
        "series": names[series % len(names)],
        "body_part": _BODY_PARTS.get(kind, "CHEST"),
        "number": str(1 + instance),
        "series_number": str(1 + series),
        "study_uid": uid("study", patient, study),
        "series_uid": uid("series", patient, study, series),
        "other_series_uid": uid("series", patient, study, 1 - series),
        "frame_uid": uid("frame", patient, study),
        "event_uid": uid("event", patient, study),
        "sop_uid": uid("instance", patient, study, series, instance),
        "other_sop_uid": uid("instance", patient, study, series, 1 - instance),
    }


def _planted_file(path: Path, number: int, patient: int, kind: str, words: Words) -> PlantedFile:
    ds, pixels = _with_pixels(kind, number, words)
    words = {**words, "sop_class": str(ds.SOPClassUID)}
    ds.SpecificCharacterSet = "ISO_IR 192"
    required = [*plant_attributes(ds, kind, number, words), *pixels]
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    if number % _COMPRESSED_EVERY == 0 and kind != "EMR":
        ds.compress(RLELossless, generate_instance_uid=False)
    ds.save_as(path, enforce_file_format=True)
    return PlantedFile(path, patient, kind, words, tuple(required))


def _with_pixels(kind: str, number: int, words: Words) -> tuple[Dataset, list[Required]]:
    """A data set with pixels, and the actions that they require."""
    if kind == "EMR":
        ds = pydicom.dcmread(_ENHANCED)
        return ds, [_pixels(Action.PIXELS_RETAINED, (0, 0, int(ds.Columns), int(ds.Rows)))]
    picture = picture_for(kind, np.random.default_rng([number, 7]))
    frames = [picture.copy() for _ in range(_FRAMES if kind == "XA" else 1)]
    if number % _DRAWN_EVERY:
        return picture_dataset(frames, kind, words["sop_uid"]), [
            _pixels(Action.PIXELS_RETAINED, inner_part(picture, kind))
        ]
    ink = draw_text(frames[-1], number, _written(words, number))
    return picture_dataset(frames, kind, words["sop_uid"]), [
        _pixels(Action.PIXELS_HIDDEN, ink),
        _pixels(Action.PIXELS_RETAINED, away_from_text(picture, kind, ink)),
    ]


def _written(words: Words, number: int) -> str:
    """The patient's id, date of birth or telephone number, as devices draw them."""
    birth = words["birth"]
    return (words["id"], f"{birth[6:]}.{birth[4:6]}.{birth[:4]}", f"{words['given']} {words['id']}")[
        number % 3
    ]


def _pixels(action: Action, rectangle: Rectangle) -> Required:
    category = Category.HIPAA if action is Action.PIXELS_HIDDEN else Category.PRACTICE
    return Required(action, category, _PIXELS, rectangle=rectangle)
