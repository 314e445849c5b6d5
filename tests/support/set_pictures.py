"""Small pictures that show their labels, with objects and rows, for tests of training sets."""

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
    """Return a unique smooth picture with a bright spot for each label of the image, uint8 (64, 64)."""
    random = np.random.default_rng([image.patient, image.number, image.frame])
    coarse = random.uniform(40, 160, (8, 8))
    picture = np.kron(coarse, np.ones((8, 8)))
    for label, (row, column) in SPOTS.items():
        if image.labels.get(label, 0) >= 0.5:
            picture[row - 6 : row + 6, column - 6 : column + 6] = 250
    return picture.astype(np.uint8)


def with_picture(image: SetImage, picture: Picture) -> tuple[SetImage, bytes]:
    """Return the image's row and file with that picture."""
    body = encode_png(picture)
    digest = hashlib.sha256(body).hexdigest()
    return replace(image, sha256=digest, picture_hash=picture_hash(picture)), body


def put_pictures(store: ObjectStore, images: Iterable[SetImage], bucket: str) -> list[SetImage]:
    """Store each image's picture; return the images with digest and hash of their files."""
    return list(_put(store, images, bucket))


def _put(store: ObjectStore, images: Iterable[SetImage], bucket: str) -> Iterator[SetImage]:
    for image in images:
        known, body = with_picture(replace(image, bucket=bucket), picture_of(image))
        store.put(known.location, body, content_type="image/png")
        yield known


def labelled_patients(first: int, number: int, *, seed: int = 0) -> list[SetImage]:
    """Return `number` patients with one to three images each and random labels."""
    random = np.random.default_rng(seed)
    shares = {"Effusion": 0.4, "Cardiomegaly": 0.25, "Nodule": 0.1}
    images = []
    for patient in range(first, first + number):
        labels = {name: float(random.random() < share) for name, share in shares.items()}
        images += [
            SetImage(patient, number=each, labels=labels) for each in range(1, 1 + int(random.integers(1, 4)))
        ]
    return images
