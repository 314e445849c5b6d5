"""The fonts' two halves, and reading letters of every kind."""

import base64
import gzip
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from model.text_detector.fonts.bitmap_letters import read_letters
from model.text_detector.fonts.designs import DESIGNS, FONT_PACKAGES, FontKind, Half, designs
from model.text_detector.fonts.strokes import draw_strokes, read_strokes
from model.text_detector.fonts.text_masks import text_mask
from model.text_detector.fonts.words import random_text
from model.training.sources.source_packages import Kind

OF_MATPLOTLIB = [design for design in DESIGNS if design.package == "matplotlib"]


def test_no_font_lies_in_both_halves() -> None:
    """Each design and each face belongs to one half."""
    tuning, measured = (designs(half) for half in Half)
    assert set(DESIGNS) == {*tuning, *measured}
    assert len(DESIGNS) == len(tuning) + len(measured)
    faces = [
        {(design.package, face) for design in half for face in design.faces} for half in (tuning, measured)
    ]
    assert not faces[0] & faces[1]


@pytest.mark.parametrize("half", list(Half))
def test_each_half_has_fonts_of_every_kind(half: Half) -> None:
    """At least six outline, two bitmap and two stroke designs."""
    kinds = [design.kind for design in designs(half)]
    assert kinds.count(FontKind.OUTLINE) >= 6
    assert kinds.count(FontKind.BITMAP) >= 2
    assert kinds.count(FontKind.STROKE) >= 2


def test_downloaded_fonts_have_a_digest_and_every_package_a_licence() -> None:
    """An archive is opened only if it is the expected one."""
    assert {design.package for design in DESIGNS} == set(FONT_PACKAGES)
    for package in FONT_PACKAGES.values():
        assert package.licence
        assert "GPL" not in package.licence
        assert package.kind is Kind.INSTALLED or len(package.sha256) == 64


@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("design", OF_MATPLOTLIB, ids=lambda design: design.name)
def test_an_outline_text_is_cut_to_its_ink(design, smooth: bool) -> None:
    """No row or column at the border is empty; hard text has two values, smoothed text more."""
    mask = text_mask(design, 1, 16, "MEIER 19", smooth=smooth)
    assert mask.dtype == np.float32
    assert 8 <= mask.shape[0] <= 22
    assert mask.shape[1] > 4 * mask.shape[0]
    assert all(edge.max() > 0.1 for edge in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    assert smooth is (len(np.unique(mask)) > 2)


def test_a_text_without_ink_is_one_empty_pixel() -> None:
    """A space draws nothing."""
    np.testing.assert_array_equal([[0]], text_mask(OF_MATPLOTLIB[0], 0, 16, " ", smooth=True))


def test_letters_of_an_array_are_columns_with_the_lowest_bit_on_top(tmp_path: Path) -> None:
    """Columns that no letter uses are cut to one column of space."""
    columns = [[0] * 8 for _ in range(128)]
    columns[ord("A")] = [0b00000011, 0b10000000, 0, 0, 0, 0, 0, 0]
    (tmp_path / "font.py").write_text(f"OTHER = []\nSOME_FONT = {columns}\n", encoding="utf-8")
    letter = read_letters(tmp_path / "font.py", "SOME_FONT")["A"]
    assert (8, 3) == letter.shape
    assert [(0, 0), (1, 0), (7, 1)] == [tuple(place) for place in np.argwhere(letter)]
    with pytest.raises(ValueError, match="NONE"):
        read_letters(tmp_path / "font.py", "NONE")


def test_letters_of_a_text_file_are_dots_and_at_signs(tmp_path: Path) -> None:
    """Each letter's rows follow its name."""
    text = "name: some\n\n" + "".join(f"{chr(code)!r}:\n    .@\n    @.\n\n" for code in range(32, 127))
    text = text.replace('"\'":', "''':").replace("'\\\\':", "'\\':")
    (tmp_path / "some.yaff.gz").write_bytes(gzip.compress(text.encode()))
    letters = read_letters(tmp_path / "some.yaff.gz", "")
    assert 95 == len(letters)
    np.testing.assert_array_equal([[False, True], [True, False]], letters["~"])


def test_strokes_are_read_and_drawn(tmp_path: Path) -> None:
    """A letter's two strokes: a bar of 21 units down, and one across its foot."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as fonts:
        line = "12345  6JZNFN[ RN[V["  # left -8, right 8; from (-4, -12) to (-4, 9), then to (4, 9)
        content = f"12345  1JZ\n{line}\n".encode()
        member = tarfile.TarInfo("plain")
        member.size = len(content)
        fonts.addfile(member, io.BytesIO(content))
    module = f"class Fonts:\n    data = {base64.b64encode(archive.getvalue())!r}\n"
    (tmp_path / "fonts.py").write_text(module, encoding="utf-8")
    letters = read_strokes(tmp_path / "fonts.py", "plain")
    assert [(-8, 8, 0), (-8, 8, 2)] == [(left, right, len(strokes)) for left, right, strokes in letters]
    drawn = draw_strokes(letters, "!", 28, 1, smooth=False)
    rows, columns = np.flatnonzero(drawn.any(1)), np.flatnonzero(drawn.any(0))
    assert 20 <= rows[-1] - rows[0] <= 21
    assert 7 <= columns[-1] - columns[0] <= 8
    assert drawn[rows[0] : rows[-1], columns[0]].all()


def test_the_halves_share_no_names() -> None:
    """A name that was trained on doesn't count as found; every text has at least four characters."""
    words = {}
    for half in Half:
        rng = np.random.default_rng(4)
        texts = [random_text(rng, half) for _ in range(600)]
        assert all(len(text) >= 4 or half is Half.TUNING for text in texts)
        words[half] = {
            part for text in texts for part in text.replace("^", " ").replace(",", "").upper().split()
        }
    names = {word for word in words[Half.MEASURED] if word.isalpha()}
    assert len(names) > 20
    assert not names & words[Half.TUNING]
