"""The allowed labels, from an optional TOML file."""

from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from common.errors import SettingsError
from common.toml_file import read_toml
from functions.annotations.formats.label_value import name_cell
from functions.annotations.formats.refused_row import RowError

_SETTING = "DCM2SET_LABEL_VOCABULARY"


@dataclass(frozen=True)
class Vocabulary:
    """The known labels; an empty vocabulary allows every label."""

    labels: frozenset[str] = frozenset()
    controls: dict[str, tuple[str, ...]] = field(default_factory=dict)  # the labels that each control offers

    def label(self, name: str) -> str:
        """A label as it is stored; RowError, with the nearest known name, for an unknown label."""
        label = name_cell(name, "label")
        if not label:
            raise RowError("label is empty.")
        if not self.labels or label in self.labels:
            return label
        nearest = self._nearest(label)
        hint = f"; the nearest is {nearest}" if nearest else ""
        raise RowError(f"label is not in the vocabulary{hint}.")

    def offered(self, project: str) -> list[str]:
        """The labels that the controls of a Label Studio project offer.

        A control named `name` belongs to every project, one named `project/name` to that project.
        """
        own = [name for name in self.controls if name.rpartition("/")[0] in {"", project}]
        return [label for name in own for label in self.controls[name]]

    def _nearest(self, label: str) -> str | None:
        by_folded = {name.casefold(): name for name in sorted(self.labels)}
        found = get_close_matches(label.casefold(), by_folded, n=1, cutoff=0.5)
        return by_folded[found[0]] if found else None


def read_vocabulary(path: Path | None) -> Vocabulary:
    """The vocabulary in a file; SettingsError if the file has none."""
    if path is None:
        return Vocabulary()
    content = read_toml(path, _SETTING)
    labels, controls = content.pop("labels", []), content.pop("controls", {})
    lists = [labels, *controls.values()] if isinstance(controls, dict) else []
    if (
        content
        or not lists
        or not all(isinstance(names, list) and all(map(_is_label, names)) for names in lists)
    ):
        raise SettingsError(f"{_SETTING} is wrong: expected labels = [...] and [controls] of lists.")
    known = frozenset(name.strip() for names in lists for name in names)
    if not known:
        raise SettingsError(f"{_SETTING} is wrong: it has no labels.")
    return Vocabulary(
        known, {name: tuple(label.strip() for label in names) for name, names in controls.items()}
    )


def _is_label(name: object) -> bool:
    try:
        return isinstance(name, str) and bool(name_cell(name, "label"))
    except RowError:
        return False
