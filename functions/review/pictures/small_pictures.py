"""Small pictures of de-identified images, made from their PNGs; the last ones are kept in memory."""

import io
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, Semaphore

SIDE = 256  # longest side, in pixels
_MOST_BYTES = 32 * 1024 * 1024  # of small pictures in memory
_AT_A_TIME = 2  # PNGs that are decoded, because each may have 50 million pixels

Key = tuple[str, int, str]  # UID, frame, and ETag of the image


@dataclass
class SmallPictures:
    """Makes small pictures; safe to share between threads."""

    max_pixels: int  # of an image that is decoded
    _made: "OrderedDict[Key, bytes]" = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: Lock = field(default_factory=Lock)
    _decoding: Semaphore = field(default_factory=lambda: Semaphore(_AT_A_TIME))

    def of(self, key: Key, read: Callable[[], bytes]) -> bytes:
        """The small picture of an image as PNG; `read` gives the image if it is not known.

        Raises PermanentError if the image is no readable PNG.
        """
        if (known := self._known(key)) is not None:
            return known
        with self._decoding:
            if (known := self._known(key)) is not None:  # another request has made it meanwhile
                return known
            made = self._small(read())
        self._keep(key, made)
        return made

    def _small(self, body: bytes) -> bytes:
        from PIL import Image

        from imaging.png.png_picture import decode_png

        image = Image.fromarray(decode_png(body, max_pixels=self.max_pixels))
        image.thumbnail((SIDE, SIDE), reducing_gap=2)
        buffer = io.BytesIO()
        image.save(buffer, "PNG", compress_level=1)
        return buffer.getvalue()

    def _known(self, key: Key) -> bytes | None:
        with self._lock:
            if key in self._made:
                self._made.move_to_end(key)
            return self._made.get(key)

    def _keep(self, key: Key, made: bytes) -> None:
        """Keep a picture; those that were used longest ago are forgotten for it."""
        with self._lock:
            self._bytes += len(made) - len(self._made.pop(key, b""))
            self._made[key] = made
            while self._bytes > _MOST_BYTES:
                self._bytes -= len(self._made.popitem(last=False)[1])
