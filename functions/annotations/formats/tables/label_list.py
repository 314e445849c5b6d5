"""Reads the cell of labels in a table without a column of values: one label, or a list of them."""

import re

from functions.annotations.formats.label_value import label_value
from functions.annotations.formats.refused_row import RowError

# As Python and JSON write a list of texts. Escapes are not read: no label has any.
_TEXT = r"""'[^'\\]*'|"[^"\\]*\""""
_LIST = re.compile(rf"\[\s*(?:(?:{_TEXT})\s*(?:,\s*|(?=\])))*\]")
_ITEM = re.compile(_TEXT)


def listed_labels(cell: str) -> tuple[list[str], bool]:
    """The labels in a cell, separated by bars or in a list; and whether it is a list, which is complete.

    Raises RowError for a number or a word such as yes: it is a value, and its label is not in the table.
    """
    text = cell.strip()
    if text.startswith("["):
        if not _LIST.fullmatch(text):
            raise RowError("label begins like a list, but is none.")
        names = [item[1:-1].strip() for item in _ITEM.findall(text)]
        return [name for name in names if name], True
    if _is_value(text):
        raise RowError("label is a value; name the column of values after its label, or add a column label.")
    return text.split("|"), False


def _is_value(text: str) -> bool:
    try:
        return label_value(text) is not None
    except RowError:
        return re.fullmatch(r"[+-]?[0-9.,]+", text) is not None
