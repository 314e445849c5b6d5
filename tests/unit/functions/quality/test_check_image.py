"""Checks of one image: its PNG is decoded and judged."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from common.errors import PermanentError
from functions.extract.png_frames import encode_png
from imaging.png.png_picture import decode_png
from imaging.png.png_stream import decode_own_png
from model.features.image_features import FEATURE_NAMES
from model.judgement import Judge
from model.limits import ChosenLimits, Limits
from tests.in_memory.quality_model import FixedModel

GREY = np.random.default_rng(0).integers(0, 256, (40, 50), dtype=np.uint8)
COLOUR = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def _judge(probability: float) -> Judge:
    return Judge(FixedModel(probability, "m1"), black_mean=3.0)


def _png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.parametrize("picture", [GREY, COLOUR], ids=["grey", "colour"])
def test_png_of_extract_is_decoded_unchanged(picture: np.ndarray) -> None:
    """A PNG written by extract is decoded value for value."""
    assert np.array_equal(picture, decode_png(encode_png(picture), max_pixels=10_000))


@pytest.mark.parametrize(
    "picture",
    [GREY, COLOUR, GREY[:1], GREY[:, :1], np.arange(2000, dtype=np.uint16).reshape(40, 50) * 31],
    ids=["grey", "colour", "row", "column", "16 bits"],
)
def test_png_of_extract_is_read_by_the_fast_decoder(picture: np.ndarray) -> None:
    """The fast decoder gives the same picture as Pillow, for every form that extract writes."""
    body = encode_png(picture)
    own = decode_own_png(body, max_pixels=picture.size)
    assert own is not None
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(body))), own)


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _one_idat(deflated: bytes, *, bits: int = 8, colour: int = 0, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", 4, 3, bits, colour, 0, 0, interlaced)
    chunks = ((b"IHDR", header), (b"IDAT", deflated), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*chunk) for chunk in chunks)


ROWS = bytes([2, 1, 2, 3, 4]) * 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        encode_png(GREY) + b"more",
        encode_png(GREY)[:-1],
        _png(Image.fromarray(GREY)),
        _one_idat(zlib.compress(ROWS), colour=4),
        _one_idat(zlib.compress(ROWS), bits=4),
        _one_idat(zlib.compress(ROWS), interlaced=1),
        _one_idat(zlib.compress(b"\x01" + ROWS[1:])),
        _one_idat(zlib.compress(ROWS[:-1])),
        _one_idat(zlib.compress(ROWS + bytes(10**6))),
        _one_idat(zlib.compress(ROWS)[:-1]),
        _one_idat(zlib.compress(ROWS)[:-1] + b"x"),
        _one_idat(zlib.compress(ROWS) + b"x"),
        _one_idat(b"no stream"),
        _one_idat(zlib.compress(ROWS)).replace(b"IDAT", b"IDAt"),
    ],
)
def test_any_other_png_is_left_to_pillow(body: bytes) -> None:
    """The fast decoder reads no PNG of another form, with a wrong checksum, or of another length."""
    assert decode_own_png(_one_idat(zlib.compress(ROWS)), max_pixels=12) is not None
    assert decode_own_png(body, max_pixels=10_000) is None


def test_a_corrupted_png_is_never_read_wrongly() -> None:
    """Whichever byte is changed, the fast decoder gives no picture."""
    body = encode_png(COLOUR)
    for index in range(len(body)):
        corrupted = bytearray(body)
        corrupted[index] ^= 0x41
        assert decode_own_png(bytes(corrupted), max_pixels=10_000) is None


@pytest.mark.parametrize("mode", ["1", "P", "LA", "RGBA", "L", "RGB"])
def test_other_kinds_of_png_become_grey_or_colour(mode: str) -> None:
    """Any 8-bit PNG is decoded to two or three axes."""
    decoded = decode_png(_png(Image.fromarray(COLOUR).convert(mode)), max_pixels=10_000)
    assert np.uint8 == decoded.dtype
    assert decoded.shape in {(20, 30), (20, 30, 3)}


@pytest.mark.parametrize(
    "body", [b"", b"png", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0" + bytes(100), encode_png(GREY)[:60]]
)
def test_anything_but_a_png_is_refused(body: bytes) -> None:
    """Anything but a PNG raises PermanentError."""
    with pytest.raises(PermanentError):
        decode_png(body, max_pixels=10_000)


def test_corrupted_png_is_decoded_or_refused() -> None:
    """A randomly changed or truncated PNG is decoded or raises PermanentError."""
    body, random = encode_png(COLOUR), np.random.default_rng(0)
    for _ in range(400):
        corrupted = bytearray(body[: random.integers(8, len(body) + 1)])
        for index in random.integers(8, len(corrupted) + 1, 2):
            corrupted[index - 1] = random.integers(0, 256)
        with contextlib.suppress(PermanentError):
            decode_png(bytes(corrupted), max_pixels=10_000)


def test_too_many_pixels_are_refused_before_decoding() -> None:
    """A PNG with a huge size in its header is refused before decoding; the error names the setting."""
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
    """A picture is of low quality from the threshold on; the judgement has its score and features."""
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


def test_threshold_of_the_settings_decides() -> None:
    """The threshold in the settings takes precedence over the model's own."""
    model = FixedModel(0.6, "m1")
    for limit, verdict in ((0.7, "review"), (0.6, "low_quality")):
        judge = Judge(model, 3.0, ChosenLimits(reject_from=limit))
        assert verdict == judge.judge(GREY, modality="CT").verdict


def test_a_score_between_the_limits_is_for_a_person() -> None:
    """A score from the lower limit on, and below the upper one, is for review; both limits are told."""
    judge = Judge(FixedModel(0.4, own_limits=Limits(0.4, 0.6)), 3.0)
    judgement = judge.judge(GREY, modality="CT")
    assert ("review", 0.4, 0.6) == (judgement.verdict, judgement.review_from, judgement.threshold)
    assert "good" == judge.judge(GREY, modality="CT", site=Limits(0.5, 0.6)).verdict
    assert "low_quality" == judge.judge(GREY, modality="CT", site=Limits(0.1, 0.3)).verdict


def test_what_training_has_not_seen_is_for_a_person() -> None:
    """An unfamiliar picture is for review whatever its score; limits of the site make it familiar."""
    judge = Judge(FixedModel(0.99, unseen="a modality that training has not seen"), 3.0)
    judgement = judge.judge(GREY, modality="PT")
    assert ("review", "a modality that training has not seen") == (judgement.verdict, judgement.reasons[0])
    assert "low_quality" == judge.judge(GREY, modality="PT", site=Limits(0.3, 0.6)).verdict


@pytest.mark.parametrize(("value", "expected"), [(0, "black"), (2, "black"), (3, "good"), (255, "good")])
def test_black_is_checked_before_the_model(value: int, expected: str) -> None:
    """A picture darker than the limit is black whatever the model says; one at the limit is not."""
    verdict = _judge(0.0).judge(np.full((30, 30), value, np.uint8), modality=None)
    assert expected == verdict.verdict
    assert (1.0 if expected == "black" else 0.0) == verdict.score
    assert (("black",) if expected == "black" else ()) == verdict.reasons


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (2, 2), (3, 3, 3), (1, 1, 3)])
def test_tiny_pictures_are_judged(shape: tuple[int, ...]) -> None:
    """A picture of any size gets a verdict."""
    assert "good" == _judge(0.0).judge(np.full(shape, 200, np.uint8), modality="CT").verdict
