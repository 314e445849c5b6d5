"""Blanking outside the regions of an ultrasound picture (PS3.3 C.8.5.5)."""

from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.uid import UID

from imaging.frames.blanking import Blanking
from imaging.options import Rectangle

_ULTRASOUND = frozenset(
    [
        "1.2.840.10008.5.1.4.1.1.3",  # multi-frame, retired
        "1.2.840.10008.5.1.4.1.1.3.1",
        "1.2.840.10008.5.1.4.1.1.6",  # retired
        "1.2.840.10008.5.1.4.1.1.6.1",
    ]
)
_CORNERS = (
    "RegionLocationMinX0",
    "RegionLocationMinY0",
    "RegionLocationMaxX1",
    "RegionLocationMaxY1",
)
_GRAPHICS = 5  # Region Spatial Format (C.8.5.5.1.1): such a region may show text
_DATA_TYPES = range(0x1, 0x13)  # Region Data Type (C.8.5.5.1.2): tissue, flow, traces; 0 may be anything


class UnusableRegionsError(Exception):
    """The file's regions can't be used for blanking; the message says why."""


def blanking_outside_regions(ds: Dataset) -> Blanking | None:
    """The blanking of everything outside the regions of an ultrasound picture.

    None for any other object, and for one without regions. Raises UnusableRegionsError if blanking
    outside the regions would not remove text reliably.
    """
    if UID(str(ds.get("SOPClassUID", ""))) not in _ULTRASOUND or not ds.get("SequenceOfUltrasoundRegions"):
        return None
    rows, columns = int(ds.Rows), int(ds.Columns)
    regions = tuple(_rectangles(ds, rows, columns))
    if not regions:
        raise UnusableRegionsError("each of its ultrasound regions may show text")
    blanking = Blanking(f"blanked outside {len(regions)} ultrasound region(s)", regions, is_outside=True)
    if not blanking.mask(rows, columns).any():
        raise UnusableRegionsError("its ultrasound regions cover the whole picture")
    return blanking


def _rectangles(ds: Dataset, rows: int, columns: int) -> Iterator[Rectangle]:
    """The regions that show no graphics."""
    for region in ds.SequenceOfUltrasoundRegions:
        corners = [region.get(keyword) for keyword in _CORNERS]
        if not all(isinstance(corner, int) for corner in corners):
            raise UnusableRegionsError("an ultrasound region has no coordinates")
        left, top, right, bottom = corners
        # One pixel beyond the edge is common. With more, the picture was probably cropped or scaled.
        if not (0 <= left <= right <= columns and 0 <= top <= bottom <= rows):
            raise UnusableRegionsError("an ultrasound region does not lie within the picture")
        if region.get("RegionDataType") in _DATA_TYPES and region.get("RegionSpatialFormat") != _GRAPHICS:
            yield Rectangle(left, top, min(right, columns - 1) - left + 1, min(bottom, rows - 1) - top + 1)
