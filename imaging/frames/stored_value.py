"""Grey values as they lie in their allocated bits (PS3.5 section 8.1.1)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes

from imaging.dataset.element_value import element_value

# Their streams say the precision and sign themselves, by which pydicom reads the values.
_SELF_DESCRIBED = frozenset([*JPEG2000TransferSyntaxes, *JPEGLSTransferSyntaxes])


@dataclass(frozen=True)
class StoredValue:
    """Which of the allocated bits hold a value; those around it may hold anything."""

    stored: int  # bits
    high: int  # position of the highest of them, from 0
    signed: bool

    def bits(self, frame: NDArray[Any]) -> NDArray[Any]:
        """The allocated bits as unsigned integers in native byte order; a view where that can be."""
        native = frame.astype(frame.dtype.newbyteorder("="), copy=False)
        return native.view(f"u{native.dtype.itemsize}")

    def values(self, frame: NDArray[Any]) -> NDArray[Any]:
        """The values alone, of the frame's size of integer, signed if they are."""
        return self._of_bits(self.bits(frame))

    def every_value(self, itemsize: int) -> NDArray[Any]:
        """The value that each pattern of the bits stands for, in the patterns' order."""
        return self._of_bits(np.arange(1 << 8 * itemsize, dtype=f"u{itemsize}"))

    def extent(self) -> tuple[int, int]:
        """The least and the greatest value there can be."""
        if self.signed:
            return -(1 << (self.stored - 1)), (1 << (self.stored - 1)) - 1
        return 0, (1 << self.stored) - 1

    def _of_bits(self, bits: NDArray[Any]) -> NDArray[Any]:
        allocated = bits.dtype.itemsize * 8
        kind = f"{'i' if self.signed else 'u'}{bits.dtype.itemsize}"
        high = min(self.high, allocated - 1)
        above, below = allocated - 1 - high, max(high + 1 - self.stored, 0)
        if above + below == 0:
            return bits.view(kind)
        return (bits << above).view(kind) >> (above + below)


def stored_value(ds: Dataset) -> StoredValue:
    """How the data set's decoded values lie in their bits.

    Of JPEG-LS and JPEG 2000 the decoder gives the values alone already, in all bits.
    """
    signed = bool(int(element_value(ds, "PixelRepresentation") or 0))
    allocated = max(int(element_value(ds, "BitsAllocated") or 16), 8)
    stored = int(element_value(ds, "BitsStored") or allocated)
    if is_self_described(ds):
        return StoredValue(allocated, allocated - 1, signed)
    high = int(element_value(ds, "HighBit") or stored - 1)
    if not 0 < stored <= high + 1 <= allocated:
        high = stored - 1
    return StoredValue(stored, high, signed)


def is_self_described(ds: Dataset) -> bool:
    """Whether the code stream says the precision and the sign."""
    meta = getattr(ds, "file_meta", None)
    return meta is not None and meta.get("TransferSyntaxUID") in _SELF_DESCRIBED
