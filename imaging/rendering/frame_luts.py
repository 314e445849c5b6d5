"""The Modality LUT and VOI LUT attributes that apply to one frame (PS3.3 C.11.1, C.11.2, C.7.6.16)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydicom.dataset import Dataset
from pydicom.tag import Tag

from imaging.dataset.element_value import element_value
from imaging.frames.stored_value import StoredValue

_GROUPS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
_TAGS = {
    keyword: Tag(keyword)
    for keyword in """ModalityLUTSequence RescaleSlope RescaleIntercept VOILUTSequence VOILUTFunction
    WindowCenter WindowWidth""".split()
}
_TABLES = ("ModalityLUTSequence", "VOILUTSequence")


@dataclass(frozen=True)
class FrameLuts:
    """Modality LUT and VOI LUT attributes of one frame."""

    ds: Dataset  # of the file
    stored: StoredValue
    attributes: dict[str, Any]  # by keyword; none is empty

    @cached_property
    def tables(self) -> Dataset:
        """The LUT sequences as the functions of `pydicom.pixels` take them."""
        tables = Dataset()
        for keyword in _TABLES:
            if keyword in self.attributes:
                setattr(tables, keyword, self.attributes[keyword])
        if hasattr(self.ds, "file_meta"):
            tables.file_meta = self.ds.file_meta  # pydicom takes the byte order of OW tables from it
        tables.PixelRepresentation = int(self.stored.is_signed)
        tables.BitsStored = self.stored.bits_stored
        return tables


def frame_luts(ds: Dataset, stored: StoredValue, index: int) -> FrameLuts:
    """The attributes for the frame `index`, counted from 0.

    An attribute in a functional group replaces the one in the data set (PS3.3 C.7.6.16).
    """
    attributes: dict[str, Any] = {}
    for source in (ds, *_functional_groups(ds, index)):
        for keyword, tag in _TAGS.items():
            if tag in source:
                value = source[tag].value
                if value not in (None, ""):
                    attributes[keyword] = value
    return FrameLuts(ds, stored, attributes)


def _functional_groups(ds: Dataset, index: int) -> Iterator[Dataset]:
    """The functional group items with LUT attributes: the shared ones, then those of the frame."""
    shared = element_value(ds, "SharedFunctionalGroupsSequence") or []
    per_frame = element_value(ds, "PerFrameFunctionalGroupsSequence") or []
    for group in [*shared[:1], *per_frame[index : index + 1]]:
        for keyword in _GROUPS:
            yield from group.get(keyword) or []
