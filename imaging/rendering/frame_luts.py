"""The Modality LUT and VOI LUT attributes that apply to one frame (PS3.3 C.11.1, C.11.2, C.7.6.16)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydicom.dataset import Dataset

from imaging.dataset.element_value import element, element_value, tag_of
from imaging.dataset.number_text import each_value, has_decimal_comma, read_number
from imaging.frames.stored_value import StoredValue

_GROUPS = ("PixelValueTransformationSequence", "FrameVOILUTSequence")
_MODALITY = ("ModalityLUTSequence", "RescaleSlope", "RescaleIntercept", "RescaleType")
_VOI = ("VOILUTSequence", "WindowCenter", "WindowWidth", "VOILUTFunction")
_NUMBERS = frozenset(["RescaleSlope", "RescaleIntercept", "WindowCenter", "WindowWidth"])
_TABLES = frozenset(["ModalityLUTSequence", "VOILUTSequence"])
_SEVERAL = frozenset(["WindowCenter", "WindowWidth"])  # alternative views, of which the first is drawn
FUNCTIONS = frozenset(["LINEAR", "LINEAR_EXACT", "SIGMOID"])
_MAX_REMARKS = 4  # the text of a recipe is short
Source = list[Dataset]  # data sets that together stand at one level
_UNLIKE = object()


@dataclass(frozen=True)
class FrameLuts:
    """Modality LUT and VOI LUT attributes of one frame."""

    ds: Dataset  # of the file
    stored: StoredValue
    attributes: dict[str, Any]  # by keyword: sequences, texts, and finite numbers; none is empty
    remarks: tuple[str, ...] = ()  # on values that were left out or read in spite of their form

    @property
    def is_little_endian(self) -> bool:
        """The byte order of the file's tables."""
        meta = getattr(self.ds, "file_meta", None)
        return meta is None or bool(meta.TransferSyntaxUID.is_little_endian)


def frame_luts(ds: Dataset, stored: StoredValue, index: int) -> FrameLuts:
    """The attributes for the frame `index`, counted from 0.

    The attributes of one module are all of one level, because they mean nothing without one another:
    those of the frame's functional groups, else those of the shared groups, else those of the data
    set (PS3.3 C.7.6.16). So a window of the frame replaces a VOI LUT of the data set. A value that
    is no finite number, or a window of a width that is not allowed, counts as absent.
    """
    remarks: list[str] = []
    levels = [*_functional_groups(ds, index), [ds]]
    attributes: dict[str, Any] = {}
    for level in levels:
        found = _values(level, _MODALITY, remarks)
        if found.keys() - {"RescaleType"}:
            attributes |= found
            break
    for level in levels:
        found = _values(level, _VOI, remarks)
        if "VOILUTSequence" in found or _is_window(found, remarks):
            attributes |= found
            break
    return FrameLuts(ds, stored, attributes, tuple(dict.fromkeys(remarks))[:_MAX_REMARKS])


def _functional_groups(ds: Dataset, index: int) -> Iterator[Source]:
    """The functional group items with LUT attributes: those of the frame, then the shared ones."""
    shared = element_value(ds, "SharedFunctionalGroupsSequence") or []
    per_frame = element_value(ds, "PerFrameFunctionalGroupsSequence") or []
    for group in [*per_frame[index : index + 1], *shared[:1]]:
        yield [item for keyword in _GROUPS for item in group.get(keyword) or []]


def _values(level: Source, keywords: tuple[str, ...], remarks: list[str]) -> dict[str, Any]:
    """The usable values of some attributes at a level."""
    found: dict[str, Any] = {}
    for source in level:
        for keyword in keywords:
            tag = tag_of(keyword)
            if tag not in source.keys():  # noqa: SIM118 `in source` converts the tag again
                continue
            found_element = element(source, tag)
            value = found_element.value
            if found_element.is_empty:
                continue
            if keyword in _NUMBERS:
                value = _number(keyword, value, remarks)
            elif keyword in _TABLES:
                value = _tables(keyword, value, remarks)
            elif keyword == "VOILUTFunction":
                value = _function(value, remarks)
            if value is not None:
                found[keyword] = value
    return found


def _number(keyword: str, value: Any, remarks: list[str]) -> float | None:
    """The number that applies; None if there is none, with a remark."""
    values = each_value(value)
    is_one = keyword in _SEVERAL or len(set(map(str, values))) == 1 or len(set(map(read_number, values))) == 1
    first = values[0] if is_one else _UNLIKE
    number = read_number(first)
    if number is None:
        remarks.append(f"{keyword} is no number")
    elif keyword == "RescaleSlope" and number == 0:
        remarks.append("RescaleSlope is 0")
        return None
    elif has_decimal_comma(first):
        remarks.append(f"{keyword} has a decimal comma")
    return number


def _tables(keyword: str, value: Any, remarks: list[str]) -> Any:
    """The sequence; None if its first item holds nothing of a table."""
    if tag_of("LUTDescriptor") in value[0] or tag_of("LUTData") in value[0]:
        return value
    remarks.append(f"{keyword} has no table")
    return None


def _function(value: Any, remarks: list[str]) -> str:
    function = str(value).strip("\0 ").upper()
    if function not in FUNCTIONS:
        remarks.append("VOILUTFunction is unknown")
        return "LINEAR"
    return function


def _is_window(found: dict[str, Any], remarks: list[str]) -> bool:
    """Whether the values make a window of an allowed width (C.11.2.1.2.1, C.11.2.1.3)."""
    if "WindowCenter" not in found or "WindowWidth" not in found:
        return False
    width = found["WindowWidth"]
    is_allowed = width >= 1 if found.get("VOILUTFunction", "LINEAR") == "LINEAR" else width > 0
    if not is_allowed:
        remarks.append("WindowWidth is too small")
    return bool(is_allowed)
