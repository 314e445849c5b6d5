"""Untrusted PNG bytes to an 8-bit picture for the quality model or for display."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.errors import PermanentError
from imaging.png.png_stream import decode_own_png
from imaging.rendering.grey_levels import Picture, stretched

# `max_pixels` is checked before anything is decoded; Pillow's limit is lower than ours may be.
Image.MAX_IMAGE_PIXELS = None
_NEXT = "Only extract may write into image buckets. If extract wrote the image, replay its instance."


def decode_png(body: bytes, *, max_pixels: int) -> Picture:
    """PNG bytes as uint8 of shape (rows, columns) or (rows, columns, 3).

    Raises PermanentError for anything else, before more than `max_pixels` are decoded.
    """
    own = decode_own_png(body, max_pixels=max_pixels)
    if own is not None:
        return own if own.dtype == np.uint8 else _to_8_bit(own.astype(np.uint16))
    try:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as image:
            if image.width * image.height > max_pixels:
                raise PermanentError(
                    f"The image has {image.height} x {image.width} pixels, more than "
                    f"DCM2SET_MAX_PIXELS_PER_FRAME ({max_pixels}).",
                    _NEXT,
                )
            if image.mode.startswith("I"):
                return _to_8_bit(np.asarray(image))
            grey_or_colour = image if image.mode in {"L", "RGB"} else image.convert("RGB")
            return np.asarray(grey_or_colour)
    except (OSError, SyntaxError, ValueError) as error:
        raise PermanentError(f"The object is not a readable PNG ({type(error).__name__}).", _NEXT) from None


def _to_8_bit(values: NDArray[Any]) -> Picture:
    """16-bit modality values stretched to 8 bits; 0.5 % at either end is clipped to black and white."""
    low, high = np.percentile(values, (0.5, 99.5))
    return stretched(values, float(low), float(high))
