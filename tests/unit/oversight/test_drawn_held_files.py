"""Pictures of held files, drawn in a process without credentials."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oversight.held_pictures import drawing
from oversight.held_pictures.drawing import Request, draw, environment_of_worker
from oversight.held_pictures.worker import chosen_frames
from tests.support.factories import make_dataset, to_bytes
from tests.support.real_files import real_file


def test_a_held_file_is_drawn_as_it_would_leave(tmp_path: Path) -> None:
    """The PNG has the file's size, and what a person has made black is black."""
    (tmp_path / "source.dcm").write_bytes(to_bytes(make_dataset(name="CT_small.dcm")))
    drawn = draw(tmp_path, Request(4, releases=1, blank=[(0, 0, 128, 10)]))
    assert (None, 1, [1]) == (drawn.cause, drawn.frames, list(drawn.pictures))
    picture = np.asarray(Image.open(io.BytesIO(drawn.pictures[1])))
    assert (128, 128) == picture.shape
    assert 0 == picture[:10].max() < picture[10:].max()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (real_file("reportsi.dcm"), "holds no picture"),
        (b"no DICOM" * 100, "Not a DICOM file"),
        (real_file("CT_small.dcm")[:-5000], ""),
    ],
    ids=["report", "junk", "cut"],
)
def test_what_can_not_be_drawn_has_a_cause(tmp_path: Path, body: bytes, words: str) -> None:
    """There is no picture, and a sentence says why."""
    (tmp_path / "source.dcm").write_bytes(body)
    drawn = draw(tmp_path, Request(4))
    assert {} == drawn.pictures
    assert drawn.cause
    assert words in drawn.cause


def test_a_process_that_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash of the process is the cause in the table, and ends nothing else."""
    monkeypatch.setattr(drawing, "_WORKER", "infra.no_such_module")
    drawn = draw(tmp_path, Request(1))
    assert drawn.cause
    assert "crashed" in drawn.cause


def test_no_credential_is_passed() -> None:
    """The worker gets what it needs to draw, and neither keys nor addresses."""
    given = {
        "DATABASE_URL": "x",
        "DCM2SET_PSEUDONYM_KEY": "x",
        "DCM2SET_TOKEN": "x",
        "DCM2SET_MAX_FRAMES": "7",
    }
    passed = environment_of_worker(given)
    assert "7" == passed["DCM2SET_MAX_FRAMES"]
    assert "x" not in passed.values()


@pytest.mark.parametrize(
    ("number", "of_text", "most", "expected"),
    [
        (3, [], 8, {1, 2, 3}),
        (100, [], 4, {1, 26, 51, 76}),
        (100, [90, 7], 4, {7, 90, 1, 51}),
        (100, [5, 6, 7], 2, {5, 6}),
        (2, [9], 1, {1}),
    ],
)
def test_frames_with_text_are_drawn_first(
    number: int, of_text: list[int], most: int, expected: set[int]
) -> None:
    """Then evenly spread ones, and never more than the limit."""
    assert expected == chosen_frames(number, of_text, most)
