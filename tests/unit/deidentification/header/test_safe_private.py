"""Private elements that may stay: numbers, by what vendors say they are."""

import re

import pytest
from pydicom._private_dict import private_dictionaries

from deidentification.header.safe_private import NUMERIC_VRS, SAFE_PRIVATE
from tests.support.factories import make_dataset
from tests.unit.deidentification.header.cleaned import cleaned

_KNOWN = {
    (creator.upper(), tag): entry
    for creator, elements in private_dictionaries.items()
    for tag, entry in elements.items()
}
_TELLING = re.compile(r"date|datetime|time of|name|\bid\b|patient|serial|description", re.IGNORECASE)


def test_every_element_is_a_number_by_the_private_dictionary() -> None:
    """The private dictionary of pydicom knows each element, with a VR of numbers and no telling name."""
    for creator, group, element in SAFE_PRIVATE:
        entry = _KNOWN.get((creator, f"{group:04X}xx{element:02X}"))
        assert entry is not None, (creator, group, element)
        assert entry[0] in NUMERIC_VRS, entry
        assert _TELLING.search(entry[2]) is None, entry


@pytest.mark.parametrize(
    ("creator", "group", "element"),
    [
        ("GEMS_PETD_01", 0x0009, 0x0D),  # date and time of the scan
        ("SIEMENS MED NM", 0x0031, 0x01),  # name of the camera
        ("HOLOGIC", 0x0011, 0x11),  # not known; its neighbour is a questionnaire
        ("GEMS_ACQU_01", 0x0019, 0x9E),  # name of the pulse sequence
    ],
)
def test_elements_of_text_and_dates_are_removed(creator: str, group: int, element: int) -> None:
    """An element that a vendor uses for text, a name or a date is removed, also if it has a number."""
    ds = make_dataset(name="MR_small.dcm")
    ds.private_block(group, creator, create=True).add_new(element, "DS", "20190823")
    assert [] == [kept for kept in cleaned(ds) if kept.tag.is_private]


def test_a_date_in_a_safe_element_is_removed() -> None:
    """A number that is a date of the file is removed, also from a private element that is safe."""
    ds = make_dataset(name="MR_small.dcm", StudyDate="20190823")
    ds.private_block(0x0019, "GEMS_ACQU_01", create=True).add_new(0x24, "DS", "20190823")
    assert [] == [kept for kept in cleaned(ds) if kept.tag.is_private]
