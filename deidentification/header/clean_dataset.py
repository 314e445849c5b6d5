"""A data set as it may leave raw: table E.1-1 applied recursively, an allow-list for all else (PS3.15 E.1).

For each attribute, in this order: a private one stays if it is known to be safe; one of table E.1-1 gets
the action of the table under the profile's options; any other stays if the rule of its VR and keyword
says so. What the dictionary does not know goes. The original is not touched.
"""

from collections import Counter
from functools import cache, lru_cache
from typing import NamedTuple

from pydicom.datadict import dictionary_has_tag, dictionary_keyword, dictionary_VM, dictionary_VR
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from deidentification.header import terms
from deidentification.header.confidentiality_profile import attribute
from deidentification.header.safe_private import NUMERIC_VRS, SAFE_PRIVATE
from deidentification.header.value_rules import WORDED, Rule, ValueRules, each
from deidentification.profile import Profile
from imaging.dataset.element_value import element

MAX_DEPTH = 16
# By keyword and what was done: kept, shifted, replaced, cleaned, emptied, removed.
Tally = Counter[tuple[str, str]]

_FIXED_VRS = frozenset(["US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"])
_TEXT_NUMBERS = frozenset(["DS", "IS"])
# What a rule judges as text, whichever of these a file says it is; numbers of a kind are as alike.
_TEXT = frozenset("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())
_ALIKE = [frozenset(kind) for kind in (["US", "SS"], ["UL", "SL"], ["UV", "SV"], ["FL", "FD"], ["OB", "OW"])]
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
_SAFE_PLACES = frozenset((group, element) for _, group, element in SAFE_PRIVATE)


class Plan(NamedTuple):
    """What is known of an attribute before its value."""

    action: str  # X, E(mpty), D(ummy), U, or a value's own rule: K, descriptor; P for private ones
    vr: str  # of the dictionary
    keyword: str
    most_values: int


class CleanDataset:
    """One data set on its way through the rules; what was done is counted as it goes."""

    def __init__(self, profile: Profile, rules: ValueRules, *, is_enhanced: bool) -> None:
        self._profile = profile
        self._rules = rules
        self._is_enhanced = is_enhanced
        self.tally: Tally = Counter()

    def clean(self, ds: Dataset, *, depth: int = 0) -> Dataset:
        """The attributes that may leave, in the form in which they may."""
        kept, options = Dataset(), self._profile.options
        for tag in list(ds.keys()):
            plan = _plan(int(tag), options)
            if plan.action == "P":
                self._private(ds, tag, kept)
            elif plan.action == "X":
                self._count(plan, "removed")
            elif plan.action == "E":
                self._empty(tag, plan, kept)
            elif plan.action == "D":
                self._dummy(tag, plan, kept)
            else:
                self._by_value(element(ds, tag), plan, kept, depth)
        return kept

    def _by_value(self, element: DataElement, plan: Plan, kept: Dataset, depth: int) -> None:
        """An attribute that stays if its value is of a form that may."""
        if plan.vr == "SQ":
            self._sequence(element, plan, kept, depth)
            return
        if element.VR == "SQ":
            self._count(plan, "removed")
            return
        rule = self._rule(plan)
        found = None if rule is None or not _fits(element, plan) else each(element.value, rule)
        if found is None:
            self._refused(element, plan, kept, is_known=rule is not None)
            return
        value, word = found
        vr = _written_vr(element.VR, plan.vr)
        is_same = value is element.value and vr == element.VR
        _add(kept, DataElement(element.tag, vr, value, already_converted=is_same))
        self._count(plan, word)

    def _refused(self, element: DataElement, plan: Plan, kept: Dataset, *, is_known: bool) -> None:
        """A value that may not leave; its attribute stays, without it, where files must have it."""
        if element.is_empty and is_known:
            _add(kept, DataElement(element.tag, element.VR, None))
            self._count(plan, "kept")
        elif self._is_enhanced and not element.is_empty and element.VR in _DUMMIES:
            self._dummy(element.tag, plan, kept)
        elif plan.keyword in _TYPE_2:
            self._empty(element.tag, plan, kept)
        else:
            self._count(plan, "removed")

    def _rule(self, plan: Plan) -> Rule | None:
        rules, (action, vr, keyword, _) = self._rules, plan
        if action == "U" or vr == "UI":
            return rules.uid
        if keyword in _LUTS:
            return rules.table
        if vr == "AT":
            return rules.tag
        if vr in _TEXT_NUMBERS or vr in _FIXED_VRS or " or " in vr:
            return rules.number if "OW" not in vr else None
        if vr in rules.by_vr:
            return rules.by_vr[vr]
        if vr == "CS":
            return rules.term(keyword)
        if action == "descriptor" or (keyword in WORDED and vr in _SHORT_TEXT):
            return rules.description
        return rules.name(keyword) if vr in _SHORT_TEXT else None

    def _sequence(self, element: DataElement, plan: Plan, kept: Dataset, depth: int) -> None:
        if depth >= MAX_DEPTH or not isinstance(element.value, Sequence):
            self._count(plan, "removed")
            return
        items = [self._item(item, depth) for item in element.value]
        left = [item for item in items if item is not None]
        if items and not left:
            self._count(plan, "removed")
            return
        kept.add(DataElement(element.tag, "SQ", Sequence(left)))
        self._count(plan, "kept")

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

    def _empty(self, tag: BaseTag, plan: Plan, kept: Dataset) -> None:
        _add(kept, DataElement(tag, _plain(plan.vr), None))
        self._count(plan, "emptied")

    def _dummy(self, tag: BaseTag, plan: Plan, kept: Dataset) -> None:
        """Of enhanced objects many of these must have a value (Type 1); elsewhere they may be empty."""
        vr = _plain(plan.vr)
        dummy = _DUMMIES.get(vr)
        if not self._is_enhanced or dummy is None:
            self._empty(tag, plan, kept)
            return
        _add(kept, DataElement(tag, vr, dummy))
        self._count(plan, "emptied")

    def _count(self, plan: Plan, word: str) -> None:
        self.tally[plan.keyword, word] += 1


def _add(kept: Dataset, element: DataElement) -> None:
    """What `Dataset.add` does, but for private elements and sequences; four times as fast."""
    kept._dict[element.tag] = element  # noqa: SLF001


def _fits(element: DataElement, plan: Plan) -> bool:
    """Whether a value is of the kind its rule judges, and of as many numbers as it may be (PS3.6)."""
    if element.VR in _TEXT:
        return True
    return _is_alike(element.VR, plan.vr) and (plan.vr in _TEXT or plan.most_values >= element.VM)


@cache
def _is_alike(vr: str, known: str) -> bool:
    may_be = known.split(" or ")  # the last: OW of look-up tables, SS of numbers
    return vr in {known, *may_be} or any({vr, may_be[-1]} <= kind for kind in _ALIKE)


def _written_vr(vr: str, known: str) -> str:
    """The VR of the file, but for text that it says is a number: that can't be written as one."""
    is_text = known in _TEXT and known not in _TEXT_NUMBERS
    return known if is_text and vr in _TEXT_NUMBERS else vr


def _plain(vr: str) -> str:
    return vr.partition(" or ")[0]


@lru_cache(maxsize=10_000)
def _plan(tag: int, options: tuple[str, ...]) -> Plan:
    if tag >> 16 & 1:
        place = (tag >> 16, tag & 0xFF)
        may_stay = "retain_safe_private" in options and place in _SAFE_PLACES
        is_creator = 0x10 <= tag & 0xFFFF < 0x100
        return Plan("P" if may_stay or is_creator else "X", "UN", "private", 0)
    action = _action(tag, options)
    if not dictionary_has_tag(tag):
        return Plan(action, "UN", "unknown", 0)
    most = dictionary_VM(tag).rpartition("-")[2]
    return Plan(action, dictionary_VR(tag), dictionary_keyword(tag), int(most) if most.isdigit() else 1 << 32)


def _action(tag: int, options: tuple[str, ...]) -> str:
    """What is done with an attribute that is not private."""
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
