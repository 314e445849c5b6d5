"""The plants of `plants.toml`: values for attributes, and the actions that they require."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from pydicom.dataset import Dataset

from benchmarks.support.midi_b.required_actions import Action, Category, Place, Required
from common.toml_file import read_toml

_PLANTS = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Plant:
    """A value for one attribute, and what must become of it; the texts have words in braces."""

    at: str
    value: str
    category: Category
    removed: Sequence[str] = ()
    retained: Sequence[str] = ()
    shifted: bool = False
    replaced: bool = False
    kept: bool = False
    notnull: bool = False
    kind: Sequence[str] = ()  # empty: of every kind
    every: int = 1

    def required(self, words: Mapping[str, str]) -> Iterator[Required]:
        """The actions that it requires in a file with these words."""
        place, value = Place(self.at), self.value.format_map(words)
        simple = {
            Action.TAG_RETAINED: self.kept,
            Action.TEXT_NOTNULL: self.notnull,
            Action.DATE_SHIFTED: self.shifted,
            Action.UID_CHANGED: self.replaced,
            Action.UID_CONSISTENT: self.replaced,
            Action.PATID_CONSISTENT: self.at == "PatientID",
        }
        yield from (
            Required(action, self.category, place, value) for action, is_on in simple.items() if is_on
        )
        for action, texts in ((Action.TEXT_REMOVED, self.removed), (Action.TEXT_RETAINED, self.retained)):
            yield from (Required(action, self.category, place, text.format_map(words)) for text in texts)


def plant_attributes(ds: Dataset, kind: str, number: int, words: Mapping[str, str]) -> list[Required]:
    """Plant into the `number`th file of a set; of several plants at one place, the last one counts."""
    chosen = {
        plant.at: plant
        for plant in _table()[0]
        if (not plant.kind or kind in plant.kind) and (number + _phase(plant)) % plant.every == 0
    }
    for plant in chosen.values():
        Place(plant.at).plant(ds, plant.value.format_map(words))
    return [required for plant in chosen.values() for required in plant.required(words)]


def _phase(plant: Plant) -> int:
    """At which file its turn begins: the same for all elements of a sequence."""
    return crc32(plant.at.split("/")[0].encode())


def descriptions(kind: str) -> tuple[list[str], list[str]]:
    """The descriptions of studies and of series of a kind of files."""
    _, exams, series = _table()
    return exams[kind], series[kind]


@cache
def _table() -> tuple[tuple[Plant, ...], dict[str, list[str]], dict[str, list[str]]]:
    table: dict[str, Any] = read_toml(_PLANTS, _PLANTS.name)
    plants = tuple(Plant(**{**plant, "category": Category(plant["category"])}) for plant in table["plant"])
    return plants, table["exams"], table["series"]
