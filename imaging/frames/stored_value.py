"""Grey values and the allocated bits that hold them (PS3.5 section 8.1.1)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import JPEG2000TransferSyntaxes, JPEGLSTransferSyntaxes

from imaging.dataset.element_value import element_value

# Their code streams state the precision and the sign, and pydicom decodes the values by these.
_SELF_DESCRIBED = frozenset([*JPEG2000TransferSyntaxes, *JPEGLSTransferSyntaxes])


@dataclass(frozen=True)
class StoredValue:
    """Which of the allocated bits hold a value. The other bits may hold anything."""

    bits_stored: int
    high_bit: int  # position of the highest stored bit, from 0
    is_signed: bool

    def bits(self, frame: NDArray[Any]) -> NDArray[Any]:
        """The allocated bits as unsigned integers in native byte order; a view where possible."""
        native = frame.astype(frame.dtype.newbyteorder("="), copy=False)
        return native.view(f"u{native.dtype.itemsize}")

    def values(self, frame: NDArray[Any]) -> NDArray[Any]:
        """The stored values of a frame, in integers of the frame's size, signed if the values are."""
        return self._values_of_bits(self.bits(frame))

    def every_value(self, itemsize: int) -> NDArray[Any]:
        """The value of each bit pattern of `itemsize` bytes, from pattern 0 up."""
        return self._values_of_bits(np.arange(1 << 8 * itemsize, dtype=f"u{itemsize}"))

    def value_range(self) -> tuple[int, int]:
        """The least and the greatest value that the stored bits can hold."""
        if self.is_signed:
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1

    def _values_of_bits(self, bits: NDArray[Any]) -> NDArray[Any]:
        allocated = bits.dtype.itemsize * 8
        kind = f"{'i' if self.is_signed else 'u'}{bits.dtype.itemsize}"
        high = min(self.high_bit, allocated - 1)
        above, below = allocated - 1 - high, max(high + 1 - self.bits_stored, 0)
        if above + below == 0:
            return bits.view(kind)
        return (bits << above).view(kind) >> (above + below)


def stored_value(ds: Dataset) -> StoredValue:
    """Where the decoded frames of a data set hold their values.

    HighBit says it, also of compressed frames: a code stream of more bits than BitsStored may hold
    an overlay in the others (PS3.5 8.1.2). A HighBit that is missing, or that no pixel can have,
    counts as BitsStored - 1, the only place that the standard allows since 2013 (PS3.5 8.1.1).
    """
    is_signed = element_value(ds, "PixelRepresentation") == 1 and element_value(ds, "SamplesPerPixel") != 3
    allocated = max(_integer(ds, "BitsAllocated") or 16, 8)
    stored = min(_integer(ds, "BitsStored") or allocated, allocated)
    high = _integer(ds, "HighBit")
    if high is None or not stored <= high + 1 <= allocated:
        high = stored - 1
    return StoredValue(stored, high, is_signed)


def _integer(ds: Dataset, keyword: str) -> int | None:
    value = element_value(ds, keyword)
    return value if isinstance(value, int) and value >= 0 else None


def is_self_described(ds: Dataset) -> bool:
    """Whether the code stream states the precision and the sign of its values."""
    meta = getattr(ds, "file_meta", None)
    return meta is not None and meta.get("TransferSyntaxUID") in _SELF_DESCRIBED
