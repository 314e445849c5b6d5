"""The burned-in text gate: pictures that may show a name are blanked, or held for a person.

BurnedInAnnotation (0028,0301) is rarely filled in, and absent does not mean NO. So kinds of
pictures that often have text are held by rule (PS3.15 E.3.1, Clean Pixel Data).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.uid import UID

from deidentification.pixels.device_rules import DeviceRule, rule_for
from deidentification.pixels.ultrasound_regions import UnusableRegionsError, blanking_outside_regions
from imaging.frames.blanking import Blanking

NEXT_STEP = "Look at the picture; if it shows no name: dcm2set release --item <number> --why '<reason>'"
NEXT_STEP_AFTER_READING = (
    "Look again; if it shows no name, release it again, else write a blanking rule for its device."
)
_MODALITIES = frozenset(["US", "OT", "SC", "XC", "ES", "GM"])
_BITS = frozenset([8, 16, 32])
_LONGEST_ELEMENT = 2**32 - 2  # bytes
_IMAGE_TYPES = ("SCREEN", "SAVE", "DOSE", "REPORT", "CAPTURE", "SECONDARY")


@dataclass(frozen=True)
class BurnedInDecision:
    """The gate's decision on one file."""

    blanking: Blanking | None = None  # the part to make black, also after a release
    cause: str | None = None  # why a person must look first; None: the file passes
    is_gated: bool = True  # False: the gate is off and no person has released the file
    is_cleaned: bool = False  # no text is left, by blanking or by a person's release


NOTHING_SUSPECTED = BurnedInDecision()  # passes unchanged


def burned_in_decision(
    ds: Dataset, rules: Sequence[DeviceRule], *, hold_burned_in_text: bool, is_released: bool
) -> BurnedInDecision:
    """Decide whether a file passes, is blanked or is held.

    `hold_burned_in_text` is false if the gate is off. A rule for the file's device has precedence,
    because a person wrote it. An ultrasound picture with regions is blanked outside them and
    passes, unless BurnedInAnnotation is YES, as the text may be inside a region.
    """
    rule = rule_for(ds, rules)
    if rule is not None and (_can_be_blanked(ds) or not rule.blank):
        return BurnedInDecision(rule.blanking, is_cleaned=True)
    if not hold_burned_in_text:
        return BurnedInDecision(is_gated=is_released, is_cleaned=is_released)
    cause, blanking = _reason_to_hold(ds), None
    try:
        blanking = blanking_outside_regions(ds) if _can_be_blanked(ds) else None
    except UnusableRegionsError as error:
        cause = f"{cause}, and {error}" if cause else str(error)
    if is_released:
        return BurnedInDecision(blanking, is_cleaned=True)
    if blanking is not None and not _declares_burned_in_text(ds):
        return BurnedInDecision(blanking, is_cleaned=True)
    return BurnedInDecision(blanking, f"Possible burned-in text: {cause}." if cause else None)


def _reason_to_hold(ds: Dataset) -> str | None:
    """Why the picture may have burned-in text, as the end of a sentence; None if nothing suggests it."""
    if _declares_burned_in_text(ds):
        return "the file says so (BurnedInAnnotation is YES)"
    if "Secondary Capture" in UID(str(ds.get("SOPClassUID", ""))).name:
        return "it is a secondary capture"
    modality = str(ds.get("Modality", "")).upper()
    if modality in _MODALITIES:
        return f"pictures of modality {modality} often have text"
    value = ds.get("ImageType") or []
    types = [value] if isinstance(value, str) else [str(part) for part in value]
    for word in _IMAGE_TYPES:
        if any(word in part.upper() for part in types[1:]):
            return f"ImageType has {word}"
    return None


def _can_be_blanked(ds: Dataset) -> bool:
    """Whether the decoded frames can be written as one native pixel data element (PS3.5 A.4)."""
    allocated = ds.get("BitsAllocated")
    if allocated not in _BITS or "BitsStored" not in ds:
        return False
    pixels = int(ds.Rows) * int(ds.Columns) * int(ds.get("NumberOfFrames") or 1)
    fits = pixels * int(ds.SamplesPerPixel) * allocated // 8 <= _LONGEST_ELEMENT
    return fits and not str(ds.PhotometricInterpretation).startswith("YBR_PARTIAL")


def _declares_burned_in_text(ds: Dataset) -> bool:
    return str(ds.get("BurnedInAnnotation", "")).strip().upper() == "YES"
