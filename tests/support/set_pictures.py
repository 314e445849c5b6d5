"""Small pictures that show their labels, as objects with their rows, for training sets."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from common.store.object_store import ObjectStore
from functions.extract.png_frames import encode_png
from functions.quality.picture_hash import picture_hash
from model.features.picture_views import Picture
from tests.support.set_rows import SetImage

SPOTS = {"Effusion": (44, 12), "Cardiomegaly": (36, 36), "Nodule": (14, 44)}


def picture_of(image: SetImage) -> Picture:
    """A smooth picture of the image's own with a bright spot for each of its labels, uint8 (64, 64)."""
    random = np.random.default_rng([image.patient, image.number, image.frame])
    coarse = random.uniform(40, 160, (8, 8))
    picture = np.kron(coarse, np.ones((8, 8)))
    for label, (row, column) in SPOTS.items():
        if image.labels.get(label, 0) >= 0.5:
            picture[row - 6 : row + 6, column - 6 : column + 6] = 250
    return picture.astype(np.uint8)


def with_picture(image: SetImage, picture: Picture) -> tuple[SetImage, bytes]:
    """The image's row and file with that picture."""
    body = encode_png(picture)
    digest = hashlib.sha256(body).hexdigest()
    return replace(image, sha256=digest, picture_hash=picture_hash(picture)), body


def put_pictures(store: ObjectStore, images: Iterable[SetImage], bucket: str) -> list[SetImage]:
    """Write each image's own picture; the images with what is known of their files."""
    return list(_put(store, images, bucket))


def _put(store: ObjectStore, images: Iterable[SetImage], bucket: str) -> Iterator[SetImage]:
    for image in images:
        known, body = with_picture(replace(image, bucket=bucket), picture_of(image))
        store.put(known.place, body, content_type="image/png")
        yield known


def labelled_patients(first: int, number: int, *, seed: int = 0) -> list[SetImage]:
    """So many patients with one to three images each and labels at random."""
    random = np.random.default_rng(seed)
    shares = {"Effusion": 0.4, "Cardiomegaly": 0.25, "Nodule": 0.1}
    found = []
    for patient in range(first, first + number):
        said = {name: float(random.random() < share) for name, share in shares.items()}
        found += [
            SetImage(patient, number=each, labels=said) for each in range(1, 1 + int(random.integers(1, 4)))
        ]
    return found
