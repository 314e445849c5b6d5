"""Fast access to data set elements by tag: a third of the time of access by keyword."""

from functools import lru_cache
from typing import Any

from pydicom.datadict import dictionary_has_tag, dictionary_VR
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag
from pydicom.values import convert_value

TAGS = {
    keyword: Tag(keyword)
    for keyword in """SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality
    SamplesPerPixel PhotometricInterpretation NumberOfFrames Rows Columns BitsAllocated BitsStored
    HighBit PixelRepresentation PlanarConfiguration PixelPaddingValue PixelPaddingRangeLimit
    PresentationLUTShape PixelPresentation SegmentationType SharedFunctionalGroupsSequence
    PerFrameFunctionalGroupsSequence""".split()
}
_CHARACTER_SETS = 0x00080005
# Values of these VRs are decoded without other elements of the data set.
_INDEPENDENT_VRS = frozenset("AE AS CS DA DS DT FD FL IS LO LT SH SL SS ST TM UC UI UL US UT".split())


def element_value(ds: Dataset, keyword: str) -> Any:
    """The value of one of `TAGS`, or None if the data set has no such element."""
    tag: BaseTag = TAGS[keyword]
    return element(ds, tag).value if tag in ds._dict else None  # noqa: SLF001 `in ds` would convert the tag again


def element(ds: Dataset, tag: BaseTag) -> DataElement:
    """The same as `ds[tag]`, in half the time."""
    raw = ds._dict[tag]  # noqa: SLF001
    if not isinstance(raw, RawDataElement):
        return raw
    number = int(tag)
    known = known_vr(number)
    vr = raw.VR or known
    if vr not in _INDEPENDENT_VRS or vr != known or number == _CHARACTER_SETS or raw.value is None:
        return ds[tag]
    character_sets = ds.original_character_set or ds._character_set  # noqa: SLF001
    value = convert_value(vr, raw, character_sets)
    decoded = DataElement(tag, vr, value, raw.value_tell, already_converted=True)
    ds._dict[tag] = decoded  # noqa: SLF001
    return decoded


@lru_cache(maxsize=1000)
def tag_of(keyword: str) -> BaseTag:
    """The tag of a keyword; pydicom makes a new one at each access by keyword."""
    return Tag(keyword)


@lru_cache(maxsize=10_000)
def known_vr(tag: int) -> str:
    """The VR in the data dictionary, such as 'US or SS'; UN if the tag isn't in it."""
    return dictionary_VR(tag) if dictionary_has_tag(tag) else "UN"
