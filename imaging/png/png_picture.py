"""A PNG as a picture to be judged or shown: untrusted bytes to greys or colours."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from common.errors import PermanentError
from imaging.png.png_stream import decode_own
from imaging.rendering.voi_lut import Picture, stretched

# Our own limit is asked before anything is decoded; Pillow's would refuse what ours allows.
Image.MAX_IMAGE_PIXELS = None
_NEXT = "Only extract writes into image buckets; replay its instance if the image is one of its own."


def decode_png(body: bytes, *, max_pixels: int) -> Picture:
    """PNG bytes as uint8 of shape (rows, columns) or (rows, columns, 3).

    Raises PermanentError for anything else, before more than `max_pixels` are decoded.
    """
    own = decode_own(body, max_pixels=max_pixels)
    if own is not None:
        return own if own.dtype == np.uint8 else _shown(own.astype(np.uint16))
    try:
        with Image.open(io.BytesIO(body), formats=["PNG"]) as image:
            if image.width * image.height > max_pixels:
                raise PermanentError(
                    f"The image has {image.height} x {image.width} pixels, over "
                    f"DCM2SET_MAX_PIXELS_PER_FRAME ({max_pixels}).",
                    _NEXT,
                )
            if image.mode.startswith("I"):
                return _shown(np.asarray(image))
            grey_or_colour = image if image.mode in {"L", "RGB"} else image.convert("RGB")
            return np.asarray(grey_or_colour)
    except (OSError, SyntaxError, ValueError) as error:
        raise PermanentError(f"The object is no readable PNG ({type(error).__name__}).", _NEXT) from None


def _shown(values: NDArray[Any]) -> Picture:
    """Modality values of 16 bits as a person would look at them: all but 1 % of them from black to white."""
    low, high = np.percentile(values, (0.5, 99.5))
    return stretched(values, float(low), float(high))
