"""Which columns of a wide table are labels; a table with any other column is refused completely."""

from collections.abc import Iterator, Mapping

from common.errors import PermanentError
from common.labels.vocabulary_file import SETTING
from functions.annotations.formats.label_value import Cache, label_value
from functions.annotations.formats.refused_row import RowError
from functions.annotations.formats.vocabulary import COLUMNS_SETTING, Vocabulary
from functions.annotations.names.bookkeeping import is_bookkeeping
from functions.annotations.names.label_words import identifier_in, is_known_label

_MOST_NAMED = 20  # columns in a cause
_NEXT_STEP = (
    f"Remove the columns that are no labels, or list those that are: in {COLUMNS_SETTING}, "
    f"or in the vocabulary ({SETTING}). Then put the file into the bucket again."
)


class WideColumns:
    """The columns that have no other meaning.

    One is a label if the vocabulary or the settings list it, or else if it has no name that is known to be
    something else, and all of its cells are 1, 0, -1 or blank. Other tables hold numbers of patients,
    scanners and folds, coordinates and weights in such columns.
    """

    def __init__(self, names: Mapping[int, str], vocabulary: Vocabulary) -> None:
        self._names = names
        unlisted = [position for position, name in names.items() if not vocabulary.has_column(name)]
        self._wrong = {position for position in unlisted if is_bookkeeping(names[position])}
        self._judged = [position for position in unlisted if position not in self._wrong]
        self._are_plain = Cache(_is_plain)

    @property
    def are_labels(self) -> bool:
        """Whether all columns are labels, by the rows so far."""
        return not self._wrong

    def judged(self, rows: Iterator[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str]]]:
        """The same rows, judged one by one; PermanentError after the last one names the wrong columns."""
        for line, fields in rows:
            if self._judged:
                self._judge(fields)
            yield line, fields
        if self._wrong:
            raise PermanentError(
                f"These columns of the wide table may be no labels: {self._wrong_columns()}.",
                _NEXT_STEP,
            )

    def _judge(self, fields: list[str]) -> None:
        wrong = [position for position in self._judged if not self._are_plain[fields[position]]]
        if wrong:
            self._wrong.update(wrong)
            self._judged = [position for position in self._judged if position not in self._wrong]

    def _wrong_columns(self) -> str:
        """Numbers, with the names that can't name a patient."""
        positions = sorted(self._wrong)
        more = f" and {len(positions) - _MOST_NAMED} more" if len(positions) > _MOST_NAMED else ""
        return ", ".join(map(self._column, positions[:_MOST_NAMED])) + more

    def _column(self, position: int) -> str:
        name = self._names[position].strip()
        may_name_a_patient = identifier_in(name) or not (is_bookkeeping(name) or is_known_label(name))
        return f"{position + 1}" if may_name_a_patient or not name else f"{position + 1} ({name})"


def _is_plain(cell: str) -> bool:
    """Whether a cell is 1, 0, -1 or blank. A word such as yes is not: other columns have them, too."""
    try:
        return label_value(cell) in {None, 1.0, 0.0, -1.0} and not any(map(str.isalpha, cell))
    except RowError:
        return False
