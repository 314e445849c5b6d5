"""Cleaning a data set by table E.1-1, recursively, with an allow-list for everything else (PS3.15 E.1).

For each attribute, in this order: a private one is kept if it is known to be safe; one of table
E.1-1 gets the table's action under the profile's options; any other is kept if the rule for its VR
and keyword allows its value. Attributes that the data dictionary doesn't know are removed. The
original data set is not changed.
"""

from collections import Counter
from functools import cache

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from deidentification.header.attribute_plan import SHORT_TEXT_VRS, TYPE_2, Plan, plan_for
from deidentification.header.safe_private import NUMERIC_VRS, SAFE_PRIVATE
from deidentification.header.value_rules import DESCRIPTIVE_KEYWORDS, Rule, ValueRules, apply_to_each
from deidentification.profile import Profile
from imaging.dataset.element_value import element

MAX_DEPTH = 16
# Number of elements by keyword and outcome: kept, shifted, replaced, cleaned, emptied, removed.
Tally = Counter[tuple[str, str]]

_BINARY_NUMBER_VRS = frozenset(["US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"])
_NUMBER_TEXT_VRS = frozenset(["DS", "IS"])
# Several values of these could be the parts of one number or name.
_JOINED_VRS = frozenset(["CS", "IS", "LO", "SH", "US", "UL"])
# Rules check values of these as text, so a file may have any of them instead of the dictionary's.
_TEXT_VRS = frozenset("AE AS CS DA DS DT IS LO LT PN SH ST TM UC UI UR UT".split())
_INTERCHANGEABLE_VRS = [
    frozenset(vrs) for vrs in (["US", "SS"], ["UL", "SL"], ["UV", "SV"], ["FL", "FD"], ["OB", "OW"])
]
_LUT_DATA_KEYWORDS = frozenset(
    """RedPaletteColorLookupTableData GreenPaletteColorLookupTableData BluePaletteColorLookupTableData
    SegmentedRedPaletteColorLookupTableData SegmentedGreenPaletteColorLookupTableData
    SegmentedBluePaletteColorLookupTableData LUTData""".split()
)
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


class CleanDataset:
    """Cleans one data set and counts what was done."""

    def __init__(self, profile: Profile, rules: ValueRules, *, is_enhanced: bool) -> None:
        self._profile = profile
        self._rules = rules
        self._is_enhanced = is_enhanced
        self.tally: Tally = Counter()

    def clean(self, ds: Dataset, *, depth: int = 0) -> Dataset:
        """A new data set with the attributes that may leave raw, and their cleaned values."""
        kept, options = Dataset(), self._profile.options
        for tag in list(ds.keys()):
            plan = plan_for(int(tag), options)
            if plan.action == "private":
                self._clean_private(ds, tag, kept)
            elif plan.action == "remove":
                self._count(plan, "removed")
            elif plan.action == "empty":
                self._empty(tag, plan, kept)
            elif plan.action == "dummy":
                self._dummy(tag, plan, kept)
            else:
                self._clean_value(element(ds, tag), plan, kept, depth)
        return kept

    def _clean_value(self, element: DataElement, plan: Plan, kept: Dataset, depth: int) -> None:
        """Keep an attribute if a rule allows its value, in the form that the rule returns."""
        if plan.vr == "SQ":
            self._clean_sequence(element, plan, kept, depth)
            return
        if element.VR == "SQ":
            self._count(plan, "removed")
            return
        rule = self._rule(plan)
        is_usable = rule is not None and _has_expected_form(element, plan)
        cleaned = apply_to_each(element.value, rule) if rule is not None and is_usable else None
        if cleaned is not None and plan.vr in _JOINED_VRS and isinstance(cleaned[0], MultiValue | list):
            cleaned = cleaned if self._rules.may_stay_together(list(cleaned[0])) else None
        if cleaned is not None and not self._spell_nothing(element):
            cleaned = None
        if cleaned is None:
            self._refuse_value(element, plan, kept, has_rule=rule is not None)
            return
        value, outcome = cleaned
        vr = _output_vr(element.VR, plan.vr)
        is_same = value is element.value and vr == element.VR
        _add(kept, DataElement(element.tag, vr, value, already_converted=is_same))
        self._count(plan, outcome)

    def _spell_nothing(self, element: DataElement) -> bool:
        """Whether an element is not text written as binary numbers."""
        if element.VR not in _BINARY_NUMBER_VRS or element.is_empty:
            return True
        values = list(element.value) if element.VM > 1 else [element.value]
        return self._rules.spell_nothing(values, element.VR)

    def _refuse_value(self, element: DataElement, plan: Plan, kept: Dataset, *, has_rule: bool) -> None:
        """Leave a value out; keep its attribute, empty or with a dummy, if files must have it."""
        if element.is_empty and has_rule:
            _add(kept, DataElement(element.tag, element.VR, None))
            self._count(plan, "kept")
        elif self._is_enhanced and not element.is_empty and element.VR in _DUMMIES:
            self._dummy(element.tag, plan, kept)
        elif plan.keyword in TYPE_2:
            self._empty(element.tag, plan, kept)
        else:
            self._count(plan, "removed")

    def _rule(self, plan: Plan) -> Rule | None:
        rules, (action, vr, keyword, _) = self._rules, plan
        if action == "uid" or vr == "UI":
            return rules.uid
        if keyword in _LUT_DATA_KEYWORDS:
            return rules.table
        if vr == "AT":
            return rules.tag
        if vr in _NUMBER_TEXT_VRS or vr in _BINARY_NUMBER_VRS or " or " in vr:
            return rules.number if "OW" not in vr else None
        if vr in rules.by_vr:
            return rules.by_vr[vr]
        if vr == "CS":
            return rules.term(keyword)
        if action == "description" or (keyword in DESCRIPTIVE_KEYWORDS and vr in SHORT_TEXT_VRS):
            return rules.description
        return rules.name(keyword) if vr in SHORT_TEXT_VRS else None

    def _clean_sequence(self, element: DataElement, plan: Plan, kept: Dataset, depth: int) -> None:
        if depth >= MAX_DEPTH or not isinstance(element.value, Sequence):
            self._count(plan, "removed")
            return
        cleaned = [self._clean_item(item, depth) for item in element.value]
        items = [item for item in cleaned if item is not None]
        if cleaned and not items:
            self._count(plan, "removed")
            return
        kept.add(DataElement(element.tag, "SQ", Sequence(items)))
        self._count(plan, "kept")

    def _clean_item(self, item: Dataset, depth: int) -> Dataset | None:
        """A cleaned sequence item; None for a code that is not of a standard coding scheme."""
        clean = self.clean(item, depth=depth + 1)
        if "CodeMeaning" not in item:
            return clean
        code = self._standard_code(item)
        if code is None:
            return None
        clean.CodeValue, clean.CodingSchemeDesignator, clean.CodeMeaning = code
        return clean

    def _standard_code(self, item: Dataset) -> tuple[str, str, str] | None:
        value, scheme = str(item.get("CodeValue", "")), str(item.get("CodingSchemeDesignator", ""))
        if not self._rules.is_code(value, scheme):
            return None
        meaning = self._rules.description(item.CodeMeaning)
        return value, scheme, meaning[0] if meaning else value

    def _clean_private(self, ds: Dataset, tag: BaseTag, kept: Dataset) -> None:
        """Keep a private element if it is known to be safe and holds numbers, and its creator with it."""
        if tag.is_private_creator:
            return  # kept with the first safe element of its block
        if self._profile.retain_safe_private and tag.element >= 0x1000:
            creator_tag = BaseTag((tag.group << 16) | (tag.element >> 8))
            creator = str(ds[creator_tag].value).strip() if creator_tag in ds else ""
            if (creator.upper(), tag.group, tag.element & 0xFF) in SAFE_PRIVATE:
                element = ds[tag]
                is_numeric = element.VR in NUMERIC_VRS
                cleaned = apply_to_each(element.value, self._rules.number) if is_numeric else None
                if cleaned is not None and self._spell_nothing(element):
                    kept.add(DataElement(creator_tag, "LO", creator))
                    kept.add(DataElement(tag, element.VR, cleaned[0]))
                    self.tally["private", "kept"] += 1
                    return
        self.tally["private", "removed"] += 1

    def _empty(self, tag: BaseTag, plan: Plan, kept: Dataset) -> None:
        _add(kept, DataElement(tag, _first_vr(plan.vr), None))
        self._count(plan, "emptied")

    def _dummy(self, tag: BaseTag, plan: Plan, kept: Dataset) -> None:
        """A dummy in enhanced objects, which often must have a value (Type 1); elsewhere an empty value."""
        vr = _first_vr(plan.vr)
        dummy = _DUMMIES.get(vr)
        if not self._is_enhanced or dummy is None:
            self._empty(tag, plan, kept)
            return
        _add(kept, DataElement(tag, vr, dummy))
        self._count(plan, "emptied")

    def _count(self, plan: Plan, outcome: str) -> None:
        self.tally[plan.keyword, outcome] += 1


def _add(kept: Dataset, element: DataElement) -> None:
    """The same as `Dataset.add` for elements other than private ones and sequences, four times as fast."""
    kept._dict[element.tag] = element  # noqa: SLF001


def _has_expected_form(element: DataElement, plan: Plan) -> bool:
    """Whether the VR is one that the rule can judge and there are not too many values (PS3.6)."""
    if element.VR in _TEXT_VRS:
        return True
    return _are_interchangeable(element.VR, plan.vr) and (
        plan.vr in _TEXT_VRS or plan.max_values >= element.VM
    )


@cache
def _are_interchangeable(vr: str, known: str) -> bool:
    """Whether a file may have `vr` where the dictionary has `known`, such as "US or SS"."""
    alternatives = known.split(" or ")
    # The last alternative stands for all: OW for look-up tables, SS for numbers.
    return vr in {known, *alternatives} or any({vr, alternatives[-1]} <= vrs for vrs in _INTERCHANGEABLE_VRS)


def _output_vr(vr: str, known: str) -> str:
    """The VR of the file, but the dictionary's if text can't be written with the file's number VR."""
    is_text = known in _TEXT_VRS and known not in _NUMBER_TEXT_VRS
    return known if is_text and vr in _NUMBER_TEXT_VRS else vr


def _first_vr(vr: str) -> str:
    return vr.partition(" or ")[0]
