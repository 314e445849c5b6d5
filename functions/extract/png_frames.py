"""The frames of an image file as PNGs, one decoded frame in memory at a time."""

import hashlib
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from common.dicom.image_file import ImageFile
from common.dicom.picture import Picture, render_frame
from common.errors import PermanentError

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
MOST_BYTES_IN_MEMORY = 8 * 1024 * 1024  # of one file's pictures
_FILTER_UP, _GREY, _RGB = 2, 0, 2


@dataclass(frozen=True)
class PngFrame:
    """One frame's picture, encoded."""

    number: int  # from 1, as DICOM counts frames
    kept: bytes | Path  # the PNG, or the file it was put into
    rows: int
    columns: int
    samples: int  # 1 grey, 3 RGB
    sha256: str  # of the PNG, hex

    def read(self) -> bytes:
        """The PNG."""
        return self.kept.read_bytes() if isinstance(self.kept, Path) else self.kept


def draw_frames(image_file: ImageFile, folder: Path, *, keep: Callable[[], None]) -> list[PngFrame]:
    """Decode, render and encode every frame; `keep` is called before each.

    The first few are kept in memory, for a file costs more than a small picture; the others, so
    that memory stays flat, in `folder`. Raises PermanentError if any frame can't be decoded.
    """
    drawn = []
    in_memory = 0
    for index, frame in enumerate(image_file.frames()):
        keep()
        picture = _rendered(image_file, frame, index)
        body = encode_png(picture)
        kept: bytes | Path = body
        if in_memory + len(body) > MOST_BYTES_IN_MEMORY:
            kept = folder / f"{index + 1}.png"
            kept.write_bytes(body)
        else:
            in_memory += len(body)
        rows, columns, *samples = picture.shape
        sha256 = hashlib.sha256(body).hexdigest()
        drawn.append(PngFrame(index + 1, kept, rows, columns, samples[0] if samples else 1, sha256))
    return drawn


def _rendered(image_file: ImageFile, frame: NDArray[Any], index: int) -> Picture:
    try:
        return render_frame(frame, image_file.ds, index=index)
    except MemoryError:
        raise  # the machine's fault for now, not the file's
    except Exception as error:  # noqa: BLE001 whatever a wrong description of pixels leads to
        raise PermanentError(
            f"The frame can't be drawn ({type(error).__name__}): its photometric interpretation, "
            "look-up tables or windows contradict one another.",
            "Ask for the file to be sent again, then replay it.",
        ) from None


def encode_png(picture: Picture) -> bytes:
    """An 8-bit picture as PNG bytes, of header, pixels and end alone (ISO/IEC 15948).

    Each row is stored as its difference from the row above (filter Up), which suits smooth
    pictures and is one subtraction of the whole; then deflated at isal's level 1.
    """
    rows, columns = picture.shape[:2]
    samples = picture.reshape(rows, -1)
    lines = np.empty((rows, 1 + samples.shape[1]), np.uint8)
    lines[:, 0] = _FILTER_UP
    lines[0, 1:] = samples[0]
    np.subtract(samples[1:], samples[:-1], out=lines[1:, 1:])
    colour = _GREY if picture.ndim == 2 else _RGB
    header = struct.pack(">IIBBBBB", columns, rows, 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", isal_zlib.compress(lines, 1)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    check = isal_zlib.crc32(data, isal_zlib.crc32(name))
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)
