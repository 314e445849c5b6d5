"""The allowed labels: those of an optional TOML file, otherwise those of harmless words."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from common.labels.label_name import label_name
from common.labels.vocabulary_file import SETTING, VocabularyFile, read_vocabulary_file
from functions.annotations.formats.label_value import name_cell
from functions.annotations.formats.refused_row import RowError
from functions.annotations.names.label_words import identifier_in, is_known_label

COLUMNS_SETTING = "DCM2SET_LABEL_COLUMNS"


@dataclass(frozen=True)
class Vocabulary(VocabularyFile):
    """The known labels; an empty vocabulary allows labels of words that cannot name a patient."""

    columns: frozenset[str] = frozenset()  # of wide tables that are labels, by the settings

    def has_column(self, name: str) -> bool:
        """Whether a column of a wide table is listed as a label."""
        return label_name(name) in self.labels | self.columns

    def label(self, name: str) -> str:
        """A label as it is stored; RowError, with the nearest known name, for an unknown label."""
        label = name_cell(name, "label")
        if not label:
            raise RowError("label is empty.")
        if label in self.labels:
            return label
        if self.labels:
            nearest = self._nearest(label)
            hint = f"; the nearest is {nearest}" if nearest else ""
            raise RowError(f"label is not in the vocabulary{hint}.")
        if found := identifier_in(label):
            raise RowError(f"label has {found}.")
        if not is_known_label(label):
            raise RowError(
                f"label has a word or number that may name a patient; list the label in {SETTING}."
            )
        return label

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


def read_vocabulary(path: Path | None, columns: Iterable[str] = ()) -> Vocabulary:
    """The vocabulary in a file, and the columns in the settings; SettingsError if the file has none."""
    found = read_vocabulary_file(path)
    return Vocabulary(found.labels, found.controls, frozenset(map(label_name, columns)))
