"""The text search: detector, reader and words together."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from deidentification.identity import Identity, identity_of
from deidentification.pixels.text.text_detector import Box
from deidentification.pixels.text.text_reader import ReadText
from deidentification.pixels.text_search import search as search_module
from deidentification.pixels.text_search.search import (
    ENOUGH,
    MOST_BOXES,
    VERY_SURE,
    Finding,
    Scope,
    TextSearch,
)
from tests.support.factories import make_dataset, real_path
from tests.support.factories import to_image_file as image_file_of

IDENTITY = identity_of(make_dataset(PatientName="Meierhofer^Annegret", PatientID="4711-0815"))


def drawn(*lines: str) -> np.ndarray:
    """A dark picture with lines of text."""
    picture = np.full((400, 640), 20, np.uint8)
    for number, line in enumerate(lines):
        cv2.putText(picture, line, (40, 60 + 60 * number), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 230, 1)
    return picture


def found(*lines: str, scope: Scope = Scope.ANY_TEXT, identity: Identity = IDENTITY) -> TextSearch:
    """The search after one frame with such lines."""
    searched = TextSearch(identity, scope)
    searched.look(1, [drawn(*lines)])
    return searched


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("MEIERHOFER^ANNEGRET", Finding.IDENTITY),
        ("A. Meierhofer", Finding.IDENTITY),
        ("ID 47110815", Finding.IDENTITY),
        ("WESTERN HOSPITAL", Finding.TEXT),
        ("JONES PETER", Finding.TEXT),
        ("AP ERECT", Finding.NOTHING),
        ("120 kV", Finding.NOTHING),
    ],
)
def test_what_a_line_means(line: str, finding: Finding) -> None:
    """The patient's words, other words, and markers that name nobody."""
    result = found(line).result
    assert finding is result.finding
    assert (finding is not Finding.NOTHING) == bool(result.boxes)
    assert "" == result.keyword or finding is Finding.IDENTITY


def test_boxes_lie_where_the_text_is() -> None:
    """Each has its frame and finding; those with the patient's words come first."""
    result = found("WESTERN HOSPITAL", "", "", "MEIERHOFER").result
    first, second = result.boxes
    assert (Finding.IDENTITY, Finding.TEXT) == (first.finding, second.finding)
    assert 210 < first.top + first.height / 2 < 250
    assert 30 < second.top + second.height / 2 < 70
    assert (first,) == result.identity_boxes
    assert "PatientName" == result.keyword


def test_after_a_persons_decision_only_the_patients_words_count() -> None:
    """Other text was seen by the person who released the file."""
    assert Finding.NOTHING is found("WESTERN HOSPITAL", scope=Scope.IDENTITY).result.finding
    assert Finding.IDENTITY is found("MEIERHOFER", scope=Scope.IDENTITY).result.finding
    assert Finding.NOTHING is found("MEIERHOFER", scope=Scope.NOTHING).result.finding


def test_without_a_reader_what_the_detector_finds_is_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is held then; a clean picture stays clean."""
    monkeypatch.setattr(search_module, "can_read", lambda: False)
    result = found("AP ERECT").result
    assert (Finding.UNREAD, False) == (result.finding, result.was_read)
    assert Finding.NOTHING is found().result.finding
    assert Finding.NOTHING is found("MEIERHOFER", scope=Scope.IDENTITY).result.finding


def test_a_place_that_cannot_be_read_is_held_if_the_detector_is_very_sure() -> None:
    """What the detector is only fairly sure of, and the reader sees no letters in, is anatomy."""

    def blind(_: np.ndarray, boxes: Sequence[Box]) -> list[ReadText]:
        return [ReadText(box, "", 0.0) for box in boxes]

    searched = TextSearch(IDENTITY, Scope.ANY_TEXT, blind)
    searched.look(1, [drawn("WESTERN HOSPITAL")])
    assert Finding.UNREAD is searched.result.finding
    faint = TextSearch(IDENTITY, Scope.ANY_TEXT, blind)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search_module, "find_text", lambda _: [Box(0, 0, 40, 16, VERY_SURE - 0.1)])
        faint.look(1, [drawn("")])
    assert Finding.NOTHING is faint.result.finding


@pytest.mark.parametrize(
    ("text", "confidence", "finding"),
    [
        ("口", 0.95, Finding.NOTHING),  # a sign
        ("8", 0.5, Finding.UNREAD),  # harmless, if it were read with confidence
        ("AP", 0.95, Finding.NOTHING),
        ("AP", 0.5, Finding.UNREAD),
    ],
)
def test_a_sure_place_passes_only_if_it_is_read_as_harmless(
    text: str, confidence: float, finding: Finding
) -> None:
    """What was read without confidence proves nothing."""
    searched = TextSearch(
        IDENTITY, Scope.ANY_TEXT, lambda _, boxes: [ReadText(box, text, confidence, text) for box in boxes]
    )
    searched.look(1, [drawn("WESTERN HOSPITAL")])
    assert finding is searched.result.finding


def test_what_passed_in_another_view_is_judged_anew_in_the_drawn_picture() -> None:
    """An unread place counts in the drawn picture alone, whichever view showed the same pixels first."""
    searched = TextSearch(
        IDENTITY, Scope.ANY_TEXT, lambda _, boxes: [ReadText(box, "", 0.0) for box in boxes]
    )
    searched.look(1, [drawn(), drawn("WESTERN HOSPITAL")])
    assert Finding.NOTHING is searched.result.finding
    searched.look(2, [drawn("WESTERN HOSPITAL")])
    assert Finding.UNREAD is searched.result.finding


def test_places_beyond_what_is_read_are_held_in_every_view() -> None:
    """Also in the view of what a window hides: nobody knows what is there."""
    asked: list[Box] = []

    def reader(_: np.ndarray, boxes: Sequence[Box]) -> list[ReadText]:
        asked.extend(boxes)
        return [ReadText(box, "", 0.0) for box in boxes]

    searched = TextSearch(IDENTITY, Scope.ANY_TEXT, reader)
    for number in range(MOST_BOXES):
        searched.look(number + 1, [drawn(), drawn(f"MARK {number:03}")])
    assert (MOST_BOXES, Finding.NOTHING) == (len(asked), searched.result.finding)
    searched.look(MOST_BOXES + 1, [drawn(), drawn("ONE MORE")])
    assert (MOST_BOXES, Finding.UNREAD) == (len(asked), searched.result.finding)


def test_reading_ends_when_the_file_is_held_anyway() -> None:
    """After enough places with text the rest is not read, and one caption of a clip is read only once."""
    asked: list[Box] = []

    def reader(_: np.ndarray, boxes: Sequence[Box]) -> list[ReadText]:
        asked.extend(boxes)
        return [ReadText(box, "SOMEBODY", 0.99) for box in boxes]

    searched = TextSearch(IDENTITY, Scope.ANY_TEXT, reader)
    for number in range(1, 30):
        searched.look(number, [drawn(f"MARK {number:03}")])
    assert ENOUGH == len(asked)
    assert Finding.TEXT is searched.result.finding
    assert {Finding.TEXT, Finding.UNREAD} == {box.finding for box in searched.result.boxes}
    asked.clear()
    again = TextSearch(IDENTITY, Scope.IDENTITY, reader)
    for number in range(1, 30):
        again.look(number, [drawn("THE SAME")])
    assert 1 == len(asked)


def test_real_pictures_without_text_are_clean(tmp_path: object) -> None:
    """A CT slice and an MR slice."""
    for name in ("CT_small.dcm", "MR_small.dcm"):
        frame = next(iter(image_file_of(real_path(name).read_bytes(), tmp_path).frames()))  # type: ignore[arg-type]
        low, high = float(frame.min()), float(frame.max())
        searched = TextSearch(IDENTITY, Scope.ANY_TEXT)
        searched.look(1, [((frame - low) / (high - low) * 255).astype(np.uint8)])
        assert Finding.NOTHING is searched.result.finding
