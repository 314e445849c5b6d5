"""RLE Lossless (PS3.5 annex G)."""

from struct import Struct
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

_HEADER = Struct("<16L")  # number of segments, then their offsets


def encode_rle(values: NDArray[Any]) -> bytes:
    """A frame of shape (rows, columns) or (rows, columns, samples); each row is encoded by itself."""
    samples = values if values.ndim == 3 else values[..., None]
    big_endian = samples.astype(samples.dtype.newbyteorder(">"), copy=False)
    planes = np.ascontiguousarray(np.moveaxis(big_endian, 2, 0))
    octets = planes.view(np.uint8).reshape(*planes.shape, planes.dtype.itemsize)
    segments = []
    for plane in octets:
        for index in range(plane.shape[-1]):  # the most significant bytes first (G.2)
            segment = bytes(imagecodecs.packbits_encode(np.ascontiguousarray(plane[..., index])))
            segments.append(segment + b"\0" * (len(segment) % 2))
    if len(segments) >= _HEADER.size // 4:
        raise ValueError("A frame has at most 15 segments (PS3.5 G.5).")
    ends = np.cumsum([_HEADER.size, *map(len, segments)]).tolist()
    offsets = ends[:-1] + [0] * (15 - len(segments))
    return _HEADER.pack(len(segments), *offsets) + b"".join(segments)
