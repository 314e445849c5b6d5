"""Pixels with nothing but their stored bits (PS3.5 8.1.1).

The other allocated bits may hold an overlay with text (retired, PS3.5 8.1.2).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from imaging.frames.stored_value import stored_value


def stored_frame(frame: NDArray[Any], ds: Dataset) -> NDArray[Any]:
    """The stored values of a decoded frame, in integers of the allocated bits and of the same shape.

    `frame` is an array as `ImageFile.frames` yields it. Bit 0 is the lowest stored bit, whatever HighBit is.
    """
    stored, size = int(ds.BitsStored), max(int(ds.BitsAllocated) // 8, 1)
    if frame.ndim == 2:
        values = stored_value(ds).values(frame)
    else:
        values = frame & ((1 << stored) - 1) if 0 < stored < 8 * frame.dtype.itemsize else frame
    return values.astype(f"<{values.dtype.kind}{size}", copy=False)


def without_unused_bits(pixels: bytes, ds: Dataset, *, dtype: str) -> bytes:
    """Native grey or colour pixels: unused bits are cleared, or those above extend the sign.

    `dtype` is that of the allocated bits: unsigned and with byte order.
    """
    stored = stored_value(ds)
    unsigned = np.dtype(dtype).newbyteorder("=")
    values = np.frombuffer(pixels, dtype).astype(unsigned)  # a copy, which is changed in place
    allocated = 8 * unsigned.itemsize
    high = min(stored.high_bit, allocated - 1)
    above, below = allocated - 1 - high, max(high + 1 - stored.bits_stored, 0)
    if stored.is_signed:
        values <<= above
        signed = values.view(unsigned.str.replace("u", "i"))
        signed >>= above + below
        values <<= below
    else:
        values &= (1 << (high + 1)) - (1 << below)
    return values.astype(dtype, copy=False).tobytes()
