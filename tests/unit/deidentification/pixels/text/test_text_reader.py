"""Reading what stands in the boxes where text was found."""

import numpy as np
import pytest

from deidentification.pixels.text import text_reader
from deidentification.pixels.text.text_detector import Box, find_text
from deidentification.pixels.text.text_reader import ReadText, read_boxes
from tests.unit.deidentification.pixels.text.pictures_with_text import (
    NAME,
    Picture,
    ink,
    real_picture,
    with_ink,
)


def drawn_name(quarter_turns: int, *, in_colour: bool) -> Picture:
    pixels = np.rot90(ink(size=18), quarter_turns)
    picture = real_picture("J2K_pixelrep_mismatch")
    if in_colour:
        return with_ink(np.dstack([picture] * 3), pixels, 20, 24, (255, 255, 0))
    return with_ink(picture, pixels, 20, 24)


@pytest.mark.parametrize("in_colour", [False, True])
@pytest.mark.parametrize("quarter_turns", [0, 1, 3])
def test_a_drawn_name_is_read_in_every_direction(quarter_turns: int, in_colour: bool) -> None:
    """The surest box of a picture with a name holds the name."""
    picture = drawn_name(quarter_turns, in_colour=in_colour)
    (read, *_) = read_boxes(picture, find_text(picture)[:1])
    assert NAME.replace(" ", "") == read.text.replace(" ", "")
    assert read.is_text


def test_reading_is_deterministic() -> None:
    """The same boxes give the same text and confidence."""
    picture = drawn_name(0, in_colour=False)
    boxes = find_text(picture)
    assert read_boxes(picture, boxes) == read_boxes(picture, boxes)


@pytest.mark.parametrize(
    "box",
    [Box(0, 0, 8, 8, 1.0), Box(0, 300, 512, 16, 1.0), Box(504, 504, 8, 8, 1.0), Box(200, 200, 96, 32, 1.0)],
)
def test_anatomy_is_not_told_as_text(box: Box) -> None:
    """A box without text, also at a corner, is read without failing and isn't text."""
    (read,) = read_boxes(real_picture("J2K_pixelrep_mismatch"), [box])
    assert box == read.box
    assert not read.is_text


def test_no_boxes_need_no_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    """A picture in which nothing was found doesn't load the reader."""
    monkeypatch.setattr(text_reader, "_engine", pytest.fail)
    assert [] == read_boxes(np.zeros((64, 64), np.uint8), [])


@pytest.mark.parametrize(
    ("text", "confidence", "is_text"),
    [
        ("MEIER", 0.85, True),
        ("MEIER", 0.65, False),
        ("M 1", 0.99, True),
        ("M", 0.99, False),
        ("--:.,", 0.99, False),
        ("", 0.0, False),
    ],
)
def test_text_needs_confidence_and_two_letters_or_digits(text: str, confidence: float, is_text: bool) -> None:
    """Single characters, or signs alone, are also read into anatomy."""
    assert is_text is ReadText(Box(0, 0, 8, 8, 0.0), text, confidence).is_text


@pytest.mark.parametrize(
    ("text", "confidence", "is_sign"),
    [
        *(("R", 0.95, True), ("+", 0.99, True), (" 口 ", 0.95, True)),
        *(("R", 0.8, False), ("RL", 0.99, False), ("", 0.0, False)),
    ],
)
def test_a_sign_is_one_character_with_confidence(text: str, confidence: float, is_sign: bool) -> None:
    """Markers of sides and drawn symbols are read as one character."""
    assert is_sign is ReadText(Box(0, 0, 8, 8, 0.0), text, confidence).is_sign


def test_a_name_is_read_in_a_box_that_reaches_far_into_anatomy() -> None:
    """The box's surest parts are read; the complete box is read too, once there is text in a part."""
    picture = drawn_name(0, in_colour=False)
    (surest, *_) = find_text(picture)
    rows, columns = picture.shape
    wide = Box(0, 0, columns, rows, surest.score, surest.parts)
    (read,) = read_boxes(picture, [wide])
    assert read.is_text
    assert NAME.split()[0] in read.everything.replace(" ", "")


def test_the_complete_box_is_not_read_where_its_parts_are_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """In wide boxes of anatomy letters are read where there are none."""
    shapes: list[tuple[int, int]] = []
    monkeypatch.setattr(text_reader, "_lines", lambda piece: shapes.append(piece.shape[:2]) or ("", 0.0))
    part = Box(200, 200, 24, 8, 1.0)
    read_boxes(real_picture("J2K_pixelrep_mismatch"), [Box(0, 0, 512, 512, 1.0, (part,))])
    assert 9 == len(shapes)  # shown in three ways, in three directions each
    assert max(max(shape) for shape in shapes) < 512
