"""Drawing texts for training and measuring, and telling which are found."""

import numpy as np
import pytest

from deidentification.pixels.text.text_detector import Box
from model.text_detector import crops, variants
from model.text_detector.crops import NO_TEXT, SIDE, TEXT, UNKNOWN, CropMaker
from model.text_detector.drawing import STYLES, draw, find_place
from model.text_detector.fonts.designs import DESIGNS, Design, Half
from model.text_detector.fonts.text_masks import text_mask
from model.text_detector.variants import boxes_at, covered
from model.training.sources.corpus import Source

DESIGN = next(design for design in DESIGNS if design.name == "DejaVu Sans")


def only_installed_fonts(_half: Half) -> list[Design]:
    return [DESIGN]


def source(*, in_colour: bool = False) -> Source:
    rng = np.random.default_rng(1)
    picture = rng.normal(90, 4, (200, 240)).clip(0, 255).astype(np.uint8)
    picture[:, :100] = 0
    pictures = (np.dstack([picture] * 3),) if in_colour else (picture,)
    return Source("Someone", "some-package 1.0", "MIT", (), pictures, "CT")


def test_ink_changes_the_picture_inside_its_rectangle_alone() -> None:
    """The original stays as it is; outlined text has a rim of one pixel."""
    picture = source().pictures[0]
    mask = text_mask(DESIGN, 0, 16, "MEIER", smooth=False)
    for style, rim in (("white", 0), ("outlined", 1)):
        drawn = draw(picture, mask, 50, 120, style=style, rng=np.random.default_rng(2))
        changed = np.argwhere(drawn.picture != picture)
        assert (50 - rim, 120 - rim) == tuple(changed.min(0))
        assert drawn.ink == (120, 50, mask.shape[1], mask.shape[0])
        assert drawn.legible


@pytest.mark.parametrize(("difference", "legible"), [(14, False), (15, True), (200, True)])
def test_a_person_can_read_from_fifteen_grey_levels_on(difference: int, legible: bool) -> None:
    """The median of the ink against that of what lies around it."""
    picture = np.full((60, 200), 255 - difference, np.uint8)
    mask = text_mask(DESIGN, 0, 16, "MEIER 19", smooth=False)
    drawn = draw(picture, mask, 20, 20, style="white", rng=np.random.default_rng(2))
    assert legible is drawn.legible
    assert difference == drawn.contrast


@pytest.mark.parametrize("style", STYLES)
def test_every_style_is_drawn_in_grey_and_colour(style: str) -> None:
    """Shape and type stay."""
    mask = text_mask(DESIGN, 0, 12, "MEIER", smooth=True)
    for picture in (source().pictures[0], source(in_colour=True).pictures[0]):
        drawn = draw(picture, mask, 3, 120, style=style, rng=np.random.default_rng(2)).picture
        assert (picture.shape, np.uint8) == (drawn.shape, drawn.dtype)
        assert not np.array_equal(picture, drawn)


@pytest.mark.parametrize("wanted", ["anatomy", "background"])
def test_a_place_is_of_the_wanted_kind(wanted: str) -> None:
    """Noise of some brightness is anatomy, black is background."""
    picture = source().pictures[0]
    place = find_place(picture, (12, 50), wanted, np.random.default_rng(3))
    assert place is not None
    top, left, found = place
    assert wanted == found
    assert bool(picture[top : top + 12, left : left + 50].any()) is (wanted == "anatomy")


def test_a_text_that_is_too_large_has_no_place() -> None:
    """A picture must exceed it by a few pixels."""
    assert find_place(np.zeros((20, 60), np.uint8), (12, 58), "anatomy", np.random.default_rng(3)) is None


@pytest.mark.parametrize("in_colour", [False, True])
def test_crops_repeat_themselves_and_mark_their_texts(
    monkeypatch: pytest.MonkeyPatch, in_colour: bool
) -> None:
    """Cells of text, cells near it that nothing is learned from, and all others."""
    monkeypatch.setattr(crops, "designs", only_installed_fonts)
    makers = [CropMaker([source(in_colour=in_colour)], np.random.default_rng(5)) for _ in range(2)]
    first, second = ([maker.crop() for _ in range(30)] for maker in makers)
    for (crop, cells), (same_crop, same_cells) in zip(first, second, strict=True):
        np.testing.assert_array_equal(crop, same_crop)
        np.testing.assert_array_equal(cells, same_cells)
        assert ((SIDE, SIDE), np.uint8) == (crop.shape, crop.dtype)
    assert {TEXT, NO_TEXT, UNKNOWN} == set(np.unique([cells for _, cells in first]))
    assert 0.02 < np.mean([cells == TEXT for _, cells in first]) < 0.3


def test_variants_repeat_themselves_and_go_through_sizes_and_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same seed draws the same texts; another one draws others."""
    monkeypatch.setattr(variants, "designs", only_installed_fonts)
    first, second, other = (list(variants.variants(source(), Half.MEASURED, 20, seed)) for seed in (7, 7, 8))
    assert [v.text for v in first] == [v.text for v in second] != [v.text for v in other]
    assert set(STYLES) - {"coloured"} == {v.style for v in first}
    assert 5 == len({v.size for v in first})
    for variant in first:
        if variant.drawn is not None:
            left, top, width, height = variant.drawn.ink
            assert 0 < width <= variant.drawn.picture.shape[1] - left
            assert 0 < height <= variant.drawn.picture.shape[0] - top


def test_the_covered_part_counts_boxes_together() -> None:
    """Two boxes that cover a half each cover everything; one elsewhere isn't at the ink."""
    boxes = [Box(0, 0, 16, 16, 1.0), Box(16, 0, 24, 16, 1.0), Box(80, 80, 8, 8, 2.0)]
    ink = (8, 4, 16, 8)
    assert boxes[:2] == boxes_at(boxes, ink)
    assert 1.0 == covered(boxes, ink)
    assert 0.5 == covered(boxes[:1], ink)
    assert 0.0 == covered(boxes[2:], ink)
