"""The product's reader with its times counted, and runs of the product without any reader."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray

from deidentification.pixels.text.text_detector import Box
from deidentification.pixels.text.text_reader import ReadText, read_boxes
from deidentification.pixels.text_search import search

_AROUND = 8  # pixels around a box that the reader may see


class WatchedReader:
    """Reads boxes as the product does, counts requests, and reads equal boxes of equal pictures once."""

    def __init__(self) -> None:
        self.requests = 0
        self.seconds: list[float] = []  # CPU time of each box that was really read
        self._known: dict[bytes, ReadText] = {}

    def __call__(self, picture: NDArray[np.uint8], boxes: Sequence[Box]) -> list[ReadText]:
        """What stands in every box, in the boxes' order."""
        return [self._read(picture, box) for box in boxes]

    def _read(self, picture: NDArray[np.uint8], box: Box) -> ReadText:
        self.requests += 1
        digest = _digest(picture, box)
        if digest not in self._known:
            start = time.thread_time()
            (self._known[digest],) = read_boxes(picture, [box])
            self.seconds.append(time.thread_time() - start)
        return self._known[digest]

    @contextmanager
    def installed(self) -> Iterator[None]:
        """The product reads with this reader."""
        with patch.object(search, "read_boxes", self):
            yield

    def forget(self) -> None:
        """Forget what was read; the pictures that come now are others."""
        self._known.clear()


@contextmanager
def no_reader_installed() -> Iterator[None]:
    """The product finds no reader, so what the detector finds is held."""
    with patch.object(search, "can_read", lambda: False):
        yield


def _digest(picture: NDArray[np.uint8], box: Box) -> bytes:
    top, left = max(0, box.top - _AROUND), max(0, box.left - _AROUND)
    around = picture[top : box.top + box.height + _AROUND, left : box.left + box.width + _AROUND]
    place = (box.top - top, box.left - left, box.width, box.height, around.shape)
    return blake2b(around.tobytes() + repr(place).encode(), digest_size=16).digest()
