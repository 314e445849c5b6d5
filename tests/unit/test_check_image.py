"""Checking one image: decoding its PNG and judging it."""

import contextlib
import io

import numpy as np
import pytest
from PIL import Image

from common.errors import PermanentError
from common.png_picture import decode_png
from functions.extract.png_frames import encode_png
from model.features import FEATURE_NAMES
from model.judgement import Judge
from tests.in_memory.quality_model import FixedModel

GREY = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
COLOUR = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def _judge(probability: float) -> Judge:
    return Judge(FixedModel(probability, "m1"), black_mean=3.0, threshold=0.5)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
def test_png_of_extract_is_decoded_as_it_was(picture: np.ndarray) -> None:
    """What extract wrote comes back value for value."""
    assert np.array_equal(picture, decode_png(encode_png(picture), max_pixels=10_000))


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "L", "RGB"])
def test_other_kinds_of_png_become_grey_or_colour(mode: str) -> None:
    """Any 8-bit PNG is decoded to two or three axes."""
    decoded = decode_png(_png(Image.fromarray(COLOUR).convert(mode)), max_pixels=10_000)
    assert np.uint8 == decoded.dtype
    assert decoded.shape in {(20, 30), (20, 30, 3)}


@pytest.mark.parametrize(
    "body", [b"", b"png", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + bytes(100), encode_png(GREY)[:60]]
)
def test_what_is_no_png_is_refused(body: bytes) -> None:
    """Anything else is a permanent failure."""
    with pytest.raises(PermanentError):
        decode_png(body, max_pixels=10_000)


def test_spoiled_png_is_decoded_or_refused() -> None:
    """With bytes changed at random or cut, nothing but our own error comes out."""
    body, random = encode_png(COLOUR), np.random.default_rng(0)
    for _ in range(400):
        spoiled = bytearray(body[: random.integers(8, len(body) + 1)])
        for place in random.integers(8, len(spoiled) + 1, 2):
            spoiled[place - 1] = random.integers(0, 256)
        with contextlib.suppress(PermanentError):
            decode_png(bytes(spoiled), max_pixels=10_000)


def test_too_many_pixels_are_refused_before_decoding() -> None:
    """A PNG that says it is huge is refused by its header, naming the setting."""
    with pytest.raises(PermanentError, match="DCM2SET_MAX_PIXELS_PER_FRAME"):
        decode_png(encode_png(GREY), max_pixels=GREY.size - 1)
    bomb = bytearray(encode_png(GREY))
    bomb[16:24] = (50_000).to_bytes(4, "big") * 2
    with pytest.raises(PermanentError):
        decode_png(bytes(bomb), max_pixels=100_000_000)


@pytest.mark.parametrize(
    ("probability", "expected"), [(0.0, "good"), (0.49, "good"), (0.5, "low_quality"), (1.0, "low_quality")]
)
def test_model_decides_from_its_threshold(probability: float, expected: str) -> None:
    """From the threshold on a picture is low quality; its score and features are told."""
    verdict = _judge(probability).judge(GREY, modality="MG")
    assert (expected, probability, 0.5, "m1") == (
        verdict.verdict,
        verdict.score,
        verdict.threshold,
        verdict.model_version,
    )
    assert set(FEATURE_NAMES) == set(verdict.features)
    assert float(GREY.mean()) == pytest.approx(verdict.mean_grey)
    assert "low" == verdict.confidence


def test_another_threshold_is_another_verdict() -> None:
    """The threshold of the settings decides, not the model's own."""
    model = FixedModel(0.6, "m1")
    assert "good" == Judge(model, 3.0, threshold=0.7).judge(GREY, modality="CT").verdict
    assert "low_quality" == Judge(model, 3.0, threshold=0.6).judge(GREY, modality="CT").verdict


@pytest.mark.parametrize(("value", "expected"), [(0, "black"), (2, "black"), (3, "good"), (255, "good")])
def test_black_is_told_before_the_model_is_asked(value: int, expected: str) -> None:
    """A picture darker than the limit is black whatever the model says; at the limit it is not."""
    verdict = _judge(0.0).judge(np.full((30, 30), value, np.uint8), modality=None)
    assert expected == verdict.verdict
    assert (1.0 if expected == "black" else 0.0) == verdict.score
    assert (("black",) if expected == "black" else ()) == verdict.reasons


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (3, 3, 3), (1, 1, 3)])
def test_tiny_pictures_are_judged(shape: tuple[int, ...]) -> None:
    """However small a picture is, it gets a verdict."""
    assert "good" == _judge(0.0).judge(np.full(shape, 200, np.uint8), modality="CT").verdict
