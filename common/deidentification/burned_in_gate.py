"""The gate for burned-in text: pictures that may show a name wait for a person.

BurnedInAnnotation (0028,0301) is rarely filled in, and absent is not NO; so kinds of pictures
that usually carry text are held by rule (PS3.15 E.3.1, Clean Pixel Data).
"""

from pydicom.dataset import Dataset
from pydicom.uid import UID

from common.errors import HoldError

_MODALITIES = frozenset(["US", "OT", "SC", "XC", "ES", "GM"])
_IMAGE_TYPES = ("SCREEN", "SAVE", "DOSE", "REPORT", "CAPTURE", "SECONDARY")
_NEXT = "Look at the picture; if it shows no name: dcm2set release --item <number> --why '<reason>'"


def check_burned_in_text(ds: Dataset) -> None:
    """Raise HoldError if a picture may show text that tells a patient."""
    cause = _cause(ds)
    if cause is not None:
        raise HoldError(f"Possible burned-in text: {cause}.", _NEXT)


def _cause(ds: Dataset) -> str | None:
    if str(ds.get("BurnedInAnnotation", "")).upper() == "YES":
        return "the file says so (BurnedInAnnotation is YES)"
    if "Secondary Capture" in UID(str(ds.get("SOPClassUID", ""))).name:
        return "it is a secondary capture"
    modality = str(ds.get("Modality", "")).upper()
    if modality in _MODALITIES:
        return f"pictures of modality {modality} usually carry text"
    value = ds.get("ImageType") or []
    types = [value] if isinstance(value, str) else [str(part) for part in value]
    for word in _IMAGE_TYPES:
        if any(word in part.upper() for part in types[1:]):
            return f"ImageType has {word}"
    return None
