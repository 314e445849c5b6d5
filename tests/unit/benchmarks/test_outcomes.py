"""What the benchmark of texts in pictures says became of a text."""

import numpy as np
import pytest

from benchmarks.support.privacy.outcomes import Outcome, Prepared, outcome_of
from common.errors import TextBox, TextFound
from functions.extract.png_frames import encode_png
from tests.support.factories import make_grey, to_bytes

INK = (10, 20, 30, 8)  # left, top, width, height


def prepared(png: np.ndarray, dicom: np.ndarray) -> Prepared:
    """What a file that passes leaves."""
    return Prepared((encode_png(png),), to_bytes(make_grey(dicom)))


def picture(*, is_blanked: bool) -> np.ndarray:
    """A picture, its part with the text black or not."""
    values = np.random.default_rng(3).integers(1, 255, (64, 64), dtype=np.uint8)
    if is_blanked:
        values[20:28, 10:40] = 0
    return values


def found(*places: tuple[int, int, int, int]) -> TextFound:
    """What the search found at these places."""
    return TextFound("text", tuple(TextBox(1, *place, "text") for place in places))


@pytest.mark.parametrize(
    ("png", "dicom", "expected"),
    [
        (True, True, Outcome.BLANKED),
        (True, False, Outcome.READABLE),
        (False, True, Outcome.READABLE),
        (False, False, Outcome.READABLE),
    ],
)
def test_a_text_is_blanked_if_it_is_black_in_both_files(png: bool, dicom: bool, expected: Outcome) -> None:
    """A text in the PNG or in the DICOM file is readable."""
    result = prepared(picture(is_blanked=png), picture(is_blanked=dicom))
    assert expected is outcome_of(result, INK)


def test_a_text_of_which_a_column_is_left_is_readable() -> None:
    """Blanking that misses an edge of the text does not count."""
    values = picture(is_blanked=True)
    values[22, 39] = 200
    assert Outcome.READABLE is outcome_of(prepared(values, values), INK)


def test_a_file_held_for_the_text_is_told_from_one_held_for_another() -> None:
    """A file that is held by luck does not count as safe."""
    there = Prepared(cause="Text was read in the picture.", found=found((36, 24, 40, 40)))
    elsewhere = Prepared(cause="Text was read in the picture.", found=found((40, 20, 10, 8), (0, 0, 64, 20)))
    assert [Outcome.HELD_FOR_TEXT, Outcome.HELD_ELSEWHERE] == [
        outcome_of(there, INK),
        outcome_of(elsewhere, INK),
    ]
    assert [True, False] == [Outcome.HELD_FOR_TEXT.is_safe, Outcome.HELD_ELSEWHERE.is_safe]


def test_a_file_held_by_its_class_is_safe() -> None:
    """The class rules hold a file whatever is found in its picture."""
    held = Prepared(cause="Possible burned-in text: it is a secondary capture.", is_held_by_class=True)
    assert Outcome.HELD_BY_CLASS is outcome_of(held, INK)
    assert Outcome.HELD_BY_CLASS.is_safe
