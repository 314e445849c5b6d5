"""Blanking what the text search read of the patient."""

from common.errors import TextBox
from deidentification.pixels.burned_in_gate import BurnedInDecision, with_found_text_blanked
from deidentification.pixels.text_search.search import Finding
from imaging.options import Rectangle


def blanked(*places: tuple[int, int, int, int]) -> tuple[Rectangle, ...]:
    """The rectangles that are blanked for boxes with the patient's words."""
    boxes = [TextBox(1, *place, Finding.IDENTITY) for place in places]
    blanking = with_found_text_blanked(BurnedInDecision(), boxes).blanking
    assert blanking is not None
    return blanking.rectangles


def test_a_letter_before_and_after_a_found_text_is_blanked_too() -> None:
    """The detector often misses the first or last letter, which is at most as wide as the box is high."""
    assert (Rectangle(76, 92, 128, 40),) == blanked((100, 100, 80, 24))


def test_text_that_runs_downwards_is_extended_downwards() -> None:
    """Of text turned by 90°, the letters above and below are blanked."""
    assert (Rectangle(92, 76, 40, 128),) == blanked((100, 100, 24, 80))


def test_rectangles_begin_inside_the_picture() -> None:
    """A box at the corner is extended as far as there are pixels, and to its other side completely."""
    assert (Rectangle(0, 0, 112, 32),) == blanked((0, 0, 88, 24))
