"""A data set as it may leave raw: table E.1-1 applied recursively, an allow-list for all else (PS3.15 E.1).

For each attribute, in this order: a private one stays if it is known to be safe; one of table E.1-1 gets
the action of the table under the profile's options; any other stays if the rule of its VR and keyword
says so. What the dictionary does not know goes. The original is not touched.
"""

from collections import Counter
from functools import cache

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from common.deidentification import terms
from common.deidentification.confidentiality_profile import attribute
from common.deidentification.profile import Profile
from common.deidentification.safe_private import NUMERIC_VRS, SAFE_PRIVATE
from common.deidentification.value_rules import WORDED, Rule, ValueRules, each

MAX_DEPTH = 16
# By keyword and what was done: kept, shifted, replaced, cleaned, emptied, removed.
Tally = Counter[tuple[str, str]]

_FIXED_VRS = frozenset(["US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT"])
_TEXT_NUMBERS = frozenset(["DS", "IS"])
_SHORT_TEXT = frozenset(["LO", "SH"])
_LUTS = frozenset(
    """RedPaletteColorLookupTableData GreenPaletteColorLookupTableData BluePaletteColorLookupTableData
    SegmentedRedPaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData
    SegmentedBluePaletteColorLookupTableData LUTData""".split()
)
# Of groups with an own meaning in a file or message, of retired curves and overlays, and of padding.
_DROPPED_GROUPS = frozenset([0x0000, 0x0002, 0x0004, 0x7FE0, 0xFFFA, 0xFFFC, 0xFFFE])
_CHARACTER_SETS = BaseTag(0x00080005)
_DUMMIES = {
    "DA": "19000101",
    "DT": "19000101",
    "TM": "000000",
    "AS": "000D",
    "DS": "0",
    "IS": "0",
    "CS": "OTHER",
    **dict.fromkeys(("AE", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), "DEIDENTIFIED"),
}
# Attributes outside the table that images must have, empty if need be (Type 2 of PS3.3).
_TYPE_2 = frozenset(
    "PositionReferenceIndicator Laterality ContentDescription Manufacturer AcquisitionContextSequence".split()
)
_PATIENT_GROUP = 0x0010


class CleanDataset:
    """One data set's way through the rules; what was done is counted as it goes."""

    def __init__(self, profile: Profile, rules: ValueRules, *, is_enhanced: bool) -> None:
        self._profile = profile
        self._rules = rules
        self._is_enhanced = is_enhanced
        self.tally: Tally = Counter()

    def clean(self, ds: Dataset, *, depth: int = 0) -> Dataset:
        """The attributes that may leave, in the form in which they may."""
        kept = Dataset()
        for tag in list(ds.keys()):
            if tag.is_private:
                self._private(ds, tag, kept)
                continue
            action = _action(int(tag), self._profile.options)
            if action == "X":
                self._count(tag, "removed")
            elif action == "E":
                self._empty(tag, kept)
            elif action == "D":
                self._dummy(tag, kept)
            else:
                self._by_value(ds[tag], action, kept, depth)
        return kept

    def _by_value(self, element: DataElement, action: str, kept: Dataset, depth: int) -> None:
        """An attribute that stays if its value is of a form that may."""
        tag, vr = element.tag, dictionary_VR(element.tag)
        if vr == "SQ":
            self._sequence(element, kept, depth)
            return
        if element.VR == "SQ":
            self._count(tag, "removed")
            return
        rule = self._rule(vr, element.keyword, action)
        found = None if rule is None else each(element.value, rule)
        if found is None:
            self._refused(element, kept, is_known=rule is not None)
            return
        value, word = found
        kept.add(DataElement(tag, element.VR, value))
        self._count(tag, word)

    def _refused(self, element: DataElement, kept: Dataset, *, is_known: bool) -> None:
        """A value that may not leave; its attribute stays, without it, where files must have it."""
        if element.is_empty and is_known:
            kept.add(DataElement(element.tag, element.VR, None))
            self._count(element.tag, "kept")
        elif self._is_enhanced and not element.is_empty and element.VR in _DUMMIES:
            self._dummy(element.tag, kept)
        elif element.keyword in _TYPE_2:
            self._empty(element.tag, kept)
        else:
            self._count(element.tag, "removed")

    def _rule(self, vr: str, keyword: str, action: str) -> Rule | None:
        rules = self._rules
        if action == "U" or vr == "UI":
            return rules.uid
        if keyword in _LUTS:
            return rules.as_is
        if vr in _TEXT_NUMBERS or vr in _FIXED_VRS or " or " in vr:
            return rules.as_is if vr == "AT" else rules.number if "OW" not in vr else None
        simple: dict[str, Rule] = {
            "DA": rules.date,
            "DT": rules.date_time,
            "TM": rules.time,
            "AS": rules.age,
        }
        if vr in simple:
            return simple[vr]
        if vr == "CS":
            return rules.term(keyword)
        if action == "descriptor" or (keyword in WORDED and vr in _SHORT_TEXT):
            return rules.description
        return rules.name(keyword) if vr in _SHORT_TEXT else None

    def _sequence(self, element: DataElement, kept: Dataset, depth: int) -> None:
        if depth >= MAX_DEPTH or not isinstance(element.value, Sequence):
            self._count(element.tag, "removed")
            return
        items = [self._item(item, depth) for item in element.value]
        left = [item for item in items if item is not None]
        if items and not left:
            self._count(element.tag, "removed")
            return
        kept.add(DataElement(element.tag, "SQ", Sequence(left)))
        self._count(element.tag, "kept")

    def _item(self, item: Dataset, depth: int) -> Dataset | None:
        """An item of a sequence; one that holds a code stays if the code is a standard's."""
        clean = self.clean(item, depth=depth + 1)
        if "CodeMeaning" not in item:
            return clean
        code = self._code(item)
        if code is None:
            return None
        clean.CodeValue, clean.CodingSchemeDesignator, clean.CodeMeaning = code
        return clean

    def _code(self, item: Dataset) -> tuple[str, str, str] | None:
        value, scheme = str(item.get("CodeValue", "")), str(item.get("CodingSchemeDesignator", ""))
        form = terms.UNIT if scheme == "UCUM" else terms.CODE_VALUE
        meaning = self._rules.description(item.CodeMeaning)
        if scheme.upper() not in terms.TERMS["CodingSchemeDesignator"] or not form.fullmatch(value):
            return None
        return value, scheme, meaning[0] if meaning else value

    def _private(self, ds: Dataset, tag: BaseTag, kept: Dataset) -> None:
        """A private element: a number of a creator's element that is known to hold one, or none."""
        if tag.is_private_creator:
            return  # comes with the first element of its block that stays
        if self._profile.retain_safe_private and tag.element >= 0x1000:
            creator_tag = BaseTag((tag.group << 16) | (tag.element >> 8))
            creator = str(ds[creator_tag].value).strip() if creator_tag in ds else ""
            if (creator.upper(), tag.group, tag.element & 0xFF) in SAFE_PRIVATE:
                element = ds[tag]
                found = each(element.value, self._rules.number) if element.VR in NUMERIC_VRS else None
                if found is not None:
                    kept.add(DataElement(creator_tag, "LO", creator))
                    kept.add(DataElement(tag, element.VR, found[0]))
                    self.tally["private", "kept"] += 1
                    return
        self.tally["private", "removed"] += 1

    def _empty(self, tag: BaseTag, kept: Dataset) -> None:
        kept.add(DataElement(tag, _plain_vr(tag), None))
        self._count(tag, "emptied")

    def _dummy(self, tag: BaseTag, kept: Dataset) -> None:
        """Of enhanced objects many of these must have a value (Type 1); elsewhere they may be empty."""
        vr = _plain_vr(tag)
        dummy = _DUMMIES.get(vr)
        if not self._is_enhanced or dummy is None:
            self._empty(tag, kept)
            return
        kept.add(DataElement(tag, vr, dummy))
        self._count(tag, "emptied")

    def _count(self, tag: BaseTag, word: str) -> None:
        self.tally[_keyword(int(tag)), word] += 1


@cache
def _keyword(tag: int) -> str:
    return dictionary_keyword(tag) if dictionary_has_tag(tag) else "unknown"


def _plain_vr(tag: BaseTag) -> str:
    return dictionary_VR(tag).partition(" or ")[0]


@cache
def _action(tag: int, options: tuple[str, ...]) -> str:
    """What is done with an attribute: X, E(mpty), D(ummy), U, or a value's own rule: K, descriptor."""
    group, element = tag >> 16, tag & 0xFFFF
    is_repeating = group & 0xFF00 in {0x5000, 0x6000}
    if group in _DROPPED_GROUPS or element == 0 or is_repeating or tag == _CHARACTER_SETS:
        return "X"
    if not dictionary_has_tag(tag):
        return "X"
    row = attribute(tag)
    if row is None:
        return "K"
    chosen = {name: row.options[name] for name in options if name in row.options}
    # Where two options hold, cleaning stands above keeping: a date is shifted, whosever it is.
    if "clean_descriptors" in chosen and dictionary_VR(tag) != "SQ":
        return "descriptor" if _is_described(tag) else "X"
    if chosen:
        return "K"
    if dictionary_VR(tag) == "SQ":
        return _of_sequence(row.basic, dictionary_keyword(tag))
    for letter, action in (("U", "U"), ("D", "D"), ("Z", "E")):
        if letter in row.basic:
            return action
    return "X"


def _is_described(tag: int) -> bool:
    """Short descriptions are worth their words; of what is said at length of a patient none stays."""
    is_short = dictionary_VR(tag) in _SHORT_TEXT and tag >> 16 != _PATIENT_GROUP
    return is_short or dictionary_keyword(tag) == "DerivationDescription"


def _of_sequence(basic: str, keyword: str) -> str:
    """Sequences of instances' UIDs are entered; one that may be left out is; others have no items."""
    if "U" in basic:
        return "K"
    return "X" if "X" in basic and keyword not in _TYPE_2 else "E"
