"""Where a site's devices burn in text: rectangles by maker, model and size, in a TOML file."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError
from pydicom.dataset import Dataset

from common.errors import SettingsError
from common.toml_file import read_toml
from imaging.frames.blanking import Blanking, Rectangle

_SETTING = "DCM2SET_BLANKING_RULES"
_Name = Annotated[str, Field(min_length=1, max_length=64)]


@dataclass(frozen=True)
class DeviceRule:
    """What is made black in pictures of one device; nothing, where it is known to burn in nothing."""

    name: str
    manufacturer: str  # (0008,0070), in any case
    model: str  # (0008,1090), in any case
    rows: int
    columns: int
    blank: tuple[Rectangle, ...]

    def fits(self, ds: Dataset) -> bool:
        """Whether a data set is of this device and size."""
        told = (_folded(ds.get("Manufacturer")), _folded(ds.get("ManufacturerModelName")))
        size = (ds.get("Rows"), ds.get("Columns"))
        return told == (_folded(self.manufacturer), _folded(self.model)) and size == (self.rows, self.columns)

    @property
    def blanking(self) -> Blanking | None:
        """None where nothing is to be made black, so that the pixels stay as they were coded."""
        return Blanking(f"blanked by rule {self.name}", self.blank, keeps=False) if self.blank else None


class _Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    name: _Name
    manufacturer: _Name
    model: _Name
    rows: PositiveInt
    columns: PositiveInt
    blank: list[list[int]]


def rule_for(ds: Dataset, rules: Iterable[DeviceRule]) -> DeviceRule | None:
    """The first rule that fits."""
    return next((rule for rule in rules if rule.fits(ds)), None)


def load_device_rules(path: Path | None) -> tuple[DeviceRule, ...]:
    """The rules of a file, in its order; SettingsError names the rule and field that is wrong."""
    if path is None:
        return ()
    told = read_toml(path, _SETTING)
    rules = told.pop("rule", None)
    if told or not isinstance(rules, list):
        raise SettingsError(f"{_SETTING} is wrong: expected [[rule]] tables alone.")
    return tuple(_rule(number, table) for number, table in enumerate(rules, 1))


def _rule(number: int, table: object) -> DeviceRule:
    try:
        told = _Rule.model_validate(table)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        field = ".".join(map(str, first["loc"])) or "its top"
        raise SettingsError(f"{_SETTING} is wrong in rule {number} at {field}: {first['msg']}.") from None
    rectangles = tuple(_rectangle(number, told, corners) for corners in told.blank)
    return DeviceRule(told.name, told.manufacturer, told.model, told.rows, told.columns, rectangles)


def _rectangle(number: int, rule: _Rule, corners: list[int]) -> Rectangle:
    if len(corners) == 4:
        left, top, width, height = corners
        is_inside = left + width <= rule.columns and top + height <= rule.rows
        if min(left, top) >= 0 and min(width, height) > 0 and is_inside:
            return Rectangle(left, top, width, height)
    raise SettingsError(
        f"{_SETTING} is wrong in rule {number} at blank: expected [left, top, width, height] within "
        f"{rule.columns} x {rule.rows} pixels."
    )


def _folded(text: object) -> str:
    return " ".join(str(text or "").upper().split())
