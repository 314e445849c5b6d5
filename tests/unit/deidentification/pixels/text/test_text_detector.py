"""Finding text that was drawn into a picture."""

import numpy as np
import pytest

from deidentification.pixels.text.cell_net import NOT_TEXT, cell_scores, load_weights, prepare
from deidentification.pixels.text.edge_cells import EDGE, cells_with_edges
from deidentification.pixels.text.text_detector import MOST_PARTS, Box, find_text
from tests.unit.deidentification.pixels.text.pictures_with_text import FONTS, ink, real_picture, with_ink

CT, MR, NM = "J2K_pixelrep_mismatch", "examples_overlay", "JPEG2000"


def part_covered(boxes: list[Box], top: int, left: int, height: int, width: int) -> float:
    hit = np.zeros((2048, 2048), np.bool_)
    for box in boxes:
        hit[box.top : box.top + box.height, box.left : box.left + box.width] = True
    return float(hit[top : top + height, left : left + width].mean())


@pytest.mark.parametrize("quarter_turns", [0, 1, 3])
@pytest.mark.parametrize("font_name", FONTS)
def test_text_of_every_font_is_found_upright_and_turned(font_name: str, quarter_turns: int) -> None:
    """Most of the ink's rectangle is covered by boxes, in whatever font and direction."""
    pixels = np.rot90(ink(font_name=font_name), quarter_turns)
    drawn = with_ink(real_picture(CT), pixels, 20, 24)
    assert part_covered(find_text(drawn), 20, 24, *pixels.shape) > 0.5


@pytest.mark.parametrize("value", [255, 0])
def test_text_over_anatomy_is_found(value: int) -> None:
    """White and black text is found over a brain."""
    picture = np.clip(real_picture(CT), 60, 190)
    pixels = ink(size=18)
    drawn = with_ink(picture, pixels, 250, 180, value)
    assert part_covered(find_text(drawn), 250, 180, *pixels.shape) > 0.5


@pytest.mark.parametrize("name", [CT, MR, NM, "CT_small", "MR_small"])
def test_pictures_without_text_have_no_boxes(name: str) -> None:
    """Anatomy alone isn't taken for text."""
    assert [] == find_text(real_picture(name))


@pytest.mark.parametrize("colour", [(255, 255, 0), (255, 64, 64), (0, 255, 255), (0, 0, 0)])
def test_coloured_text_is_found(colour: tuple[int, int, int]) -> None:
    """Text of a colour is found on a grey picture that is stored in three channels."""
    picture = np.dstack([np.clip(real_picture(MR), 40, 200)] * 3)
    pixels = ink()
    drawn = with_ink(picture, pixels, 100, 50, colour)
    assert part_covered(find_text(drawn), 100, 50, *pixels.shape) > 0.5


@pytest.mark.parametrize(
    ("under", "over"),
    [
        ((200, 30, 30), (30, 200, 30)),  # brightest and darkest channel are equal
        ((128, 128, 128), (168, 128, 57)),  # luminance is equal
        ((255, 125, 0), (0, 255, 0)),  # all of these are equal
    ],
)
def test_text_that_differs_in_hue_alone_is_found(
    under: tuple[int, int, int], over: tuple[int, int, int]
) -> None:
    """Each channel is searched where the brightest and the darkest channel have no edges."""
    picture = np.zeros((200, 300, 3), np.uint8)
    picture[:] = under
    pixels = ink()
    drawn = with_ink(picture, pixels, 96, 64, over)
    assert part_covered(find_text(drawn), 96, 64, *pixels.shape) > 0.5


@pytest.mark.parametrize("shape", [(512, 512), (517, 403), (1300, 900)])
def test_a_box_lies_around_its_text(shape: tuple[int, int]) -> None:
    """Boxes exceed the ink by a cell or two, and never the picture, also near its lower right corner."""
    pixels = ink(size=20)
    top, left = shape[0] - pixels.shape[0] - 3, shape[1] - pixels.shape[1] - 3
    (box, *_) = find_text(with_ink(np.full(shape, 30, np.uint8), pixels, top, left))
    assert top - 24 <= box.top <= top + 4
    assert left - 24 <= box.left <= left + 8
    assert top + pixels.shape[0] - 4 <= box.top + box.height <= shape[0]
    assert left + pixels.shape[1] - 8 <= box.left + box.width <= shape[1]


@pytest.mark.parametrize(("side", "size"), [(1500, 60), (2600, 120)])
def test_large_letters_in_a_large_picture_are_found_in_a_smaller_copy(side: int, size: int) -> None:
    """Letters of 60 and 120 pixels, as on radiographs of 2000 pixels and more."""
    pixels = ink(size=size)
    drawn = with_ink(np.full((side, side), 60, np.uint8), pixels, 1000, 400)
    assert part_covered(find_text(drawn), 1000, 400, *pixels.shape) > 0.5


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 600), (7, 40), (8, 8), (9, 17), (64, 64, 3), (5, 5, 3), (513, 511)]
)
@pytest.mark.parametrize("value", [0, 77, 255])
def test_flat_and_tiny_pictures_have_no_boxes(shape: tuple[int, ...], value: int) -> None:
    """Any size is accepted; one grey level holds no text."""
    assert [] == find_text(np.full(shape, value, np.uint8))


@pytest.mark.parametrize("shape", [(8, 8), (9, 31), (33, 35), (40, 8), (130, 127), (50, 60, 3)])
def test_noise_of_any_size_is_searched(shape: tuple[int, ...]) -> None:
    """Boxes in noise, if any, lie inside the picture."""
    for box in find_text(np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)):
        assert 0 <= box.left < box.left + box.width <= shape[1]
        assert 0 <= box.top < box.top + box.height <= shape[0]


def test_views_are_searched_as_their_copies_are() -> None:
    """Turned, mirrored and strided arrays needn't be contiguous, and nothing is changed in them."""
    drawn = with_ink(real_picture(CT), ink(), 20, 24)
    for view in (np.rot90(drawn), drawn[:, ::-1], drawn[::2, ::2], np.dstack([drawn] * 3).transpose(1, 0, 2)):
        before = view.copy()
        assert find_text(before) == find_text(view)
        np.testing.assert_array_equal(before, view)


def test_the_surest_box_comes_first_and_the_threshold_counts() -> None:
    """Scores fall, and a higher threshold leaves boxes out."""
    drawn = with_ink(with_ink(real_picture(CT), ink(), 20, 24), ink("12.03.1957", size=11), 480, 10, 140)
    boxes = find_text(drawn)
    assert len(boxes) >= 2
    assert sorted((box.score for box in boxes), reverse=True) == [box.score for box in boxes]
    assert [box for box in boxes if box.score >= boxes[0].score] == find_text(drawn, boxes[0].score)


def test_a_text_in_grey_channels_is_one_box() -> None:
    """What is found in several planes of a colour picture is told once."""
    picture = np.dstack([with_ink(real_picture(CT), ink(), 20, 24)] * 3)
    picture[300:400, 100:200] = (200, 30, 30)
    assert 1 == sum(box.top < 60 and box.left < 200 for box in find_text(picture))


def test_the_net_is_computed_where_it_is_asked_alone() -> None:
    """Cells that aren't asked have no logit; an asked cell's logit doesn't depend on which others are."""
    grey = with_ink(real_picture(CT), ink(), 64, 40)
    asked = cells_with_edges(grey)
    scores = cell_scores(prepare(grey), asked, load_weights())
    fewer = asked & (np.indices(asked.shape)[1] % 3 == 0)
    some = cell_scores(prepare(grey), fewer, load_weights())
    assert (scores[~asked] == NOT_TEXT).all()
    both = (some > NOT_TEXT) & (scores > NOT_TEXT)
    assert both.any()
    np.testing.assert_allclose(scores[both], some[both], atol=1e-3)


def test_noise_makes_no_edges_but_text_in_it_does() -> None:
    """In a noisy picture an edge is what exceeds the noise, so the net is asked about little."""
    noise = np.random.default_rng(2).normal(120, 3, (256, 256)).clip(0, 255).astype(np.uint8)
    assert cells_with_edges(noise).mean() < 0.1
    pixels = ink()
    asked = cells_with_edges(with_ink(noise, pixels, 128, 64))
    assert asked[16:18, 9:23].mean() > 0.9
    weak = with_ink(np.full((256, 256), 120, np.uint8), pixels, 128, 64, 120 + EDGE - 1)
    assert not cells_with_edges(weak).any()


def test_the_surest_parts_lie_in_their_box() -> None:
    """At most three, the surest first; the first one has the score of its box."""
    picture = with_ink(real_picture(CT), ink(), 20, 24)
    box = find_text(picture)[0]
    assert 1 <= len(box.parts) <= MOST_PARTS
    assert box.score == box.parts[0].score
    assert sorted(box.parts, key=lambda part: -part.score) == list(box.parts)
    for part in box.parts:
        assert box.left <= part.left < part.left + part.width <= box.left + box.width
        assert box.top <= part.top < part.top + part.height <= box.top + box.height
