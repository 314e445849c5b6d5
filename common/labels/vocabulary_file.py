"""Reads the labels that DCM2SET_LABEL_VOCABULARY allows."""

from dataclasses import dataclass, field
from pathlib import Path

from common.errors import SettingsError
from common.labels.label_name import label_name
from common.toml_file import read_toml

SETTING = "DCM2SET_LABEL_VOCABULARY"
MAX_CHARACTERS = 500  # of a label: it is indexed in the database


@dataclass(frozen=True)
class VocabularyFile:
    """The labels of a vocabulary; without a file there are none."""

    labels: frozenset[str] = frozenset()  # all of them, also those of controls
    controls: dict[str, tuple[str, ...]] = field(default_factory=dict)  # the labels that each control offers


def read_vocabulary_file(path: Path | None) -> VocabularyFile:
    """The vocabulary in a file; SettingsError if the file has none."""
    if path is None:
        return VocabularyFile()
    content = read_toml(path, SETTING)
    labels, controls = content.pop("labels", []), content.pop("controls", {})
    lists = [labels, *controls.values()] if isinstance(controls, dict) else []
    if (
        content
        or not lists
        or not all(isinstance(names, list) and all(map(_is_label, names)) for names in lists)
    ):
        raise SettingsError(f"{SETTING} is wrong: expected labels = [...] and [controls] of lists.")
    known = frozenset(label_name(name) for names in lists for name in names)
    if not known:
        raise SettingsError(f"{SETTING} is wrong: it has no labels.")
    return VocabularyFile(known, {name: tuple(map(label_name, names)) for name, names in controls.items()})


def _is_label(name: object) -> bool:
    if not isinstance(name, str):
        return False
    label = label_name(name)
    return 0 < len(label) <= MAX_CHARACTERS and label.isprintable()
