"""What is done with an attribute, decided by its tag and the profile's options (PS3.15 table E.1-1)."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VM, dictionary_VR
from pydicom.tag import BaseTag

from deidentification.header.confidentiality_profile import attribute
from deidentification.header.safe_private import SAFE_PRIVATE
from deidentification.header.shared_dates import is_shared_date

# "keep" and "description" still depend on the value: it stays only if a rule for it says so.
Action = Literal["private", "remove", "empty", "dummy", "uid", "keep", "description"]
SHORT_TEXT_VRS = frozenset(["LO", "SH"])
# Attributes outside the table that images must have, possibly empty (Type 2 of PS3.3).
TYPE_2 = frozenset(
    "PositionReferenceIndicator Laterality ContentDescription Manufacturer AcquisitionContextSequence".split()
)
# Groups with a meaning in files, directories and messages only, pixel data, and padding.
_REMOVED_GROUPS = frozenset([0x0000, 0x0002, 0x0004, 0x7FE0, 0xFFFA, 0xFFFC, 0xFFFE])
_CURVES_AND_OVERLAYS = frozenset([0x5000, 0x6000])  # repeating groups, by their high byte
_CHARACTER_SETS = BaseTag(0x00080005)
_PATIENT_GROUP = 0x0010
_SAFE_PRIVATE_TAGS = frozenset((group, element) for _, group, element in SAFE_PRIVATE)
_ACTIONS: Sequence[tuple[str, Action]] = (
    ("U", "uid"),
    ("D", "dummy"),
    ("Z", "empty"),
)  # by letter of the table
_UNLIMITED = 1 << 32


class Plan(NamedTuple):
    """What is known about an attribute before its value is read."""

    action: Action
    vr: str  # of the data dictionary
    keyword: str
    max_values: int  # by the value multiplicity (PS3.6)


@lru_cache(maxsize=10_000)
def plan_for(tag: int, options: tuple[str, ...]) -> Plan:
    """The plan for an attribute under the profile's options that are on."""
    if tag >> 16 & 1:
        is_safe = (tag >> 16, tag & 0xFF) in _SAFE_PRIVATE_TAGS
        may_stay = "retain_safe_private" in options and is_safe
        is_creator = 0x10 <= tag & 0xFFFF < 0x100
        return Plan("private" if may_stay or is_creator else "remove", "UN", "private", 0)
    action = _action(tag, options)
    if not dictionary_has_tag(tag):
        return Plan(action, "UN", "unknown", 0)
    most = dictionary_VM(tag).rpartition("-")[2]
    max_values = int(most) if most.isdigit() else _UNLIMITED
    return Plan(action, dictionary_VR(tag), dictionary_keyword(tag), max_values)


def _action(tag: int, options: tuple[str, ...]) -> Action:
    """The action for an attribute that is not private."""
    group, element = tag >> 16, tag & 0xFFFF
    is_repeating = group & 0xFF00 in _CURVES_AND_OVERLAYS
    if group in _REMOVED_GROUPS or element == 0 or is_repeating or tag == _CHARACTER_SETS:
        return "remove"
    if not dictionary_has_tag(tag):
        return "remove"
    row = attribute(tag)
    if is_shared_date(tag):
        return "remove" if row is None or "X" in row.basic else _basic_action(row.basic)
    if row is None:
        return "keep"
    is_sequence = dictionary_VR(tag) == "SQ"
    active = [name for name in options if name in row.options]
    # If several options apply, cleaning has precedence over keeping.
    if "clean_descriptors" in active and not is_sequence:
        return "description" if _may_keep_description(tag) else "remove"
    if active:
        return "keep"
    if is_sequence:
        return _sequence_action(row.basic, dictionary_keyword(tag))
    return _basic_action(row.basic)


def _basic_action(basic: str) -> Action:
    return next((action for letter, action in _ACTIONS if letter in basic), "remove")


def _may_keep_description(tag: int) -> bool:
    """Whether words of a description may stay: of short ones, but not of those about the patient."""
    is_short = dictionary_VR(tag) in SHORT_TEXT_VRS and tag >> 16 != _PATIENT_GROUP
    return is_short or dictionary_keyword(tag) == "DerivationDescription"


def _sequence_action(basic: str, keyword: str) -> Action:
    """The action for a sequence of the table.

    Sequences of instance UIDs are kept and their items cleaned. Other sequences are removed if the
    table allows it, else emptied.
    """
    if "U" in basic:
        return "keep"
    return "remove" if "X" in basic and keyword not in TYPE_2 else "empty"
