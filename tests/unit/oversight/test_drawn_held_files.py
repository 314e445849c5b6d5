"""Pictures of held files, drawn in a process without credentials."""

import io
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from oversight.held_pictures import drawing
from oversight.held_pictures.draw_file import chosen_frames
from oversight.held_pictures.drawing import DrawingProcess, environment_of_worker
from oversight.held_pictures.request import Request
from tests.support.factories import make_dataset, to_bytes
from tests.support.real_files import real_file


@pytest.fixture(scope="module")
def process() -> Iterator[DrawingProcess]:
    """A process that draws the files of all tests, one after another."""
    with closing(DrawingProcess()) as started:
        yield started


def test_a_held_file_is_drawn_as_it_would_leave(tmp_path: Path, process: DrawingProcess) -> None:
    """The PNG has the file's size, and what a person has made black is black."""
    (tmp_path / "source.dcm").write_bytes(to_bytes(make_dataset(name="CT_small.dcm")))
    drawn = process.draw(tmp_path, Request(4, releases=1, blank=[(0, 0, 128, 10)]))
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
def test_what_can_not_be_drawn_has_a_cause(
    tmp_path: Path, process: DrawingProcess, body: bytes, words: str
) -> None:
    """There is no picture, and a sentence says why."""
    (tmp_path / "source.dcm").write_bytes(body)
    drawn = process.draw(tmp_path, Request(4))
    assert {} == drawn.pictures
    assert drawn.cause
    assert words in drawn.cause


def test_a_crash_of_one_file_ends_no_other(tmp_path: Path, process: DrawingProcess) -> None:
    """A child that ends without a report is told; the next file is drawn by the same process."""
    (tmp_path / "source.dcm").write_bytes(to_bytes(make_dataset(name="CT_small.dcm")))
    assert "crashed" in str(process.draw(tmp_path / "not there", Request(1)).cause)
    drawn = process.draw(tmp_path, Request(1, window=(40.0, 400.0), longest_side=32))
    assert (None, True, [1]) == (drawn.cause, drawn.is_grey, list(drawn.pictures))
    assert (32, 32) == Image.open(io.BytesIO(drawn.pictures[1])).size


def test_exactly_the_wanted_frames_are_drawn(tmp_path: Path, process: DrawingProcess) -> None:
    """Frames by number; the number of all frames is told as well."""
    (tmp_path / "source.dcm").write_bytes(real_file("emri_small.dcm"))
    drawn = process.draw(tmp_path, Request(1, frames=[3, 5]))
    assert (None, 10, [3, 5]) == (drawn.cause, drawn.frames, sorted(drawn.pictures))


def test_a_process_that_ends_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A crash of the process is the cause in the table, and ends nothing else."""
    monkeypatch.setattr(drawing, "_WORKER", "infra.no_such_module")
    with closing(DrawingProcess()) as process:
        drawn = process.draw(tmp_path, Request(1))
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
