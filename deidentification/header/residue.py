"""The last check before anything is written: no identifying word is left in the output (PS3.15 E.1.1)."""

from collections.abc import Iterable
from typing import cast

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from common.errors import PermanentError
from deidentification.header import terms
from deidentification.header.safe_private import SAFE_PRIVATE
from deidentification.identity import Identity
from deidentification.normal_form import values_of
from deidentification.pseudonym import is_registered

_FEWEST_DIGITS = 5
_NUMBER_VRS = frozenset(["DS", "IS"])
# Words of two letters are not looked for where only words of closed lists and codes stay.
_CLOSED_KEYWORDS = frozenset(terms.TERMS) | frozenset(
    """Manufacturer ManufacturerModelName SecondaryCaptureDeviceManufacturerModelName ConvolutionKernel
    FilterType ReconstructionMethod CodeValue""".split()
)
_CREATORS = frozenset(creator for creator, _, _ in SAFE_PRIVATE)
# Values of these have a fixed form and are made by rule: a shifted date may equal a birth date by chance.
_EXEMPT_VRS = frozenset(["DA", "DT", "TM", "AS", "AT", "FD", "FL", "US", "SS", "UL", "SL", "OB", "OW", "OF"])


def check_residue(ds: Dataset, identity: Identity) -> None:
    """Raise PermanentError if a string in a de-identified data set has a word or number of the identity.

    The message names attributes, never a value. Terms of closed lists are allowed, though a
    patient may have such a name.
    """
    for element in cast("Iterable[DataElement]", ds.values()):
        if element.VR == "SQ":
            for item in element.value:
                check_residue(item, identity)
        elif element.VR not in _EXEMPT_VRS and element.value is not None:
            _check(element, identity)


def _check(element: DataElement, identity: Identity) -> None:
    for value in values_of(element.value):
        found = _found(element, value, identity)
        if found is not None and not _is_listed_term(element, value):
            raise PermanentError(
                f"A word of {found} is still found in {element.keyword or 'an attribute'} after "
                "de-identification, so nothing of the file was written.",
                "Report this to whoever maintains dcm2set: the rule for that attribute must be corrected.",
            )


def _found(element: DataElement, value: str, identity: Identity) -> str | None:
    """The attribute of the original of which a word, number or date, or the age, is in the value."""
    if element.VR in _NUMBER_VRS:
        is_long = len(value) >= _FEWEST_DIGITS  # and so may be an id
        return identity.found_in_number(float(value), value) if is_long else None
    if element.VR == "UI":
        return identity.word_in(value)
    is_closed = element.VR == "CS" or element.keyword in _CLOSED_KEYWORDS
    found = identity.found_in(value) or identity.date_in(value)
    return found or (None if is_closed else identity.short_word_in(value))


def _is_listed_term(element: DataElement, value: str) -> bool:
    if element.VR == "UI":
        return is_registered(value)
    if element.tag.is_private_creator:
        return value.upper() in _CREATORS
    text = value.strip().upper()
    return element.VR == "CS" and text in terms.TERMS.get(element.keyword, terms.GENERAL)
