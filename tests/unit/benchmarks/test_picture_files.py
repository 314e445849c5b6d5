"""The files of the benchmark of texts drawn into pictures."""

from pathlib import Path

import numpy as np
import pydicom
import pytest

from benchmarks.support.privacy.picture_files import SOP_CLASSES, patient_of_text, write_picture
from deidentification.identity import identity_of
from deidentification.pixels.class_rules import Action, class_rule_of
from deidentification.pixels.text_search.identity_in_text import identity_in_text
from imaging.frames.image_file import read_image_file
from imaging.options import Limits
from imaging.rendering.picture_recipe import PictureRecipe
from model.text_detector.fonts.designs import Half
from model.text_detector.fonts.words import random_text


def picture(*shape: int) -> np.ndarray:
    """A picture with all grey levels."""
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("MEIER^ANNA", "PatientName"),
        ("BROWN, JULIA", "PatientName"),
        ("Irene Smith", "PatientName"),
        ("07.03.1975", "PatientBirthDate"),
        ("1975-03-07", "PatientBirthDate"),
        ("03/27/1975", "PatientBirthDate"),
        ("1234-5678", "PatientID"),
        ("ID: 1234567", "PatientID"),
        ("123456", "PatientID"),
    ],
)
def test_the_words_drawn_are_those_of_the_patient(text: str, keyword: str, tmp_path: Path) -> None:
    """A person who reads the text knows the patient's name, date of birth or id of the header."""
    path = tmp_path / "file.dcm"
    write_picture(path, picture(32, 32), "CT", patient_of_text(text))
    assert keyword == identity_in_text(text, identity_of(pydicom.dcmread(path)))


def test_every_text_of_the_measured_half_identifies_the_patient(tmp_path: Path) -> None:
    """No form of text is left whose words the header does not have."""
    path, rng = tmp_path / "file.dcm", np.random.default_rng(5)
    texts = {random_text(rng, Half.MEASURED) for _ in range(100)}
    for text in texts:
        write_picture(path, picture(8, 8), "MR", patient_of_text(text))
        assert identity_in_text(text, identity_of(pydicom.dcmread(path))), text


@pytest.mark.parametrize("modality", sorted(SOP_CLASSES))
def test_a_file_shows_the_picture_as_it_is(modality: str, tmp_path: Path) -> None:
    """The product draws a written picture with the same grey levels, to the rounding of its window."""
    path, drawn = tmp_path / "file.dcm", picture(40, 50)
    write_picture(path, drawn, modality)
    image = read_image_file(path, Limits())
    shown = PictureRecipe(image.ds).draw(next(image.frames()), index=0).picture
    assert np.abs(shown.astype(int) - drawn).max() <= 1


def test_a_colour_picture_is_written_in_rgb(tmp_path: Path) -> None:
    """Colours come back unchanged."""
    path, drawn = tmp_path / "file.dcm", picture(40, 51, 3)
    write_picture(path, drawn, "US")
    assert np.array_equal(drawn, next(read_image_file(path, Limits()).frames()))


@pytest.mark.parametrize("modality", sorted(set(SOP_CLASSES) - {"US", "OT"}))
def test_acquired_pictures_pass_by_their_class(modality: str, tmp_path: Path) -> None:
    """The class rules let them pass, so that the detector is what is measured."""
    path = tmp_path / "file.dcm"
    write_picture(path, picture(32, 32), modality)
    assert Action.PASS is class_rule_of(pydicom.dcmread(path)).action


def test_ultrasound_may_be_looked_at(tmp_path: Path) -> None:
    """With its region, the profile for readers lets the text search decide."""
    path = tmp_path / "file.dcm"
    write_picture(path, picture(32, 32), "US")
    assert Action.LOOK is class_rule_of(pydicom.dcmread(path)).action
