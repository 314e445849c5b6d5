"""The regions of an ultrasound picture that show tissue, flow, traces and scales (PS3.3 C.8.5.5)."""

from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.uid import UID

from imaging.frames.blanking import Blanking, Rectangle

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
_GRAPHICS = 5  # of C.8.5.5.1.1: what it shows may be text
_DATA_TYPES = range(0x1, 0x13)  # of C.8.5.5.1.2; 0 may be anything


class UnusableRegionsError(Exception):
    """Regions are declared, but what is outside them can't be told; the text says why."""


def outside_regions(ds: Dataset) -> Blanking | None:
    """All outside an ultrasound picture's regions; None for any other object, or one without regions.

    Raises UnusableRegionsError where blanking by them would prove nothing.
    """
    if UID(str(ds.get("SOPClassUID", ""))) not in _ULTRASOUND or not ds.get("SequenceOfUltrasoundRegions"):
        return None
    rows, columns = int(ds.Rows), int(ds.Columns)
    kept = tuple(_rectangles(ds, rows, columns))
    if not kept:
        raise UnusableRegionsError("none of its ultrasound regions is known to hold no text")
    blanking = Blanking(f"blanked outside {len(kept)} ultrasound region(s)", kept, keeps=True)
    if not blanking.mask(rows, columns).any():
        raise UnusableRegionsError("its ultrasound regions cover the whole picture")
    return blanking


def _rectangles(ds: Dataset, rows: int, columns: int) -> Iterator[Rectangle]:
    for region in ds.SequenceOfUltrasoundRegions:
        corners = [region.get(keyword) for keyword in _CORNERS]
        if not all(isinstance(corner, int) for corner in corners):
            raise UnusableRegionsError("an ultrasound region has no place")
        left, top, right, bottom = corners
        # One pixel too far is common; further, and the picture was cut or scaled since.
        if not (0 <= left <= right <= columns and 0 <= top <= bottom <= rows):
            raise UnusableRegionsError("an ultrasound region does not lie within the picture")
        if region.get("RegionDataType") in _DATA_TYPES and region.get("RegionSpatialFormat") != _GRAPHICS:
            yield Rectangle(left, top, min(right, columns - 1) - left + 1, min(bottom, rows - 1) - top + 1)
