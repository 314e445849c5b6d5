"""Draws the frames of an image file as PNGs, with one decoded frame in memory at a time."""

import struct
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from isal import isal_zlib
from numpy.typing import NDArray

from common.errors import PermanentError
from common.metadata_document import MAX_RECIPE
from functions.extract.output_space import OutputSpace
from functions.extract.prepared_instance import PngFrame
from imaging.frames.image_file import ImageFile
from imaging.options import PictureRules
from imaging.rendering.picture_recipe import Drawing, PictureRecipe

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FILTER_UP, _GREY, _RGB = 2, 0, 2


class Look(Protocol):
    """Looks at a frame before its PNG is made."""

    def __call__(self, number: int, picture: NDArray[Any], frame: NDArray[Any]) -> None:
        """Look at a frame's picture and its decoded values; frames are numbered from 1."""


def draw_frames(
    image_file: ImageFile,
    space: OutputSpace,
    *,
    rules: PictureRules,
    heartbeat: Callable[[], None],
    look: Look | None = None,
) -> list[PngFrame]:
    """Decode, draw and encode every frame; `heartbeat` is called before each.

    Raises PermanentError if any frame can't be decoded or drawn.
    """
    recipe = PictureRecipe(image_file.ds, rules)
    blanking = "" if image_file.blanking is None else f"; {image_file.blanking.description}"
    drawn = []
    for index, frame in enumerate(image_file.frames()):
        heartbeat()
        drawing = _draw(recipe, frame, index)
        if look is not None:
            look(index + 1, drawing.picture, frame)
        body = encode_png(drawing.picture)
        rows, columns, *samples = drawing.picture.shape
        drawn.append(
            PngFrame(
                number=index + 1,
                png=space.add(body),
                rows=rows,
                columns=columns,
                samples=samples[0] if samples else 1,
                bits=8 * drawing.picture.dtype.itemsize,
                recipe=(drawing.recipe + blanking)[:MAX_RECIPE],
            )
        )
    return drawn


def _draw(recipe: PictureRecipe, frame: NDArray[Any], index: int) -> Drawing:
    try:
        return recipe.draw(frame, index=index)
    except (PermanentError, MemoryError):
        raise  # with its own cause; that of the latter is the memory limit
    except Exception as error:  # noqa: BLE001 a wrong description of pixels may raise anything
        raise PermanentError(
            f"The frame can't be drawn ({type(error).__name__}): its photometric interpretation, "
            "look-up tables or windows contradict one another.",
            "Ask for the file to be sent again, then replay it.",
        ) from None


def encode_png(picture: NDArray[Any]) -> bytes:
    """An 8- or 16-bit picture as PNG bytes with only the chunks IHDR, IDAT and IEND (ISO/IEC 15948).

    Each row is stored as its difference from the row above (filter Up): this suits smooth pictures
    and is one subtraction for the complete array. Then it is deflated at isal's level 1.
    """
    rows, columns = picture.shape[:2]
    bits = 8 * picture.dtype.itemsize
    ordered = np.ascontiguousarray(picture.astype(f">u{picture.dtype.itemsize}", copy=False))
    samples = ordered.reshape(rows, -1).view(np.uint8)
    lines = np.empty((rows, 1 + samples.shape[1]), np.uint8)
    lines[:, 0] = _FILTER_UP
    lines[0, 1:] = samples[0]
    np.subtract(samples[1:], samples[:-1], out=lines[1:, 1:])
    colour = _GREY if picture.ndim == 2 else _RGB
    header = struct.pack(">IIBBBBB", columns, rows, bits, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", isal_zlib.compress(lines, 1)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    check = isal_zlib.crc32(data, isal_zlib.crc32(name))
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", check)
