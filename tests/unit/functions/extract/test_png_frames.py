"""Frames drawn as PNGs."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from common.errors import PermanentError
from functions.extract.output_space import OutputSpace, Spooled
from functions.extract.png_frames import draw_frames, encode_png
from functions.extract.prepared_instance import PngFrame
from imaging.frames.image_file import ImageFile
from imaging.options import PictureRules
from imaging.rendering.picture_recipe import PictureRecipe
from tests.support.factories import make_dataset, make_grey, real_path, to_image_file

GREY = np.arange(256, dtype=np.uint8).reshape(8, 32)
COLOUR = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def _drawn(image_file: ImageFile, folder: Path, calls: list[int] | None = None) -> list[PngFrame]:
    def heartbeat() -> None:
        if calls is not None:
            calls.append(1)

    return draw_frames(image_file, OutputSpace(folder), rules=PictureRules(), heartbeat=heartbeat)


def _chunks(body: bytes) -> list[bytes]:
    chunks, offset = [], 8
    while offset < len(body):
        length = int.from_bytes(body[offset : offset + 4], "big")
        chunks.append(body[offset + 4 : offset + 8])
        offset += 12 + length
    return chunks


@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
def test_png_is_lossless(picture: np.ndarray) -> None:
    """A decoded PNG is the picture, value for value."""
    with Image.open(io.BytesIO(encode_png(picture))) as image:
        assert np.array_equal(picture, np.asarray(image))


@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
def test_png_has_no_metadata_chunks(picture: np.ndarray) -> None:
    """A PNG has only the chunks for header, pixels and end: no text, time or colour profile."""
    assert {b"IHDR", b"IDAT", b"IEND"} == set(_chunks(encode_png(picture)))


def test_same_picture_gives_the_same_bytes() -> None:
    """A replay writes the same object with the same ETag."""
    assert encode_png(GREY) == encode_png(GREY.copy())


def test_frames_are_numbered_from_1(tmp_path: Path) -> None:
    """Each frame has its number, size and number of samples."""
    values = np.stack([np.full((4, 6), value, np.uint16) for value in (1, 2, 3)])
    values[:, 0, 0] = 0
    drawn = _drawn(to_image_file(make_grey(values), tmp_path), tmp_path)
    assert [(1, 4, 6, 1), (2, 4, 6, 1), (3, 4, 6, 1)] == [
        (frame.number, frame.rows, frame.columns, frame.samples) for frame in drawn
    ]


def test_png_is_the_picture_of_the_recipe(tmp_path: Path) -> None:
    """The PNG of a frame is the picture that the recipe draws."""
    image_file = to_image_file(make_dataset(), tmp_path)
    (frame,) = _drawn(image_file, tmp_path)
    expected = PictureRecipe(image_file.ds).draw(next(image_file.frames()), index=0).picture
    with Image.open(io.BytesIO(frame.read())) as image:
        assert np.array_equal(expected, np.asarray(image))


def test_colour_has_three_samples(tmp_path: Path) -> None:
    """The frames of a colour image have three samples."""
    image_file = to_image_file(real_path("SC_rgb_rle_2frame.dcm").read_bytes(), tmp_path)
    assert [3, 3] == [frame.samples for frame in _drawn(image_file, tmp_path)]


def test_heartbeat_before_every_frame(tmp_path: Path) -> None:
    """`heartbeat` is called before each frame, so that the lease of a long file is extended."""
    calls: list[int] = []
    values = np.zeros((5, 4, 4), np.uint16)
    _drawn(to_image_file(make_grey(values), tmp_path), tmp_path, calls)
    assert 5 == len(calls)


def test_many_large_pictures_go_to_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures over the memory limit are written to files, and read back unchanged."""
    values = np.random.default_rng(0).integers(0, 4096, (3, 40, 60), dtype=np.uint16)
    image_file = to_image_file(make_grey(values), tmp_path)
    expected = [frame.read() for frame in _drawn(image_file, tmp_path)]
    monkeypatch.setattr("functions.extract.output_space.MAX_BYTES_IN_MEMORY", len(expected[0]))
    drawn = _drawn(image_file, tmp_path)
    assert [False, True, True] == [isinstance(frame.png, Spooled) for frame in drawn]
    assert expected == [frame.read() for frame in drawn]


@pytest.mark.parametrize("keyword", ["VOILUTSequence", "ModalityLUTSequence"])
def test_cause_of_a_frame_that_cannot_be_drawn_names_the_attribute(keyword: str, tmp_path: Path) -> None:
    """The cause that drawing gives reaches the one who reads it."""
    item = Dataset()
    item.add_new("LUTDescriptor", "US", [256, 0, 16])
    item.add_new("LUTData", "OW", bytes(100))
    ds = make_grey(np.zeros((4, 4), np.uint8), **{keyword: Sequence([item])})
    with pytest.raises(PermanentError, match=r"^LUTData has fewer entries than LUTDescriptor says"):
        _drawn(to_image_file(ds, tmp_path), tmp_path)
