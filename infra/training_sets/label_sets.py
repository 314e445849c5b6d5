"""The sets of labels that an export writes into files of their own."""

import csv
import re
from collections.abc import Iterable

from common.errors import PermanentError
from common.labels.label_name import label_name

_SET_NAME = re.compile("[a-z0-9][a-z0-9_-]{0,31}")


def parse_label_sets(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Parse `findings=Effusion,Edema` into labels by set. A name with a comma is put in double quotes.

    Raises PermanentError unless each set has a name of its own and at least one label.
    """
    sets: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, words = text.partition("=")
        if not _SET_NAME.fullmatch(name) or name in sets:
            raise PermanentError(
                f"A label set is written as findings=Effusion,Edema, each name once, not {text!r}. "
                "The name has 1 to 32 lower-case letters, digits, - and _."
            )
        labels = [label_name(word) for row in csv.reader([words], skipinitialspace=True) for word in row]
        if not labels or "" in labels:
            raise PermanentError(f"The label set {name} has no label, or one without a name.")
        sets[name] = tuple(dict.fromkeys(labels))
    return dict(sorted(sets.items()))  # the order of the columns; the database keeps no order of its own
