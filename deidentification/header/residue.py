"""The last look before anything is written: no word of the patient's in any output (PS3.15 E.1.1)."""

from collections.abc import Iterable
from typing import cast

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from common.errors import PermanentError
from deidentification.header import terms
from deidentification.identity import Identity
from deidentification.pseudonym import is_registered

# Of a fixed form, made by rule: a shifted date may by chance be another's birthday.
_FORMED_VRS = frozenset(["DA", "DT", "TM", "AS", "AT", "FD", "FL", "US", "SS", "UL", "SL", "OB", "OW", "OF"])


def check_residue(ds: Dataset, identity: Identity) -> None:
    """Raise PermanentError if a string of a de-identified data set holds a word of the identity.

    The cause names attributes, never a value. Terms out of closed lists tell no one, though a
    patient may be called like one of them.
    """
    for element in cast("Iterable[DataElement]", ds.values()):
        if element.VR == "SQ":
            for item in element.value:
                check_residue(item, identity)
        elif element.VR not in _FORMED_VRS and element.value is not None:
            _check(element, identity)


def _check(element: DataElement, identity: Identity) -> None:
    value = element.value
    values = value if isinstance(value, list | MultiValue) else [value]
    for value in map(str, values):
        found = identity.found_in(value)
        if found is not None and not _is_closed(element, value):
            raise PermanentError(
                f"{found} is still found in {element.keyword or 'an attribute'} after de-identification; "
                "the file was stopped.",
                "Tell who looks after this pipeline: the rule for that attribute lets it through.",
            )


def _is_closed(element: DataElement, value: str) -> bool:
    if element.VR == "UI":
        return is_registered(value)
    text = value.strip().upper()
    return element.VR == "CS" and text in terms.TERMS.get(element.keyword, terms.GENERAL)
