"""The perceptual hash: near for copies, far for other pictures, None for uniform pictures."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom.data import get_testdata_file

from functions.quality.picture_hash import picture_hash
from model.training.sources.corpus import picture_of_dicom

RADIUS = 24


def real(name: str) -> np.ndarray:
    return picture_of_dicom(Path(str(get_testdata_file(name, download=False))))


def distance(one: bytes | None, other: bytes | None) -> int:
    assert one is not None
    assert other is not None
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def resized(picture: np.ndarray, factor: float) -> np.ndarray:
    size = (int(picture.shape[1] * factor), int(picture.shape[0] * factor))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))


COPIES = {
    "JPEG 90": lambda picture: jpeg(picture, 90),
    "JPEG 50": lambda picture: jpeg(picture, 50),
    "half the size": lambda picture: resized(picture, 0.5),
    "larger": lambda picture: resized(picture, 1.3),
    "a wider window": lambda picture: (picture * 0.9 + 12).astype(np.uint8),
    "a narrower window": lambda picture: np.clip(picture * 1.1 - 10, 0, 255).astype(np.uint8),
    "gamma": lambda picture: (255 * (picture / 255) ** 1.15).astype(np.uint8),
    "as colours": lambda picture: np.stack([picture] * 3, axis=-1),
}


@pytest.mark.parametrize("kind", sorted(COPIES))
@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "RG1_UNCR.dcm", "RG3_UNCR.dcm"])
def test_copies_are_near(name: str, kind: str) -> None:
    """The hash of a copy that was encoded, resized or windowed again is within the radius."""
    picture = real(name)
    assert distance(picture_hash(picture), picture_hash(COPIES[kind](picture))) <= RADIUS


def test_different_pictures_are_far() -> None:
    """The hashes of different patients are far apart, also for the same kind of picture."""
    hashes = [
        picture_hash(real(name)) for name in ("CT_small.dcm", "MR_small.dcm", "RG1_UNCR.dcm", "RG3_UNCR.dcm")
    ]
    pairs = [(a, b) for index, a in enumerate(hashes) for b in hashes[index + 1 :]]
    assert min(distance(a, b) for a, b in pairs) > 2 * RADIUS


@pytest.mark.parametrize("value", [0, 7, 128, 255])
def test_a_nearly_uniform_picture_has_no_hash(value: int) -> None:
    """A uniform picture with a little noise has no hash: it would be the hash of the noise."""
    noise = np.random.default_rng(0).integers(0, 3, (90, 70))
    assert picture_hash(np.clip(value + noise, 0, 255).astype(np.uint8)) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (3, 2, 3), (5000, 30), (63, 65)])
def test_any_shape_is_accepted(shape: tuple[int, ...]) -> None:
    """Tiny, narrow and large pictures have a hash of 32 bytes or None."""
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    found = picture_hash(picture)
    assert found is None or len(found) == 32
