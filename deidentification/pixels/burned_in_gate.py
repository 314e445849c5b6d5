"""The gate for burned-in text: pictures that may show a name are blanked, or wait for a person.

BurnedInAnnotation (0028,0301) is rarely filled in, and absent is not NO; so kinds of pictures
that usually carry text are held by rule (PS3.15 E.3.1, Clean Pixel Data).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import UID

from deidentification.pixels.device_rules import DeviceRule, rule_for
from deidentification.pixels.ultrasound_regions import UnusableRegionsError, outside_regions
from imaging.frames.blanking import Blanking

NEXT_STEP = "Look at the picture; if it shows no name: dcm2set release --item <number> --why '<reason>'"
NEXT_STEP_AFTER_READING = (
    "Look again; if it shows no name, release it once more, else write a blanking rule for its device."
)
_MODALITIES = frozenset(["US", "OT", "SC", "XC", "ES", "GM"])
_BITS = frozenset([8, 16, 32])
_LONGEST_ELEMENT = 2**32 - 2  # bytes
_IMAGE_TYPES = ("SCREEN", "SAVE", "DOSE", "REPORT", "CAPTURE", "SECONDARY")


@dataclass(frozen=True)
class BurnedInDecision:
    """What the gate says of a file."""

    blanking: Blanking | None = None  # what has to be made black, whoever lets it pass
    cause: str | None = None  # why a person has to look first; None: it may pass
    is_gated: bool = True  # False: the gate is switched off, and nobody has looked
    is_cleaned: bool = False  # by blanking or by a person's word: no text is left


NOTHING_SUSPECTED = BurnedInDecision()  # what nobody suspects


def burned_in_decision(
    ds: Dataset, rules: Sequence[DeviceRule], *, holds: bool, is_released: bool
) -> BurnedInDecision:
    """How a file may pass.

    A rule for its device stands above all, for a person has made it. An ultrasound picture with
    regions passes by them, unless it says itself that text is burned in, which may be within.
    """
    rule = rule_for(ds, rules)
    if rule is not None and (_can_be_blanked(ds) or not rule.blank):
        return BurnedInDecision(rule.blanking, is_cleaned=True)
    if not holds:
        return BurnedInDecision(is_gated=is_released, is_cleaned=is_released)
    cause, blanking = _suspicion(ds), None
    try:
        blanking = outside_regions(ds) if _can_be_blanked(ds) else None
    except UnusableRegionsError as error:
        cause = f"{cause}, and {error}" if cause else str(error)
    if is_released:
        return BurnedInDecision(blanking, is_cleaned=True)
    if blanking is not None and not _says_so(ds):
        return BurnedInDecision(blanking, is_cleaned=True)
    return BurnedInDecision(blanking, f"Possible burned-in text: {cause}." if cause else None)


def _suspicion(ds: Dataset) -> str | None:
    if _says_so(ds):
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


def _can_be_blanked(ds: Dataset) -> bool:
    """Whether its pixels can be written again as they are drawn, in one native element (PS3.5 A.4)."""
    allocated = ds.get("BitsAllocated")
    if allocated not in _BITS or "BitsStored" not in ds:
        return False
    pixels = int(ds.Rows) * int(ds.Columns) * int(ds.get("NumberOfFrames") or 1)
    fits = pixels * int(ds.SamplesPerPixel) * allocated // 8 <= _LONGEST_ELEMENT
    return fits and not str(ds.PhotometricInterpretation).startswith("YBR_PARTIAL")


def _says_so(ds: Dataset) -> bool:
    return str(ds.get("BurnedInAnnotation", "")).strip().upper() == "YES"
