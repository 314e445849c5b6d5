"""The patients of `pet_patients.toml`: PET pictures of The Cancer Imaging Archive, with their licences."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PetPatient:
    """One patient's files."""

    name: str
    licence: str
    """Licence and name of the collection, as the licence asks."""
    files: tuple[str, ...]
    held_out: bool


def pet_patients() -> Iterator[PetPatient]:
    """Yield the patients of all collections, in the file's order."""
    content = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
    for collection in content["collections"]:
        named = f"{collection['title']}, doi:{collection['doi']}, The Cancer Imaging Archive"
        for part in ("learned", "held_out"):
            for patient, files in _by_patient(collection["prefix"], collection[part]).items():
                name = f"PT {collection['prefix']} {patient}"
                yield PetPatient(name, f"{collection['licence']}: {named}", tuple(files), part == "held_out")


def _by_patient(prefix: str, names: list[str]) -> dict[str, list[str]]:
    """Return the files, with their suffix, by patient."""
    result: dict[str, list[str]] = {}
    for name in names:
        found = re.fullmatch(rf"\w+/{prefix}_(.+)_[0-9]{{3}}", name)
        if found is None:
            raise ValueError(f"{name} is not named <vendor>/{prefix}_<patient>_<number>.")
        result.setdefault(found[1], []).append(f"{name}.dcm")
    return result
