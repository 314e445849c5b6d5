"""A site's blanking rules: where devices burn in text, by maker, model and picture size, from TOML."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError

from common.errors import SettingsError
from common.toml_file import read_toml
from imaging.options import Rectangle

if TYPE_CHECKING:  # extract's own process passes the rules on and does without pydicom
    from pydicom.dataset import Dataset

_SETTING = "DCM2SET_BLANKING_RULES"
_Name = Annotated[str, Field(min_length=1, max_length=64)]


@dataclass(frozen=True)
class DeviceRule:
    """The rectangles to blank in pictures of one device; none if the device burns in no text."""

    name: str
    manufacturer: str  # (0008,0070), case-insensitive
    model: str  # (0008,1090), case-insensitive
    rows: int
    columns: int
    blank: tuple[Rectangle, ...]

    def matches(self, ds: "Dataset") -> bool:
        """Whether a data set is of this device and picture size."""
        device = (_folded(ds.get("Manufacturer")), _folded(ds.get("ManufacturerModelName")))
        size = (ds.get("Rows"), ds.get("Columns"))
        is_device = device == (_folded(self.manufacturer), _folded(self.model))
        return is_device and size == (self.rows, self.columns)


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: _Name
    manufacturer: _Name
    model: _Name
    rows: PositiveInt
    columns: PositiveInt
    blank: list[list[int]]


def rule_for(ds: "Dataset", rules: Iterable[DeviceRule]) -> DeviceRule | None:
    """The first rule that matches a data set; None if none does."""
    return next((rule for rule in rules if rule.matches(ds)), None)


def load_device_rules(path: Path | None) -> tuple[DeviceRule, ...]:
    """The rules of a TOML file, in order; SettingsError names the rule and the field that are wrong."""
    if path is None:
        return ()
    tables = read_toml(path, _SETTING)
    rules = tables.pop("rule", None)
    if tables or not isinstance(rules, list):
        raise SettingsError(f"{_SETTING} is wrong: the file must have [[rule]] tables and nothing else.")
    return tuple(_rule(number, table) for number, table in enumerate(rules, 1))


def _rule(number: int, table: object) -> DeviceRule:
    try:
        rule = _Rule.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "its top level"
        raise SettingsError(f"{_SETTING} is wrong in rule {number} at {field}: {first['msg']}.") from None
    rectangles = tuple(_rectangle(number, rule, values) for values in rule.blank)
    return DeviceRule(rule.name, rule.manufacturer, rule.model, rule.rows, rule.columns, rectangles)


def _rectangle(number: int, rule: _Rule, values: list[int]) -> Rectangle:
    if len(values) == 4:
        left, top, width, height = values
        is_inside = left + width <= rule.columns and top + height <= rule.rows
        if min(left, top) >= 0 and min(width, height) > 0 and is_inside:
            return Rectangle(left, top, width, height)
    raise SettingsError(
        f"{_SETTING} is wrong in rule {number} at blank: expected [left, top, width, height] within "
        f"{rule.columns} x {rule.rows} pixels."
    )


def _folded(text: object) -> str:
    return " ".join(str(text or "").upper().split())
