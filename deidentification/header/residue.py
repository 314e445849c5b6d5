"""The last check before anything is written: no identifying word is left in the output (PS3.15 E.1.1)."""

from collections.abc import Iterable
from typing import cast

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from common.errors import PermanentError
from deidentification.header import terms
from deidentification.identity import Identity
from deidentification.pseudonym import is_registered

# Values of these have a fixed form and are made by rule: a shifted date may equal a birth date by chance.
_EXEMPT_VRS = frozenset(["DA", "DT", "TM", "AS", "AT", "FD", "FL", "US", "SS", "UL", "SL", "OB", "OW", "OF"])


def check_residue(ds: Dataset, identity: Identity) -> None:
    """Raise PermanentError if a string in a de-identified data set has a word of the identity.

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
    value = element.value
    values = value if isinstance(value, list | MultiValue) else [value]
    for value in map(str, values):
        found = identity.found_in(value)
        if found is not None and not _is_listed_term(element, value):
            raise PermanentError(
                f"A word of {found} is still found in {element.keyword or 'an attribute'} after "
                "de-identification, so nothing of the file was written.",
                "Report this to whoever maintains dcm2set: the rule for that attribute must be corrected.",
            )


def _is_listed_term(element: DataElement, value: str) -> bool:
    if element.VR == "UI":
        return is_registered(value)
    text = value.strip().upper()
    return element.VR == "CS" and text in terms.TERMS.get(element.keyword, terms.GENERAL)
