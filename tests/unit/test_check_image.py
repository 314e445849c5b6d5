"""Checking one image: decoding its PNG and judging it."""

import contextlib
import io

import numpy as np
import pytest
from PIL import Image

from common.errors import PermanentError
from functions.extract.png_frames import encode_png
from functions.quality.check_image import decode_png, judge
from model.artefact import QualityModel
from model.features import FEATURE_NAMES

GREY = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
COLOUR = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


class Fixed:
    """A classifier with one answer."""

    def __init__(self, probability: float) -> None:
        self._probability = probability

    def predict_proba(self, _: np.ndarray) -> np.ndarray:
        return np.array([[1 - self._probability, self._probability]])


def _model(probability: float) -> QualityModel:
    return QualityModel("m1", 0.5, Fixed(probability))


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
    verdict = judge(GREY, _model(probability), black_mean=3.0)
    assert (expected, probability, 0.5, "m1") == (
        verdict.verdict,
        verdict.score,
        verdict.threshold,
        verdict.model_version,
    )
    assert set(FEATURE_NAMES) == set(verdict.features)
    assert float(GREY.mean()) == pytest.approx(verdict.mean_grey)


@pytest.mark.parametrize(("value", "expected"), [(0, "black"), (2, "black"), (3, "good"), (255, "good")])
def test_black_is_told_before_the_model_is_asked(value: int, expected: str) -> None:
    """A picture darker than the limit is black whatever the model says; at the limit it is not."""
    verdict = judge(np.full((30, 30), value, np.uint8), _model(0.0), black_mean=3.0)
    assert expected == verdict.verdict
    assert (1.0 if expected == "black" else 0.0) == verdict.score


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (3, 3, 3), (1, 1, 3)])
def test_tiny_pictures_are_judged(shape: tuple[int, ...]) -> None:
    """However small a picture is, it gets a verdict."""
    assert "good" == judge(np.full(shape, 200, np.uint8), _model(0.0), black_mean=3.0).verdict
