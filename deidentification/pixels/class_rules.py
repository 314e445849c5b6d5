"""Class rules: which files may show text, decided by SOP class, image type, modality and what they say.

The rules and their reasons are in `class_rules.toml`. They say who must look at a file's pictures: a
person in any case, a person unless the profile lets the text search decide, or the text search alone.
"""

from enum import StrEnum
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from common.toml_file import read_toml

RULES = Path(__file__).with_suffix(".toml")


class Action(StrEnum):
    """Who must look at a picture before it leaves."""

    HOLD = "hold"  # a person
    LOOK = "look"  # a person, or the text search if the profile allows it
    PASS = "pass"  # noqa: S105 not a password; the text search


class ClassRule(BaseModel):
    """A kind of files; a rule matches a file that meets all of its conditions."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: Action = Action.HOLD
    reason: str
    sop_class: frozenset[str] = frozenset()  # keywords or UIDs
    modality: frozenset[str] = frozenset()
    image_type: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    attributes: dict[str, list[str]] = {}
    other_than: dict[str, list[str]] = {}


UNKNOWN_CLASS = ClassRule(action=Action.HOLD, reason="no class rule knows this kind of file")


def class_rule_of(ds: Dataset) -> ClassRule:
    """The first rule that matches a data set."""
    rules, word_attributes = _rules()
    file = _File(ds, word_attributes)
    return next((rule for rule in rules if file.meets(rule)), UNKNOWN_CLASS)


@cache
def _rules() -> tuple[tuple[ClassRule, ...], tuple[str, ...]]:
    table = read_toml(RULES, RULES.name)
    return tuple(map(ClassRule.model_validate, table["rule"])), tuple(table["word_attributes"])


class _File:
    """What the rules ask about one file."""

    def __init__(self, ds: Dataset, word_attributes: tuple[str, ...]) -> None:
        uid = UID(_text(ds, "SOPClassUID"))
        self._ds = ds
        self._class = {uid.keyword, str(uid)}
        self._modality = _text(ds, "Modality")
        value = ds.get("ImageType") or []
        types = [value] if isinstance(value, str) else [str(part) for part in value]
        self._image_type = " ".join(part.upper() for part in types[1:])
        self._words = " ".join(" ".join(_text(ds, keyword).split()) for keyword in word_attributes)

    def meets(self, rule: ClassRule) -> bool:
        """Whether the file meets all conditions of a rule."""
        return (
            (not rule.sop_class or not self._class.isdisjoint(rule.sop_class))
            and (not rule.modality or self._modality in rule.modality)
            and (not rule.image_type or any(word in self._image_type for word in rule.image_type))
            and (not rule.words or any(word.upper() in self._words for word in rule.words))
            and all(_text(self._ds, name) in values for name, values in rule.attributes.items())
            and all(_text(self._ds, name) not in values for name, values in rule.other_than.items())
        )


def _text(ds: Dataset, keyword: str) -> str:
    """A value in upper case, "" if it is absent; of a sequence, only whether it has items."""
    value = ds.get(keyword)
    if isinstance(value, Sequence):
        return "ITEMS" if len(value) else ""
    return str(value if value is not None else "").strip().upper()
