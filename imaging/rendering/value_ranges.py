"""Which stored values take part in a picture: segmentations and padding (PS3.3 C.8.20.2, C.7.5.1.1.2)."""

import math
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

from imaging.dataset.described_lut import Range
from imaging.dataset.element_value import element_value, tag_of
from imaging.dataset.newer_uids import LabelMapSegmentationStorage
from imaging.frames.stored_value import stored_value

# The attributes that hold the padding of each kind of pixel data (C.7.6.24, C.7.6.25).
_FLOAT_PADDING: dict[type[np.floating[Any]], tuple[str, str]] = {
    np.float32: ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit"),
    np.float64: ("DoubleFloatPixelPaddingValue", "DoubleFloatPixelPaddingRangeLimit"),
}


def segmentation_range(ds: Dataset) -> Range | None:
    """The range of a segmentation's values, the same in all frames; None for other images.

    A label map is drawn from 0, the background, to its greatest segment number.
    """
    is_label_map = element_value(ds, "SOPClassUID") == LabelMapSegmentationStorage
    kind = element_value(ds, "SegmentationType") or ("LABELMAP" if is_label_map else None)
    if kind == "FRACTIONAL":
        return 0, float(ds.get("MaximumFractionalValue") or 255)
    if kind == "LABELMAP":
        numbers = [_number(item, "SegmentNumber") for item in ds.get("SegmentSequence") or []]
        greatest = max((number for number in numbers if isinstance(number, int)), default=0)
        return 0, greatest if greatest > 0 else stored_value(ds).value_range()[1]
    return (0, 1) if element_value(ds, "BitsStored") == 1 else None


def padding(ds: Dataset) -> tuple[Range, ...]:
    """The least and the greatest stored value of padding pixels, if the data set says one."""
    for dtype, (value, limit) in _FLOAT_PADDING.items():
        ends = _ends(_number(ds, value), _number(ds, limit))
        if ends is not None:
            return (_ordered(*(float(dtype(end)) for end in ends)),)
    ends = _ends(element_value(ds, "PixelPaddingValue"), element_value(ds, "PixelPaddingRangeLimit"))
    if ends is None or not all(isinstance(end, int) for end in ends):
        return ()
    # Many files write signed values with the VR US, and unsigned ones with SS.
    possible = stored_value(ds).value_range()
    return (_ordered(*(_within(end, *possible) for end in ends)),)


def _ordered(one: float, other: float) -> Range:
    return min(one, other), max(one, other)


def _ends(value: Any, limit: Any) -> tuple[Any, Any] | None:
    if not _is_number(value):
        return None
    return value, limit if _is_number(limit) else value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not math.isnan(value)


def _within(value: int, low: int, high: int) -> int:
    """The value of the same 16 bits that the stored values can have."""
    for same in (value, value - 0x10000, value + 0x10000):
        if low <= same <= high:
            return same
    return value


def _number(ds: Dataset, keyword: str) -> Any:
    tag = tag_of(keyword)
    return ds[tag].value if tag in ds else None
